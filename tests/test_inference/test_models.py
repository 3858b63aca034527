from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simhand_mm.functional.camera import project
from simhand_mm.inference.lifting import LiftingEstimator
from simhand_mm.inference.models import HandModel
from simhand_mm.lifting.settings import BONE_MM
from simhand_mm.preparation.keypoints import HandKeypoints
from simhand_mm.synthetic.hand.pose_set import sample_hand_poses

ROOT = Path(__file__).parents[2]
CAMERA = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])


def known_keypoints(sides=("right", "left")):
    hands = sample_hand_poses(1, len(sides), seed=5) @ np.diag([1.0, -1.0, -1.0])
    hands = hands + np.array([30.0, -20, 600])
    mirror = np.array([[1.0 if side == "right" else -1.0, 1, 1] for side in sides])[:, None]
    hands = hands * mirror
    points = project(hands, CAMERA)
    found = [HandKeypoints(p, np.full(21, 0.8), s) for p, s in zip(points, sides, strict=True)]
    return hands, found


def test_keypoints_are_lifted_to_hands_in_mm_at_their_place():
    truth, found = known_keypoints()
    estimate = LiftingEstimator(lambda image: found, CAMERA)
    hands = estimate(np.zeros((480, 640, 3), np.uint8))
    assert [hand.handedness for hand in hands] == ["right", "left"]
    for hand, true in zip(hands, truth, strict=True):
        assert np.linalg.norm(hand.keypoints_3d[9]) == pytest.approx(BONE_MM, rel=1e-4)
        scale = np.linalg.norm(true[9] - true[0]) / BONE_MM
        error = np.linalg.norm(hand.keypoints_3d * scale - (true - true[0]), axis=1).mean()
        assert error < 15
        np.testing.assert_allclose(hand.position * scale, true[0], atol=40)
        assert hand.to_json()["bbox_score"] == 0.8


def test_half_and_half_with_the_true_pose_halves_the_error():
    truth, found = known_keypoints()
    found = [replace(hand, keypoints_3d=pose) for hand, pose in zip(found, truth, strict=True)]
    image, errors = np.zeros((480, 640, 3), np.uint8), {}
    for method in ("lifted", "half_and_half", "world_landmarks"):
        hands = LiftingEstimator(lambda image: found, CAMERA, method)(image)
        poses = np.stack([hand.keypoints_3d for hand in hands]) / BONE_MM
        unit = truth - truth[:, :1]
        unit = unit / np.linalg.norm(unit[:, 9], axis=-1)[:, None, None]
        errors[method] = np.linalg.norm(poses - unit, axis=-1).mean()
    assert errors["world_landmarks"] < 1e-5
    assert 0.3 < errors["half_and_half"] / errors["lifted"] < 0.7


def test_without_a_camera_there_is_no_position_and_no_hands_are_fine():
    _, found = known_keypoints()
    assert (
        LiftingEstimator(lambda image: found)(np.zeros((480, 640, 3), np.uint8))[0].position is None
    )
    assert LiftingEstimator(lambda image: [])(np.zeros((480, 640, 3), np.uint8)) == []


def test_the_model_says_what_it_is():
    first = HandModel().describe()
    assert first.startswith("Model: MediaPipe's 2D keypoints, lifted to 3D")
    table = (ROOT / "docs/demo.md").read_text()
    for row, errors in (("**`lifted`**", (20.7, 7.5)), ("`world_landmarks`", (35.6, 14.7))):
        line = next(line for line in table.splitlines() if line.startswith(f"| {row}"))
        assert [float(cell) for cell in line.split("|")[2:4]] == list(errors)
        assert all(str(error) in first for error in errors)
    assert HandModel(checkpoint=Path("a.pth")).describe() == "Model: a.pth, on detected hands"
    model = HandModel(checkpoint=Path("a.pth"), box=(0, 0, 9, 9))
    assert model.describe() == "Model: a.pth, on a given box"


@pytest.mark.parametrize("options", [{"config": Path("a.py")}, {"box": (0, 0, 9, 9)}])
def test_config_and_box_are_for_a_checkpoint(options):
    with pytest.raises(ValueError, match="checkpoint must be given"):
        HandModel(**options)
