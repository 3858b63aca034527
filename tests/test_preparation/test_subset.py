"""Draws from a pool: balanced, nested, the same hands and crops."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import HandPool
from simhand_mm.preparation.subset import Draw, choose_hands, write_subset
from tests.pools import make_hand, write_pool

SIDES = np.random.default_rng(0).permutation([0] * 300 + [1] * 700)


def test_draws_are_balanced_nested_and_repeat():
    balanced = choose_hands(SIDES, None, balance=True, seed=1)
    assert len(balanced) == 600
    assert SIDES[balanced].mean() == 0.5
    small = choose_hands(SIDES, 100, balance=True, seed=1)
    assert SIDES[small].mean() == 0.5
    assert set(small) <= set(balanced)
    plain = [choose_hands(SIDES, size, balance=False, seed=1) for size in (50, 400, 1000)]
    assert set(plain[0]) < set(plain[1]) < set(plain[2])
    assert [len(rows) for rows in plain] == [50, 400, 1000]
    np.testing.assert_array_equal(small, choose_hands(SIDES, 100, balance=True, seed=1))
    assert set(small) != set(choose_hands(SIDES, 100, balance=True, seed=2))


def test_more_hands_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="num_hands must be at most 600, but got 602"):
        choose_hands(SIDES, 602, balance=True, seed=0)
    with pytest.raises(ValueError, match="num_hands must be at most 1000, but got 1001"):
        choose_hands(SIDES, 1001, balance=False, seed=0)


@pytest.fixture
def pool(tmp_path):
    hands = {
        video: [
            make_hand(video, frame, handedness="left" if frame % 3 == 0 else "right")
            for frame in range(12)
        ]
        for video in "ab"
    }
    return write_pool(tmp_path / "pool", hands, fps=1)


def test_subset_is_a_pool_of_the_same_hands(pool, tmp_path):
    info = write_subset(pool, tmp_path / "out", Draw(balance=True))
    subset = HandPool(tmp_path / "out")
    assert info["num_hands"] == len(subset) == 16
    assert subset.handedness_index.mean() == 0.5
    assert info["crop_size"] == 32
    assert info["subset"]["of"] == pool.fingerprint
    rows = pool.rows_of([subset.hand_id(row) for row in range(len(subset))])
    np.testing.assert_array_equal(subset.keypoints_2d, pool.keypoints_2d[rows])
    np.testing.assert_array_equal(subset.is_mirrored, pool.is_mirrored[rows])
    assert all(subset.read_crop(row) == pool.read_crop(rows[row]) for row in range(16))
    drops = pq.read_table(tmp_path / "out" / "drops.parquet").to_pylist()
    assert {(row["stage"], row["reason"]) for row in drops} == {("balance", "surplus_side")}
    kept = {subset.hand_id(row) for row in range(16)}
    every = {pool.hand_id(row) for row in range(24)}
    assert {row["detail"] for row in drops} == every - kept


def test_interrupted_subset_is_finished_and_another_draw_refused(pool, tmp_path):
    write_subset(pool, tmp_path / "out", Draw(10))
    before = (tmp_path / "out" / "hands.parquet").read_bytes()
    (tmp_path / "out" / "pool.json").unlink()
    next((tmp_path / "out" / "parts").glob("*.arrow")).unlink()
    write_subset(pool, tmp_path / "out", Draw(10))
    assert (tmp_path / "out" / "hands.parquet").read_bytes() == before
    with pytest.raises(ValueError, match="settings must be those"):
        write_subset(pool, tmp_path / "out", Draw(10, seed=1))
