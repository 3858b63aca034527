import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import write_poses
from simhand_mm.pose import HandPoseDataset


def write(data_root, records):
    write_poses(data_root / "poses/train.parquet", records)
    return HandPoseDataset(data_root=str(data_root))


def test_items(data_root, records):
    dataset = HandPoseDataset(data_root=str(data_root))
    assert len(dataset) == 8
    item = dataset[1]
    assert item["sample_id"] == "hand_1"
    assert item["img_path"] == str(data_root / "images/hand_1.jpg")
    assert item["handedness"] == "left"
    np.testing.assert_allclose(item["keypoints_3d"][0], records[1]["keypoints_3d"], rtol=1e-6)
    np.testing.assert_allclose(item["camera_matrix"], records[1]["camera_matrix"])
    assert item["keypoints_visible"].shape == (1, 21)


def test_unusable_rows_are_dropped(data_root, records):
    records[0]["keypoints_3d"][0] = np.nan  # no wrist
    records[2]["camera_matrix"][:] = 0
    records[3]["keypoints_3d"][:, 2] *= -1
    records[5]["keypoints_valid"][7] = False
    dataset = write(data_root, records)
    kept = [dataset.get_data_info(i)["sample_id"] for i in range(len(dataset))]
    assert kept == ["hand_1", "hand_4", "hand_5", "hand_6", "hand_7"]
    assert dataset.get_data_info(2)["keypoints_visible"].sum() == 20


def test_nan_keypoints_become_invalid(data_root, records):
    records[0]["keypoints_3d"][4] = np.nan
    records[0]["keypoints_2d"][5] = np.nan
    visible = write(data_root, records).get_data_info(0)["keypoints_visible"]
    assert np.flatnonzero(visible[0] == 0).tolist() == [4, 5]


def test_mostly_unusable_table_is_refused(data_root, records):
    for record in records[:5]:
        record["camera_matrix"][:] = np.nan
    with pytest.raises(ValueError, match=r"5 of 8 are not \(no camera matrix: 5 \(first: row 0\)"):
        write(data_root, records)


def test_empty_table_is_refused(data_root):
    with pytest.raises(ValueError, match="the table is empty"):
        write(data_root, [])


def test_metres_raise(data_root, records):
    for record in records:
        record["keypoints_3d"] /= 1000
    with pytest.raises(ValueError, match="must be in millimetres, but the typical wrist"):
        write(data_root, records)


def test_wrong_joint_count_is_refused(data_root, records):
    write_poses(data_root / "poses/train.parquet", [records[0]] * 21)
    table = pq.read_table(data_root / "poses/train.parquet")
    twenty = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(21 * 60, np.float32)), 60)
    column = table.column_names.index("keypoints_3d")
    pq.write_table(
        table.set_column(column, "keypoints_3d", twenty), data_root / "poses/train.parquet"
    )
    shapes = r"keypoints_3d must have rows of shape \(21, 3\), but got 1260"
    message = rf"train\.parquet must be a table of labelled poses.*: {shapes}"
    with pytest.raises(ValueError, match=message):
        HandPoseDataset(data_root=str(data_root))


def test_missing_table_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"poses/train\.parquet.*simhand convert"):
        HandPoseDataset(data_root=str(tmp_path))


def test_missing_image_is_reported_with_file_and_row(data_root):
    (data_root / "images/hand_3.jpg").unlink()
    dataset = HandPoseDataset(data_root=str(data_root))
    with pytest.raises(FileNotFoundError, match=r"hand_3\.jpg \(row 3, sample 'hand_3' of .*"):
        dataset[3]


def test_image_path_must_not_leave_the_root(data_root, records):
    records[0]["image_path"] = "../secret.jpg"
    with pytest.raises(ValueError, match=r"must be inside the data_root, but row 0 .*secret"):
        write(data_root, records)


def test_image_folders_may_be_links(data_root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk") / "images"
    (data_root / "images").rename(elsewhere)
    (data_root / "images").symlink_to(elsewhere)
    assert HandPoseDataset(data_root=str(data_root))[0]["sample_id"] == "hand_0"


def test_subsets(data_root):
    def ids(**options):
        dataset = HandPoseDataset(data_root=str(data_root), **options)
        return [dataset.get_data_info(i)["sample_id"] for i in range(len(dataset))]

    assert ids(subset_size=3) == ["hand_0", "hand_1", "hand_2"]
    random = ids(subset_size=3, subset_rule="random")
    assert random == ids(subset_size=3, subset_rule="random")
    assert random != ids(subset_size=3, subset_rule="random", subset_seed=1)
    assert random == sorted(random)
    # Smaller random subsets are contained in larger ones, so that 10 % -> 20 % only adds labels.
    assert set(random) < set(ids(subset_size=6, subset_rule="random"))
    with pytest.raises(ValueError, match=r"subset_size must be in 1\.\.8"):
        ids(subset_size=9)
    with pytest.raises(ValueError, match="subset_rule must be 'first' or 'random'"):
        ids(subset_size=3, subset_rule="last")
