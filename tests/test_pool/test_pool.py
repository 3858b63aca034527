"""The pool on disk: write, read, pickle, refuse."""

import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import (
    DropRecord,
    HandPairs,
    HandPool,
    PoolWriter,
    load_pairs,
    save_pairs,
)
from simhand_mm.pool.crops import crop_key
from simhand_mm.pool.schema import column_to_array
from simhand_mm.pool.video_statuses import VideoStatus, read_statuses, write_statuses
from tests import pools
from tests.pools import make_hand

SETTINGS = {"crop_size": 32, "producer": "test"}


def write_pool(root, videos=("b", "a/x", "c")):
    hands = {
        video: [make_hand(video, frame, hand) for frame in (10, 2, 5) for hand in (1, 0)]
        for video in videos
    }
    drops = tuple(DropRecord(video, 7, "keypoints", "no_hand") for video in videos)
    return pools.write_pool(root, hands, drops)


def test_pool_rows_are_sorted_and_complete(tmp_path):
    pool = write_pool(tmp_path)
    assert len(pool) == 18
    assert pool.video_ids == ["a/x", "b", "c"]
    assert pool.frame_index[:6].tolist() == [2, 2, 5, 5, 10, 10]
    assert np.all(np.diff(pool.video_index) >= 0)
    row = int(pool.rows_of(["b/000005/1"])[0])
    expected = make_hand("b", 5, 1)
    assert pool.hand_id(row) == expected.hand_id
    np.testing.assert_array_equal(pool.keypoints_2d[row], expected.keypoints_2d)
    np.testing.assert_array_equal(pool.bbox_xyxy[row], expected.bbox_xyxy)
    assert pool.read_crop(row) == expected.crop
    assert pool.is_mirrored[row]
    assert pool.handedness_index[row] == 0
    assert pool.rows_of(["nobody"]).tolist() == [-1]
    assert pool.info["num_drops"] == {"no_hand": 3}


def test_3d_of_the_estimator_is_kept_where_there_is_one(tmp_path):
    pose = np.random.default_rng(0).normal(size=(21, 3)).astype(np.float32)
    hands = [make_hand("a", 0), make_hand("a", 1, keypoints_3d=pose), make_hand("a", 2)]
    pool = pools.write_pool(tmp_path, {"a": hands})
    assert pool.keypoints_3d.shape == (3, 21, 3)
    assert np.isnan(pool.keypoints_3d[[0, 2]]).all()
    np.testing.assert_array_equal(pool.keypoints_3d[1], pose)
    np.testing.assert_array_equal(pool.read_keypoints_3d(1), pose)
    assert pool.read_keypoints_3d(0) is None


def test_pool_bytes_do_not_depend_on_writing_order(tmp_path):
    write_pool(tmp_path / "one")
    write_pool(tmp_path / "two", videos=("c", "b", "a/x"))
    for name in ("hands.parquet", "drops.parquet", "hands.arrow", "pool.json", "crops/00000.lmdb"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_pool_is_picklable_and_rebuilds_its_index(tmp_path):
    pool = write_pool(tmp_path)
    (tmp_path / "hands.arrow").unlink()
    again = pickle.loads(pickle.dumps(pool))
    np.testing.assert_array_equal(again.keypoints_2d, pool.keypoints_2d)
    assert (tmp_path / "hands.arrow").is_file()


def test_columns_are_mapped_in_one_piece(tmp_path):
    table = pq.read_table(write_pool(tmp_path).root / "hands.parquet")
    pq.write_table(table, tmp_path / "hands.parquet", row_group_size=5)
    (tmp_path / "hands.arrow").unlink()
    pool = HandPool(tmp_path)
    for name in table.column_names:
        assert pool.column(name).num_chunks == 1
    assert pool.video_ids == ["a/x", "b", "c"]
    assert not pool.video_index.flags.owndata
    assert not pool.keypoints_2d.flags.writeable
    assert pool.rows_of(["c/000010/1"]).tolist() == [17]


def test_empty_pool_opens(tmp_path):
    writer = PoolWriter(tmp_path, SETTINGS)
    writer.write_video("a", [], [DropRecord("a", -1, "decode", "no_frames")])
    writer.finalize()
    pool = HandPool(tmp_path)
    assert len(pool) == 0
    assert pool.keypoints_2d.shape == (0, 21, 2)
    assert pq.read_table(tmp_path / "drops.parquet")["reason"].to_pylist() == ["no_frames"]


def test_other_settings_are_refused(tmp_path):
    PoolWriter(tmp_path, SETTINGS)
    with pytest.raises(ValueError, match=r"settings must be .*crop_size.*\(32, 64\)"):
        PoolWriter(tmp_path, {**SETTINGS, "crop_size": 64})


def test_missing_pool_names_path_and_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pool\.json does not exist.*simhand prepare"):
        HandPool(tmp_path / "nowhere")


def test_pairs_round_trip_and_belong_to_their_pool(tmp_path):
    pool = write_pool(tmp_path / "pool")
    other = write_pool(tmp_path / "other", videos=("z",))
    index = np.arange(len(pool), dtype=np.int32)[:, None]
    distance = np.ones((len(pool), 1), np.float32)
    pairs = HandPairs(index, distance, np.array([1]), "self", "none", pool.fingerprint)
    save_pairs(pool.root, "self", pairs)
    loaded = load_pairs(pool.root, "self", pool)
    np.testing.assert_array_equal(loaded.positive_index, index)
    assert loaded.column_of_rank(1) == 0
    with pytest.raises(ValueError, match="rank must be one of"):
        loaded.column_of_rank(7)
    with pytest.raises(ValueError, match="must belong to the pool"):
        load_pairs(pool.root, "self", other)
    with pytest.raises(FileNotFoundError, match=r"available: \['self'\]"):
        load_pairs(pool.root, "top1", pool)


def test_crops_of_a_half_copied_pool_are_named(tmp_path):
    pool = write_pool(tmp_path)
    (tmp_path / "crops" / "00000.lmdb").unlink()
    with pytest.raises(FileNotFoundError, match=r"crops must be in .*00000\.lmdb"):
        pool.read_crop(0)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize("size", [0, 10, 4096, 8192, 12288, -1])
def test_cut_off_crops_are_named(tmp_path, size):
    """Else, LMDB reads beyond the end of the file, and the process ends with a bus error."""
    hands = [make_hand("v", frame, crop=bytes(3000)) for frame in range(30)]
    assert pools.write_pool(tmp_path, {"v": hands}).read_crop(29) == bytes(3000)
    cut(tmp_path / "crops" / "00000.lmdb", size)
    with pytest.raises(ValueError, match=r"00000\.lmdb must be a complete file .* Copy the pool"):
        HandPool(tmp_path).read_crop(29)


@pytest.mark.parametrize("name", ["pool.json", "hands.parquet"])
@pytest.mark.parametrize("size", [0, 10, -3])
def test_cut_off_tables_are_named(tmp_path, name, size):
    write_pool(tmp_path)
    cut(tmp_path / name, size)
    with pytest.raises(
        ValueError, match=rf"{name} must be (a complete .*Copy the pool again|JSON)"
    ):
        len(HandPool(tmp_path).keypoints_2d)


@pytest.mark.parametrize("size", [0, 10, 1000, -1])
def test_a_cut_off_copy_of_the_table_is_written_again(tmp_path, size):
    pool = write_pool(tmp_path)
    expected = np.array(pool.keypoints_2d)
    size_before = (tmp_path / "hands.arrow").stat().st_size
    cut(tmp_path / "hands.arrow", size)
    np.testing.assert_array_equal(HandPool(tmp_path).keypoints_2d, expected)
    assert (tmp_path / "hands.arrow").stat().st_size == size_before


@pytest.mark.parametrize("size", [0, 10, 300, -1])
def test_cut_off_pairs_are_named(tmp_path, size):
    pool = write_pool(tmp_path)
    index = np.arange(len(pool))[:, None]
    ones = np.ones(1, np.int32)
    pairs = HandPairs(index, np.zeros(index.shape), ones, "self", "none", pool.fingerprint)
    cut(save_pairs(pool.root, "self", pairs), size)
    with pytest.raises(ValueError, match=r"self\.npz must be a complete file.*Write it again"):
        load_pairs(pool.root, "self", pool)


def test_rows_of_another_number_of_joints_are_refused():
    joints = pa.array([[0.0] * 40] * 21, pa.list_(pa.float32()))  # 21 hands of 20 joints
    with pytest.raises(ValueError, match=r"keypoints_2d must have rows of shape \(21, 2\)"):
        column_to_array(pa.chunked_array([joints]), "keypoints_2d")


def test_doubled_hand_ids_are_refused(tmp_path):
    writer = PoolWriter(tmp_path, SETTINGS)
    writer.write_video("a", [make_hand("a", 1), make_hand("a", 1), make_hand("a", 2)])
    writer.write_video("b", [make_hand("a", 2), make_hand("b", 2)])
    with pytest.raises(ValueError, match=r"hand_id must be unique, but 'a/000001/0' and 1 others"):
        writer.finalize()
    with pytest.raises(FileNotFoundError):
        HandPool(tmp_path)
    writer.write_video("a", [make_hand("a", 1)])
    assert writer.finalize()["num_hands"] == 3


def test_keys_of_crops_fit_lmdb():
    assert crop_key("a/000001/0") == b"a/000001/0"  # as pools have it that were written before
    assert crop_key("é" * 255 + "a") == ("é" * 255 + "a").encode()
    assert len(crop_key("é" * 256)) <= 511
    assert crop_key("é" * 256) != crop_key("é" * 257)


def test_statuses_of_older_tables_are_read(tmp_path):
    path = tmp_path / "videos.csv"
    status = VideoStatus("é, b", "", 3, 2, 1, 0.5, "damaged", "é, b.mp4", 17, 1_700_000_000)
    write_statuses(path, [status])
    assert read_statuses(path) == {"é, b": status}
    path.write_text(
        "video_id,failure,num_frames,num_hands,num_drops,seconds\na,x,1,2,3,0.25\n", "utf-8"
    )
    assert read_statuses(path) == {"a": VideoStatus("a", "x", 1, 2, 3, 0.25)}
