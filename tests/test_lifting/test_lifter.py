"""The shipped lifter: what it must not depend on, what it refuses, and where it comes from."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from simhand_mm.functional.camera import project
from simhand_mm.functional.pose_metrics import keypoint_errors_mm
from simhand_mm.lifting.lifter import SHIPPED_WEIGHTS, Lifter
from simhand_mm.lifting.limits import PoseLimits
from simhand_mm.synthetic.hand.pose_set import sample_hand_poses

PAGE = Path(__file__).parents[2] / "docs" / "lifting.md"
CAMERA = np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]])


@pytest.fixture(scope="module")
def lifter():
    return Lifter.load()


@pytest.fixture(scope="module")
def hands():
    """People of another seed than the training's, palm to the camera, camera frame, mm."""
    poses = sample_hand_poses(20, 5, seed=7) @ np.diag([1, -1, -1])
    return poses.astype(np.float64) + np.array([60, -40, 600])


def test_true_keypoints_of_unseen_people_are_lifted(lifter, hands):
    lifted = lifter(project(hands, CAMERA), camera_matrix=CAMERA)
    pose, true = torch.from_numpy(lifted.keypoints_3d).double(), torch.from_numpy(hands)
    errors = keypoint_errors_mm(pose, true, "root_scale")
    assert errors.mean() < 22  # the mean pose would be twice as far off
    assert lifted.is_plausible.mean() > 0.8
    # It expects about what it does, though measured errors of MediaPipe made it careful.
    assert 0.3 < lifted.expected_error.mean() / (errors.mean().item() / 91) < 3


def test_unit_and_wrist(lifter, hands):
    pose = lifter(project(hands, CAMERA), camera_matrix=CAMERA).keypoints_3d
    np.testing.assert_array_equal(pose[:, 0], 0)
    np.testing.assert_allclose(np.linalg.norm(pose[:, 9], axis=-1), 1, atol=1e-5)


def test_a_turned_and_scaled_image_turns_the_pose(lifter, hands):
    keypoints = project(hands, CAMERA)
    pose = lifter(keypoints).keypoints_3d
    angle = np.deg2rad(130)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = lifter(3 * keypoints @ turn.T + [500, -20]).keypoints_3d
    np.testing.assert_allclose(turned[..., :2], pose[..., :2] @ turn.T, atol=1e-4)
    np.testing.assert_allclose(turned[..., 2], pose[..., 2], atol=1e-4)


def test_a_mirrored_image_of_the_other_hand_mirrors_the_pose(lifter, hands):
    keypoints = project(hands, CAMERA)
    other = hands * [-1, 1, 1]
    mirrored = keypoints * [-1, 1] + [2 * CAMERA[0, 2], 0]
    for options, options_mirrored in (
        ({}, {}),
        (
            {"camera_matrix": CAMERA, "other_3d": hands},
            {"camera_matrix": CAMERA, "other_3d": other},
        ),
    ):
        pose = lifter(keypoints, ["right"] * len(hands), **options)
        left = lifter(mirrored, ["left"] * len(hands), **options_mirrored)
        np.testing.assert_allclose(left.keypoints_3d, pose.keypoints_3d * [-1, 1, 1], atol=1e-4)
        np.testing.assert_allclose(left.expected_error, pose.expected_error, atol=1e-4)


def test_batches_and_companions_do_not_matter(lifter, hands):
    keypoints = project(hands, CAMERA)
    pose = lifter(keypoints).keypoints_3d
    np.testing.assert_allclose(lifter(keypoints, batch_size=7).keypoints_3d, pose, atol=1e-5)
    np.testing.assert_allclose(lifter(keypoints[3:4]).keypoints_3d[0], pose[3], atol=1e-5)


def test_the_true_pose_of_another_model_helps(lifter, hands):
    keypoints = project(hands, CAMERA) + np.random.default_rng(0).normal(0, 2, (len(hands), 21, 2))
    true = torch.from_numpy(hands)
    alone, helped = (
        keypoint_errors_mm(torch.from_numpy(pose).double(), true, "root_scale").mean()
        for pose in (
            lifter(keypoints, camera_matrix=CAMERA).keypoints_3d,
            lifter(keypoints, camera_matrix=CAMERA, other_3d=hands).keypoints_3d,
        )
    )
    assert helped < alone


def test_missing_keypoints_are_bridged_and_make_it_less_sure(lifter, hands):
    keypoints = project(hands, CAMERA)
    whole = lifter(keypoints)
    keypoints[:, 5:9] = np.nan  # no index finger
    bridged = lifter(keypoints)
    assert np.isfinite(bridged.keypoints_3d).all()
    assert bridged.expected_error[:, 5:9].mean() > 1.2 * whole.expected_error[:, 5:9].mean()
    keypoints[0, 4:15] = np.nan
    few = lifter(keypoints)
    assert np.isnan(few.keypoints_3d[0]).all() and np.isnan(few.expected_error[0]).all()
    assert not few.is_plausible[0] and np.isfinite(few.keypoints_3d[1:]).all()


def test_nothing_in_nothing_out(lifter):
    assert lifter(np.zeros((0, 21, 2))).keypoints_3d.shape == (0, 21, 3)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((np.zeros((2, 20, 2)),), "keypoints_2d must be"),
        ((np.zeros((2, 21, 2)), ["left"]), "handedness must be"),
        ((np.zeros((2, 21, 2)), ["left", "unknown"]), "handedness must be"),
        ((np.zeros((2, 21, 2)), None, -np.eye(3)), "camera_matrix must be"),
        ((np.zeros((2, 21, 2)), None, None, np.zeros((1, 21, 3))), "other_3d must be"),
    ],
)
def test_wrong_arrays_are_refused(lifter, arguments, expected):
    with pytest.raises(ValueError, match=expected):
        lifter(*arguments)


def test_files_that_are_no_lifter_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="simhand train-lifter"):
        Lifter.load(tmp_path / "none.pth")
    torch.save({"format": "other"}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no weights")
    for name in ("other.pth", "text.pth"):
        with pytest.raises(ValueError, match="weights must be a file of simhand train-lifter"):
            Lifter.load(tmp_path / name)


def test_code_in_a_file_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"format": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="weights must be"):
        Lifter.load(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_the_page_describes_the_shipped_file(lifter):
    """The model card: hash, numbers and command are those of the file."""
    text = PAGE.read_text(encoding="utf-8")
    content = SHIPPED_WEIGHTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() in text
    assert len(content) <= 4e6
    for scores in lifter.meta["held_out_videos"].values():
        for value in scores.values():
            assert re.search(rf"\b{value:.1f}\b", text), f"docs/lifting.md lacks {value:.1f}"


def test_the_shipped_file_is_what_saving_writes(lifter, tmp_path):
    assert lifter.save(tmp_path / "again.pth")
    again = Lifter.load(tmp_path / "again.pth")
    for name, value in lifter.network.state_dict().items():
        torch.testing.assert_close(again.network.state_dict()[name], value, rtol=0, atol=0)
    assert again.meta == lifter.meta


def test_limits_hold_for_hands_and_not_for_others(hands):
    limits = PoseLimits.of(torch.from_numpy(hands))
    poses = torch.from_numpy(hands)
    assert limits.holds(poses).all()
    assert limits.holds(5 * poses + 100).all()  # neither size nor place matter
    long_finger = poses.clone()
    long_finger[:, 8] += 3 * (poses[:, 8] - poses[:, 7])
    assert not limits.holds(long_finger).any()
    folded = poses.clone()
    folded[:, 8] = poses[:, 6] + 0.01  # the last bone lies back on the one before
    assert not limits.holds(folded).any()
