"""Draws from a pool: balanced, nested, the same hands and crops."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import HandPool
from simhand_mm.preparation.subset import Selection, choose_hands, write_subset
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


@pytest.mark.parametrize("balance, number", [(False, 0), (False, -1), (True, 1), (True, -3)])
def test_no_hands_are_not_a_subset(balance, number):
    with pytest.raises(ValueError, match=f"num_hands must be at least .*, but got {number}"):
        choose_hands(SIDES, number, balance, seed=0)


@pytest.fixture
def pool(tmp_path):
    hands = {
        video: [
            make_hand(
                video,
                frame,
                handedness="left" if frame % 3 == 0 else "right",
                keypoints_3d=np.full((21, 3), frame, np.float32) if video == "a" else None,
            )
            for frame in range(12)
        ]
        for video in "ab"
    }
    return write_pool(tmp_path / "pool", hands, fps=1)


def test_subset_is_a_pool_of_the_same_hands(pool, tmp_path):
    info = write_subset(pool, tmp_path / "out", Selection(balance=True))
    subset = HandPool(tmp_path / "out")
    assert info["num_hands"] == len(subset) == 16
    assert subset.handedness_index.mean() == 0.5
    assert info["crop_size"] == 32
    assert info["subset"]["of"] == pool.fingerprint
    rows = pool.rows_of([subset.hand_id(row) for row in range(len(subset))])
    np.testing.assert_array_equal(subset.keypoints_2d, pool.keypoints_2d[rows])
    np.testing.assert_array_equal(subset.is_mirrored, pool.is_mirrored[rows])
    np.testing.assert_array_equal(subset.keypoints_3d, pool.keypoints_3d[rows])
    assert all(subset.read_crop(row) == pool.read_crop(rows[row]) for row in range(16))
    drops = pq.read_table(tmp_path / "out" / "drops.parquet").to_pylist()
    assert {(row["stage"], row["reason"]) for row in drops} == {("balance", "surplus_side")}
    kept = {subset.hand_id(row) for row in range(16)}
    every = {pool.hand_id(row) for row in range(24)}
    assert {row["detail"] for row in drops} == every - kept


def test_interrupted_subset_is_finished_and_another_draw_refused(pool, tmp_path):
    write_subset(pool, tmp_path / "out", Selection(10))
    before = (tmp_path / "out" / "hands.parquet").read_bytes()
    (tmp_path / "out" / "pool.json").unlink()
    next((tmp_path / "out" / "parts").glob("*.arrow")).unlink()
    write_subset(pool, tmp_path / "out", Selection(10))
    assert (tmp_path / "out" / "hands.parquet").read_bytes() == before
    with pytest.raises(ValueError, match="settings must be those"):
        write_subset(pool, tmp_path / "out", Selection(10, seed=1))


def test_hands_are_filtered_by_condition_and_by_id(pool, tmp_path):
    excluded = tmp_path / "ids.txt"
    excluded.write_text("\ufeffa/000007/0\n\nb/000011/0\na/000099/0\n", encoding="utf-8")
    selection = Selection(where="frame_index > 5 and handedness == 'right'", exclude=excluded)
    info = write_subset(pool, tmp_path / "out", selection)
    subset = HandPool(tmp_path / "out")
    right = [frame for frame in range(6, 12) if frame % 3]
    every = {f"{video}/{frame:06d}/0" for video in "ab" for frame in right}
    kept = {subset.hand_id(row) for row in range(len(subset))}
    assert kept == every - {"a/000007/0", "b/000011/0"}
    assert info["subset"]["where"] == selection.where
    assert info["subset"]["exclude"].startswith("sha256:")
    excluded.write_text("a/000008/0\n")
    with pytest.raises(ValueError, match="settings must be those"):
        write_subset(pool, tmp_path / "out", selection)


def test_filtered_hands_are_balanced_among_themselves(pool, tmp_path):
    write_subset(pool, tmp_path / "out", Selection(where="frame_index < 6", balance=True))
    subset = HandPool(tmp_path / "out")
    assert len(subset) == 8 and subset.handedness_index.mean() == 0.5
    assert subset.frame_index.max() < 6
    drops = pq.read_table(tmp_path / "out" / "drops.parquet").to_pylist()
    assert len(drops) == 4 and all(row["frame_index"] < 6 for row in drops)


def test_columns_are_kept(tmp_path):
    hands = {
        "a": [
            make_hand("a", frame, sharpness=frame, brightness=2, columns={"label": f"l{frame}"})
            for frame in range(3)
        ]
    }
    pool = write_pool(tmp_path / "pool", hands, columns=["label"])
    write_subset(pool, tmp_path / "out", Selection(where="sharpness >= 1"))
    subset = HandPool(tmp_path / "out")
    assert subset.values("label").tolist() == ["l1", "l2"]
    assert subset.sharpness.tolist() == [1, 2] and subset.brightness.tolist() == [2, 2]


@pytest.mark.parametrize("suffix", ["txt", "csv", "parquet"])
def test_excluded_ids_may_be_in_a_table(pool, tmp_path, suffix):
    ids = ["a/000001/0", "b/000002/0"]
    path = tmp_path / f"ids.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table({"hand_id": ids, "duplicate_id": ["x", "y"]}), path)
    else:
        path.write_text("\n".join((["hand_id"] if suffix == "csv" else []) + ids))
    assert write_subset(pool, tmp_path / "out", Selection(exclude=path))["num_hands"] == 22
    assert (HandPool(tmp_path / "out").rows_of(ids) == -1).all()


def test_filters_that_leave_nothing_are_refused(pool, tmp_path):
    with pytest.raises(ValueError, match="they leave none of 24"):
        write_subset(pool, tmp_path / "out", Selection(where="frame_index > 99"))
    (tmp_path / "ids.txt").write_text("x/000001/0\n")
    with pytest.raises(ValueError, match="none of its 1 ids does"):
        write_subset(pool, tmp_path / "out", Selection(exclude=tmp_path / "ids.txt"))
