"""Exact neighbours in other groups: comparison with a slow reference, and unusual pools."""

import builtins

import numpy as np
import pytest

from simhand_mm.functional.neighbors import (
    NeighborIndex,
    brute_force_in_other_groups,
    nearest_in_other_groups,
)
from simhand_mm.functional.neighbors.index import selection_plan
from simhand_mm.functional.neighbors.tree import LEAF_ROWS, build_tree, tree_order
from tests.references import neighbors as reference


def random_pool(num_rows=400, num_dims=14, num_groups=20, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(10, num_dims))
    embeddings = centers[rng.integers(0, 10, num_rows)] + 0.3 * rng.normal(
        size=(num_rows, num_dims)
    )
    return embeddings.astype(np.float32), rng.integers(0, num_groups, num_rows)


def assert_equals_reference(embeddings, groups, ranks):
    rows = np.arange(len(embeddings))
    index, distance = NeighborIndex(embeddings, groups).search(rows, ranks)
    expected_index, expected_distance = reference.nearest(embeddings, groups, rows, ranks)
    np.testing.assert_array_equal(index, expected_index)
    np.testing.assert_array_equal(distance, expected_distance)
    brute_index, brute_distance = brute_force_in_other_groups(embeddings, groups, rows, ranks)
    np.testing.assert_array_equal(brute_index, expected_index)
    np.testing.assert_array_equal(brute_distance, expected_distance)


@pytest.mark.parametrize("ranks", [[1], [1, 2, 3], [3, 32], [1, 33], [2, 50, 100, 399]])
def test_search_equals_reference(ranks):
    assert_equals_reference(*random_pool(), ranks)


def test_search_all_ranks_equals_reference():
    embeddings, groups = random_pool(300)
    assert_equals_reference(embeddings, groups, np.arange(1, 301))


@pytest.mark.parametrize("num_dims", [1, 21])
def test_search_any_number_of_dims(num_dims):
    assert_equals_reference(*random_pool(num_dims=num_dims), [1, 5])


@pytest.mark.parametrize("num_rows", [0, 1, 2, 15, 16, 17, 32, 33, 513])
def test_search_any_number_of_rows(num_rows):
    embeddings, groups = random_pool(num_rows, num_dims=2, num_groups=3)
    assert_equals_reference(embeddings, groups, [1, 2])


def test_search_near_duplicates():
    embeddings, groups = random_pool(100)
    rng = np.random.default_rng(1)
    copies = [embeddings + 1e-4 * rng.normal(size=embeddings.shape) for _ in range(3)]
    embeddings = np.concatenate([embeddings, *copies]) + 100  # far from the origin
    groups = np.concatenate([groups + 100 * copy for copy in range(4)])
    assert_equals_reference(embeddings, groups, [1, 2, 3, 10])


def test_search_identical_rows_take_the_lowest():
    embeddings, groups = random_pool(60)
    embeddings = np.tile(embeddings, (4, 1))
    groups = np.arange(4).repeat(60)
    assert_equals_reference(embeddings, groups, [1, 2, 3, 4, 40])
    index = nearest_in_other_groups(embeddings, groups, 3)[0]
    np.testing.assert_array_equal(index[:60, 0], np.arange(60, 120))
    np.testing.assert_array_equal(index[60:120], np.arange(60)[:, None] + [0, 120, 180])


def test_search_all_equal_pool():
    groups = np.arange(300) // 7
    assert_equals_reference(np.ones((300, 2), np.float32), groups, [1, 2, 50])


def test_search_all_equal_pool_is_not_quadratic():
    groups = np.arange(200_000) // 50
    index, distance = nearest_in_other_groups(np.ones((200_000, 2)), groups)
    assert index[0, 0] == 50
    assert (index[50:, 0] == 0).all()
    assert (distance == 0).all()


def test_search_ignores_rows_with_nan_or_infinity():
    embeddings, groups = random_pool(200)
    embeddings[3, 0] = np.nan
    embeddings[50:60] = np.nan
    embeddings[70, 2] = np.inf
    assert_equals_reference(embeddings, groups, [1, 2, 60])
    index, distance = nearest_in_other_groups(embeddings, groups, 1)
    bad = [3, *range(50, 60), 70]
    assert (index[bad] == -1).all() and np.isinf(distance[bad]).all()
    assert not np.isin(index, bad).any()


def test_search_only_nan():
    index, distance = nearest_in_other_groups(np.full((40, 2), np.nan), np.arange(40), 2)
    assert (index == -1).all() and np.isinf(distance).all()


def test_search_one_group_finds_nothing():
    embeddings, groups = random_pool(100_000, num_dims=2)
    index, distance = nearest_in_other_groups(embeddings, np.zeros(len(groups)), 2)
    assert (index == -1).all() and np.isinf(distance).all()


def test_search_two_hands():
    index, distance = nearest_in_other_groups(np.array([[0.0, 0], [3, 4]]), ["a", "b"], 3)
    np.testing.assert_array_equal(index, [[1, -1, -1], [0, -1, -1]])
    np.testing.assert_array_equal(distance, [[5, np.inf, np.inf]] * 2)


def test_search_for_more_neighbors_than_rows():
    embeddings, groups = random_pool(50, num_dims=2)
    index, distance = NeighborIndex(embeddings, groups).search(np.arange(50), [1, 2**40])
    np.testing.assert_array_equal(index[:, 0], nearest_in_other_groups(embeddings, groups)[0][:, 0])
    assert (index[:, 1] == -1).all() and np.isinf(distance[:, 1]).all()


@pytest.mark.parametrize("magnitude", [1e-30, 1e-18, 1e18, 1e30])
def test_search_extreme_magnitudes(magnitude):
    embeddings, groups = random_pool(200, num_dims=2)
    assert_equals_reference(embeddings * np.float32(magnitude), groups, [1, 2, 40])


def test_search_does_not_depend_on_threads_or_query_subset():
    embeddings, groups = random_pool(3000)
    ranks = [1, 2, 50]
    whole = NeighborIndex(embeddings, groups, num_threads=1).search(np.arange(3000), ranks)
    index = NeighborIndex(embeddings, groups, num_threads=2)
    for rows in (np.arange(3000), np.random.default_rng(0).permutation(3000)[:700]):
        for got, expected in zip(index.search(rows, ranks), whole, strict=True):
            np.testing.assert_array_equal(got, expected[rows])


def test_search_leaves_inputs_unchanged():
    embeddings, groups = random_pool(100)
    before = embeddings.copy(), groups.copy()
    nearest_in_other_groups(embeddings, groups, 3)
    np.testing.assert_array_equal(embeddings, before[0])
    np.testing.assert_array_equal(groups, before[1])


def test_tree_boxes_contain_their_rows():
    embeddings, groups = random_pool(5000, num_dims=2)
    tree = build_tree(embeddings, groups.astype(np.int32))
    order = tree_order(embeddings)
    np.testing.assert_array_equal(np.sort(order), np.arange(5000))
    for level, (first_pack, num_nodes) in enumerate(tree.levels):
        rows_per_node = LEAF_ROWS * 16**level
        for node in range(num_nodes):
            below = order[node * rows_per_node : (node + 1) * rows_per_node]
            pack, lane = first_pack + node // 16, node % 16
            lower, upper = tree.boxes[pack, :, :, lane]
            np.testing.assert_array_equal(lower, embeddings[below].min(axis=0))
            np.testing.assert_array_equal(upper, embeddings[below].max(axis=0))
            assert tree.node_tags[pack, 1, lane] == below.min()


def test_selection_plan_selects_every_rank():
    ranks = np.array([1, 2, 5, 10, 50, 100])
    plan = selection_plan(ranks)
    assert sorted(plan[:, 2] + 1) == ranks.tolist()
    values = np.random.default_rng(0).permutation(500)
    for low, high, position in plan:
        values[low:high] = np.partition(values[low:high], position - low)
    np.testing.assert_array_equal(values[ranks - 1], ranks - 1)


@pytest.mark.parametrize("ranks", [[], [0], [2, 2], [3, 1]])
def test_search_with_bad_ranks_raises(ranks):
    with pytest.raises(ValueError, match="ranks must be increasing"):
        NeighborIndex(*random_pool(10)).search(np.arange(10), ranks)


def test_search_with_bad_shapes_raises():
    with pytest.raises(ValueError, match=r"embeddings must be \[N, D\].*\(3,\)"):
        nearest_in_other_groups(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"group_ids must have one entry per row.*\(3,\).*\(2,\)"):
        nearest_in_other_groups(np.zeros((3, 2)), np.zeros(2))


def test_search_without_numba_names_the_extra(monkeypatch):
    real_import = builtins.__import__

    def without_numba(name, *args):
        if name == "numba" or name.endswith("neighbors.kernels"):
            raise ImportError(name)
        return real_import(name, *args)

    monkeypatch.setattr(builtins, "__import__", without_numba)
    with pytest.raises(ImportError, match=r"simhand-mm\[mine\]"):
        nearest_in_other_groups(*random_pool(10))


def test_kernels_compile_without_a_writable_cache(monkeypatch):
    import numba

    from simhand_mm.functional.compiled import jit

    compile_function = numba.njit

    def without_cache(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compile_function(**options)

    monkeypatch.setattr(numba, "njit", without_cache)
    assert jit()(lambda x: x + 1)(2) == 3
