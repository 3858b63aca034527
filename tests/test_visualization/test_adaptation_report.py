"""The report of ``simhand adapt``: MediaPipe and the model beside the labels."""

import json
import re

import numpy as np
import pytest

from simhand_mm.pool import write_poses, write_predictions
from simhand_mm.visualization.adaptation_report import write_adaptation_report
from tests import pools
from tests.test_visualization.labelled_stills import CAMERA, make_target, project, write_stills
from tests.test_visualization.test_quickstart_report import write_metrics

NUM_HANDS = 5


@pytest.fixture
def folder(tmp_path):
    """Five held-out hands; MediaPipe's pose is the label, the model's is off by 10 mm in x."""
    write_stills(tmp_path / "labels")
    targets = [make_target(number) for number in range(NUM_HANDS)]
    hands = [
        pools.make_hand("clip", number, keypoints_3d=target - target[0])
        for number, target in enumerate(targets)
    ]
    pool = pools.write_pool(tmp_path / "pool", {"clip": hands})
    names = [pool.hand_id(row) for row in range(NUM_HANDS)]
    records = [
        {
            "sample_id": name,
            "image_path": f"images/{number}.jpg",
            "width": 48,
            "height": 48,
            "camera_matrix": CAMERA,
            "keypoints_3d": targets[number],
            "keypoints_2d": project(targets[number]),
            "keypoints_valid": np.ones(21, bool),
            "bbox_xyxy": np.array([8, 8, 40, 40], np.float32),
            "handedness": "right",
            "subject_id": "clip",
            "sequence_id": "clip",
            "source": "test",
        }
        for number, name in enumerate(names)
    ]
    write_poses(tmp_path / "labels/poses/held_out.parquet", records)
    predicted = np.stack(targets)
    predicted[:, [1, 2, 3, 4], 0] += 10
    predictions = {
        "sample_id": names,
        "keypoints_3d": predicted,
        "keypoints_2d": project(predicted),
        "keypoint_score": np.ones((NUM_HANDS, 21)),
        "error_mm": np.zeros(NUM_HANDS),
    }
    (tmp_path / "held_out").mkdir()
    write_predictions(tmp_path / "held_out/predictions.parquet", predictions)
    write_metrics(tmp_path / "synthetic_test/metrics.json", 33.0)
    labels = {"num_hands": 40, "num_held_out": 5, "num_dropped": {"implausible": 3},
              "method": "lifted", "fov_deg": 60.0, "bone_mm": 91.0}  # fmt: skip
    (tmp_path / "labels/pseudo_labels.json").write_text(json.dumps(labels))
    return tmp_path


def test_differences_are_those_of_the_poses(folder):
    text = write_adaptation_report(folder, folder / "report.html")
    rows = {name: cells for name, *cells in (re.split("  +", s) for s in text.splitlines())}
    assert rows["MediaPipe and label"][0] == "0.0"
    assert rows["adapted model and label"][0] == "1.9"  # 4 of 21 keypoints, 10 mm
    assert rows["adapted model and MediaPipe"][0] == "1.9"
    html = (folder / "report.html").read_text()
    assert html.count('class="picture"') >= 2 * 3 * (6 + 1)  # three columns, two images each
    assert "35.0" in html and "40 hands with labels" in html and "3 implausible" in html
    assert "<td>clip</td><td>5</td><td>1.9</td><td>0.0</td>" in html
    assert "ground truth" not in html
    assert "lifted from MediaPipe&#x27;s 2D keypoints." in html


def test_a_missing_step_is_named(folder):
    (folder / "labels/pseudo_labels.json").unlink()
    with pytest.raises(FileNotFoundError):
        write_adaptation_report(folder, folder / "report.html")
