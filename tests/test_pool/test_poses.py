"""Tables of labelled poses that other programs wrote, or that are damaged."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import read_poses, write_poses

NUM = 3


@pytest.fixture
def path(tmp_path):
    hands = np.random.default_rng(0).normal((0, 0, 500), 50, (NUM, 21, 3))
    records = [
        {
            "sample_id": f"hand {row}",
            "image_path": f"images/{row}.jpg",
            "width": 64,
            "height": 48,
            "camera_matrix": np.eye(3),
            "keypoints_3d": hand,
            "keypoints_2d": hand[:, :2],
            "keypoints_valid": np.ones(21, bool),
            "bbox_xyxy": np.arange(4),
            "handedness": "left",
            "subject_id": "",
            "sequence_id": "",
            "source": "test",
        }
        for row, hand in enumerate(hands)
    ]
    write_poses(tmp_path / "test.parquet", records)
    return tmp_path / "test.parquet"


def change(path, name, column):
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(name), name, column), path)


def test_columns_of_other_programs_are_read(path):
    before = read_poses(path)
    change(path, "keypoints_3d", pa.array(before["keypoints_3d"].tolist()))
    change(path, "sample_id", pa.array(range(NUM)))
    change(path, "handedness", pa.array(["left", None, "right"]).dictionary_encode())
    after = read_poses(path)
    np.testing.assert_array_equal(after["keypoints_3d"], before["keypoints_3d"])
    assert after["sample_id"] == ["0", "1", "2"]
    assert after["handedness"] == ["left", None, "right"]


@pytest.mark.parametrize("name", ["sample_id", "image_path"])
def test_missing_ids_and_images_are_refused_with_the_row(path, name):
    change(path, name, pa.array(["a", None, "c"]))
    with pytest.raises(ValueError, match=rf"{name} must be filled, but row 1 of .*test\.parquet"):
        read_poses(path)


@pytest.mark.parametrize(
    "name, column",
    [
        ("keypoints_3d", pa.array(["x"] * NUM)),
        ("keypoints_3d", pa.array(np.ones(NUM))),
        ("bbox_xyxy", pa.array([[{"x": 1}]] * NUM)),
        ("image_path", pa.array([["a"]] * NUM)),
    ],
)
def test_columns_of_other_types_are_refused_by_name(path, name, column):
    change(path, name, column)
    with pytest.raises(
        ValueError, match=rf"test\.parquet must .*: {name} must .*, but is (a column|one) of"
    ):
        read_poses(path)


@pytest.mark.parametrize("size", [0, 4, 1000])
def test_incomplete_files_are_named(path, size):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(
        ValueError, match=r"test\.parquet must be a table .* cannot be read.*simhand convert"
    ):
        read_poses(path)
