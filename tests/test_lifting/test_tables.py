"""Tables in, tables out, and pseudo-labels of a pool."""

import json
import math
import shutil

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from simhand_mm.functional.affine import apply, box_to_image_affine
from simhand_mm.functional.boxes import keypoints_to_box, square_box
from simhand_mm.functional.camera import project
from simhand_mm.functional.pose_metrics import keypoint_errors_mm
from simhand_mm.lifting.lifter import Lifter
from simhand_mm.lifting.pseudo_labels import crop_cameras, write_pseudo_labels
from simhand_mm.lifting.settings import PseudoLabels
from simhand_mm.lifting.tables import KeypointTable, read_keypoints, write_lifted
from simhand_mm.pool import read_poses
from simhand_mm.synthetic.hand.pose_set import sample_hand_poses
from tests.pools import make_hand, write_pool

FRAME = (640, 480)
FOCAL = 320 / math.tan(math.radians(30))
CAMERA = np.array([[FOCAL, 0, 319.5], [0, FOCAL, 239.5], [0, 0, 1]])


def hand_record(number, pose, side):
    """A hand as ``simhand prepare`` would have found it, and its blank crop."""
    keypoints = project(pose, CAMERA)
    box = keypoints_to_box(keypoints)
    affine = box_to_image_affine(square_box(box, 1.3), (96, 96), side == "left")
    return make_hand(
        "v",
        number,
        handedness=side,
        bbox_xyxy=box.astype(np.float32),
        keypoints_2d=apply(affine, keypoints).astype(np.float32),
        crop=cv2.imencode(".jpg", np.zeros((96, 96, 3), np.uint8))[1].tobytes(),
    )


@pytest.fixture
def hands():
    """Open hands, camera frame, mm; the first two left, off the axis of the camera."""
    poses = sample_hand_poses(4, 3, seed=9).astype(np.float64) @ np.diag([1.0, -1, -1])
    poses[:6] *= [-1, 1, 1]
    return poses + np.linspace((-150, -60, 500), (150, 90, 700), 12)[:, None]


@pytest.fixture
def pool(tmp_path, hands):
    sides = ["left"] * 6 + ["right"] * 6
    records = [
        hand_record(n, hand, side) for n, (hand, side) in enumerate(zip(hands, sides, strict=True))
    ]
    return write_pool(tmp_path / "pool", {"v": records}, crop_size=96, crop_scale=1.3)


def test_cameras_of_crops_see_the_hands_where_they_are(pool, hands):
    cameras = crop_cameras(pool, PseudoLabels(frame_size=FRAME))
    right = hands * np.where(np.arange(12) < 6, -1, 1)[:, None, None] ** np.array([1, 0, 0])
    np.testing.assert_allclose(project(right, cameras), pool.keypoints_2d, atol=1e-3)


def test_frames_end_where_boxes_end_if_their_size_is_not_known(pool):
    known = PseudoLabels(frame_size=tuple(pool.bbox_xyxy[:, 2:].max(0).tolist()))
    np.testing.assert_allclose(crop_cameras(pool, PseudoLabels()), crop_cameras(pool, known))


def test_pseudo_labels_can_be_trained_on(pool, hands, tmp_path):
    from simhand_mm.pose import HandPoseDataset

    settings = PseudoLabels(frame_size=FRAME, max_error=9, max_keypoint_error=9)
    summary = write_pseudo_labels(pool, tmp_path / "out", settings)
    poses = read_poses(tmp_path / "out/poses/train.parquet")
    assert summary["num_hands"] == len(poses["sample_id"]) >= 10
    projected = project(poses["keypoints_3d"].astype(np.float64), poses["camera_matrix"])
    np.testing.assert_allclose(poses["keypoints_2d"], projected, atol=1e-2)
    rows = pool.rows_of(poses["sample_id"])
    right = hands[rows] * np.where(rows < 6, -1, 1)[:, None, None] ** np.array([1, 0, 0])
    pred, true = torch.tensor(poses["keypoints_3d"]).double(), torch.from_numpy(right)
    assert keypoint_errors_mm(pred, true, "root_scale").mean() < 25
    distance = poses["keypoints_3d"][:, 0, 2] / right[:, 0, 2]
    assert distance.min() > 0.7 and distance.max() < 1.4
    assert set(poses["handedness"]) == {"right"} and set(poses["sequence_id"]) == {"v"}
    data = HandPoseDataset(str(tmp_path / "out"), pipeline=[])
    assert len(data) == summary["num_hands"] and data[0]["img_path"].endswith(".jpg")
    assert cv2.imread(data[0]["img_path"]).shape == (96, 96, 3)


def test_pseudo_labels_never_replace_labels_of_others(pool, tmp_path):
    output, settings = tmp_path / "out", PseudoLabels(frame_size=FRAME, max_error=9)
    table = output / "poses/train.parquet"
    table.parent.mkdir(parents=True)
    table.write_text("labels that are no estimates")
    for folder in (output, pool.root):
        before = sorted(folder.rglob("*"))
        with pytest.raises(ValueError, match="OUTPUT must be a new or empty folder"):
            write_pseudo_labels(pool, folder, settings)
        assert sorted(folder.rglob("*")) == before
    assert table.read_text() == "labels that are no estimates"
    shutil.rmtree(output)
    (output / "images/train").mkdir(parents=True)  # of a run that was stopped
    for split in ("train", "train", "val"):
        write_pseudo_labels(pool, output, settings, split)
        assert len(read_poses(output / f"poses/{split}.parquet")["sample_id"]) > 0


def test_keypoints_that_were_found_can_be_the_2d_labels(pool, tmp_path):
    settings = PseudoLabels(frame_size=FRAME, max_error=9, keypoints_2d="found")
    summary = write_pseudo_labels(pool, tmp_path / "out", settings)
    poses = read_poses(tmp_path / "out/poses/train.parquet")
    rows = pool.rows_of(poses["sample_id"])
    np.testing.assert_array_equal(poses["keypoints_2d"], pool.keypoints_2d[rows])
    projected = project(poses["keypoints_3d"].astype(np.float64), poses["camera_matrix"])
    assert 0 < np.abs(projected - poses["keypoints_2d"]).mean() < 3
    assert summary["keypoints_2d"] == "found"


def test_what_is_dropped_is_counted_and_what_is_assumed_is_said(pool, tmp_path):
    settings = PseudoLabels(fov_deg=50, max_error=0.0)
    summary = write_pseudo_labels(pool, tmp_path / "out", settings)
    assert summary["num_hands"] == 0 and sum(summary["num_dropped"].values()) == 12
    written = json.loads((tmp_path / "out/pseudo_labels.json").read_text())
    assert written["fov_deg"] == 50 and written["bone_mm"] == 91
    assert written["frame_size_from"] == "boxes of each video"
    assert written["pool_fingerprint"] == pool.fingerprint


@pytest.mark.parametrize("options", [{"fov_deg": 0}, {"fov_deg": 180}, {"bone_mm": -1}])
def test_impossible_assumptions_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must"):
        PseudoLabels(**options)


def test_keypoints_of_a_pool_are_those_of_the_frame(pool, hands):
    table = read_keypoints(pool.root)
    assert table.handedness.tolist() == ["left"] * 6 + ["right"] * 6
    found = project(hands, CAMERA)
    found -= found.mean(1, keepdims=True)
    moved = table.keypoints_2d - table.keypoints_2d.mean(1, keepdims=True)
    scale = np.linalg.norm(found, axis=(1, 2)) / np.linalg.norm(moved, axis=(1, 2))
    np.testing.assert_allclose(moved * scale[:, None, None], found, atol=0.01)


def write_rows(path, keypoints, sides):
    rows = [
        {"hand_id": f"h{n}", "handedness": side, "keypoints_2d": hand.ravel().tolist()}
        for n, (hand, side) in enumerate(zip(keypoints, sides, strict=True))
    ]
    if path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        names = [f"{axis}{k}" for k in range(21) for axis in "xy"]
        lines = [",".join(["hand_id", "handedness", *names])]
        for row in rows:
            values = ["" if math.isnan(v) else repr(v) for v in row["keypoints_2d"]]
            lines.append(",".join([row["hand_id"], row["handedness"], *values]))
        path.write_text("\n".join(lines))


@pytest.mark.parametrize("name", ["hands.json", "hands.parquet", "hands.csv"])
def test_every_form_of_file_gives_the_same(tmp_path, hands, name):
    keypoints = project(hands, CAMERA)
    keypoints[1, 4] = np.nan
    sides = ["left"] * 6 + ["right"] * 6
    write_rows(tmp_path / name, keypoints, sides)
    table = read_keypoints(tmp_path / name)
    np.testing.assert_array_equal(table.keypoints_2d, keypoints)
    assert table.handedness.tolist() == sides and table.hand_id[3] == "h3"
    assert table.camera_matrix is None and table.other_3d is None


def test_cameras_and_other_poses_may_be_given_for_some_hands(tmp_path, hands):
    rows = [
        {"keypoints_2d": project(hands[0], CAMERA).tolist(), "camera_matrix": CAMERA.tolist()},
        {"keypoints_2d": project(hands[1], CAMERA).tolist(), "other_3d": hands[1].tolist()},
    ]
    (tmp_path / "hands.json").write_text(json.dumps(rows))
    table = read_keypoints(tmp_path / "hands.json")
    assert table.handedness.tolist() == ["right", "right"] and list(table.hand_id) == ["0", "1"]
    np.testing.assert_array_equal(table.camera_matrix[0], CAMERA)
    lifted = Lifter.load()(
        table.keypoints_2d, table.handedness, table.camera_matrix, table.other_3d
    )
    assert np.isfinite(lifted.keypoints_3d).all()


def test_a_written_table_can_be_read(tmp_path):
    sides = np.array(["left", "right"])
    keypoints = np.random.default_rng(0).uniform(0, 99, (2, 21, 2))
    keypoints[1, :15] = np.nan
    table = KeypointTable(["a", "b"], sides, keypoints)
    lifted = Lifter.load()(keypoints, sides)
    write_lifted(tmp_path / "lifted.parquet", table, lifted)
    rows = pq.read_table(tmp_path / "lifted.parquet").to_pylist()
    np.testing.assert_allclose(rows[0]["keypoints_3d"], lifted.keypoints_3d[0].ravel())
    assert np.isnan(rows[1]["expected_error"]).all() and rows[1]["is_plausible"] is False
    empty = KeypointTable([], sides[:0], keypoints[:0])
    write_lifted(tmp_path / "empty.parquet", empty, Lifter.load()(keypoints[:0]))
    assert pq.read_table(tmp_path / "empty.parquet").num_rows == 0


HEADER = ";".join(f"{axis}{keypoint}" for keypoint in range(21) for axis in "xy")


def test_numbers_of_a_spreadsheet(tmp_path):
    (tmp_path / "a.csv").write_text(f"{HEADER}\n1,5{';2' * 40};\n")
    points = read_keypoints(tmp_path / "a.csv").keypoints_2d
    assert points[0, 0].tolist() == [1.5, 2] and np.isnan(points[0, 20, 1])


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("a.txt", "", "end in"),
        ("a.json", "{", "must be JSON"),
        ("a.json", '{"keypoints_2d": []}', "list of rows"),
        ("a.json", '[{"keypoints_2d": [1, 2]}]', "row 0"),
        ("a.csv", "x0,y0\n1,2\n", "must have the columns"),
        ("a.csv", f"{HEADER}\n{'one;' * 41}2\n", "42 numbers, but row 0"),
        ("a.parquet", "x", "must be a parquet file"),
    ],
)
def test_other_files_are_refused(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=expected):
        read_keypoints(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_keypoints(tmp_path / "none.csv")
