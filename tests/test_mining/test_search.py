"""All engines keep the contract, and exact engines give identical answers."""

import sys

import numpy as np
import pytest

from simhand_mm.functional.neighbors import brute_force_in_other_groups
from simhand_mm.mining.search import ENGINES, EXACT_ENGINES, build_engine
from tests.references import neighbors as reference

EXACT = sorted(EXACT_ENGINES)


def moving_hands(num_rows=3000, num_dims=14, motion=0.05, noise=0.01, seed=0):
    """Videos of very different lengths whose poses drift around a few common ones."""
    rng = np.random.default_rng(seed)
    lengths = np.maximum(1, (60 * rng.lognormal(-0.5, 1.0, num_rows)).astype(int))
    groups = np.repeat(np.arange(num_rows), lengths)[:num_rows]
    spread = 0.7 ** np.arange(num_dims)  # as the variances of a PCA fall
    poses = rng.normal(size=(40, num_dims))[rng.integers(0, 40, num_rows)][groups]
    drift = np.cumsum(motion * rng.normal(size=(num_rows, num_dims)), axis=0)
    drift -= drift[np.flatnonzero(np.r_[True, np.diff(groups) != 0])][groups]
    noise = noise * rng.normal(size=poses.shape)
    return ((poses + drift) * spread + noise).astype(np.float32), groups


POOLS = {
    "ordinary": moving_hands(motion=0.05, noise=0.01),
    "slow": moving_hands(motion=0.005, noise=0.001, seed=1),
    "noisy": moving_hands(motion=0.05, noise=0.2, seed=2),
}


def assert_equal(got, expected):
    for array, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(array, other)


@pytest.fixture(scope="module", params=sorted(POOLS))
def pool_with_answer(request):
    embeddings, groups = POOLS[request.param]
    ranks = np.array([1, 2, 10, 70])
    rows = np.arange(len(groups))
    return embeddings, groups, ranks, reference.nearest(embeddings, groups, rows, ranks)


@pytest.mark.parametrize("engine", EXACT)
def test_engine_equals_reference_on_all_queries(engine, pool_with_answer):
    embeddings, groups, ranks, expected = pool_with_answer
    search = build_engine(engine, embeddings, groups).search
    assert_equal(search(np.arange(len(groups)), ranks), expected)
    top = search(np.arange(len(groups)), ranks[:1])
    assert_equal(top, [array[:, :1] for array in expected])


@pytest.mark.parametrize("num_threads", [1, 2])
def test_exact_engine_does_not_depend_on_threads_or_shards(num_threads, pool_with_answer):
    embeddings, groups, ranks, expected = pool_with_answer
    engine = build_engine("exact", embeddings, groups, num_threads=num_threads)
    shards = [engine.search(rows, ranks) for rows in np.array_split(np.arange(len(groups)), 7)]
    assert_equal([np.concatenate(arrays) for arrays in zip(*shards, strict=True)], expected)


@pytest.mark.parametrize("engine", ["torch", "faiss"])
def test_engine_does_not_depend_on_shards(engine, pool_with_answer):
    embeddings, groups, ranks, expected = pool_with_answer
    search = build_engine(engine, embeddings, groups).search
    shards = [search(rows, ranks[:2]) for rows in np.array_split(np.arange(len(groups)), 7)]
    expected = [array[:, :2] for array in expected]
    assert_equal([np.concatenate(arrays) for arrays in zip(*shards, strict=True)], expected)


def near_duplicates():
    embeddings, groups = moving_hands(150)
    copies = 1e-4 * np.random.default_rng(1).normal(size=(4, *embeddings.shape))
    return (embeddings + copies).reshape(-1, 14), np.concatenate(
        [groups + 150 * c for c in range(4)]
    )


def identical_copies():
    embeddings, groups = moving_hands(150)
    return np.tile(embeddings, (4, 1)), np.concatenate([groups + 150 * c for c in range(4)])


def with_nan():
    embeddings, groups = moving_hands(600)
    embeddings[[0, 5, 77]] = np.nan
    embeddings[100:120, 3] = np.inf
    return embeddings, groups


STRANGE = {
    "near_duplicates": near_duplicates(),
    "near_duplicates_far_from_origin": (near_duplicates()[0] + 100, near_duplicates()[1]),
    "identical_copies": identical_copies(),
    "nan": with_nan(),
    "only_nan": (np.full((20, 14), np.nan), np.arange(20)),
    "all_equal": (np.ones((700, 14)), np.arange(700) // 9),
    "one_video": (moving_hands(600)[0], np.zeros(600)),
    "two_hands": (np.array([[0.0] * 14, [1.0] * 14]), np.array(["a", "b"])),
    "one_hand": (np.zeros((1, 14)), np.zeros(1)),
    "fewer_than_k": (moving_hands(40)[0], np.arange(40) % 2),
    "huge": (moving_hands(600)[0] * np.float32(1e30), moving_hands(600)[1]),
    "tiny": (moving_hands(600)[0] * np.float32(1e-25), moving_hands(600)[1]),
}


@pytest.mark.parametrize("ranks", [[1], [1, 3, 37, 10**9]])
@pytest.mark.parametrize("pool", sorted(STRANGE))
@pytest.mark.parametrize("engine", EXACT)
def test_engine_on_unusual_pools(engine, pool, ranks):
    embeddings, groups = STRANGE[pool]
    rows = np.arange(len(groups))
    got = build_engine(engine, embeddings, groups).search(rows, ranks)
    assert_equal(got, reference.nearest(embeddings, groups, rows, ranks))


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_engine_without_queries(engine):
    index, distance = build_engine(engine, *moving_hands(100)).search(np.arange(0), [1, 2])
    assert index.shape == distance.shape == (0, 2)


def test_ivf_finds_most_neighbors_with_exact_distances():
    embeddings, groups = POOLS["ordinary"]
    rows = np.arange(len(groups))
    index, distance = build_engine("faiss-ivf", embeddings, groups, num_probes=4).search(rows, [1])
    expected = brute_force_in_other_groups(embeddings, groups, rows, [1])
    same = index == expected[0]
    assert same.mean() > 0.7
    np.testing.assert_array_equal(distance[same], expected[1][same])
    assert (groups[index] != groups[:, None]).all()


def test_unknown_engine_raises():
    with pytest.raises(ValueError, match=r"engine must be one of .*'fast'"):
        build_engine("fast", *moving_hands(10))
    with pytest.raises(ValueError, match=r"options of engine exact must be .*num_threads.*speed"):
        build_engine("exact", *moving_hands(10), speed=9)


@pytest.mark.parametrize("engine", ["faiss", "faiss-ivf"])
def test_missing_faiss_names_the_extra_only_if_used(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    build_engine("exact", *moving_hands(10))
    with pytest.raises(ImportError, match=r"simhand-mm\[faiss\]"):
        build_engine(engine, *moving_hands(10))
