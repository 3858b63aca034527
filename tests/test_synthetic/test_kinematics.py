import cv2
import numpy as np
import pytest

from simhand_mm.functional.keypoints import SKELETON
from simhand_mm.synthetic.drawing.surfaces import unit
from simhand_mm.synthetic.hand.gestures import GESTURES
from simhand_mm.synthetic.hand.kinematics import NUM_ANGLES, axis_rotation, bone_transforms
from simhand_mm.synthetic.hand.mesh import load_hand_mesh


@pytest.fixture(scope="module")
def rest_joints():
    return load_hand_mesh().joints


def random_poses(count):
    rng = np.random.default_rng(0)
    gestures = np.stack(list(GESTURES.values()))
    return gestures[rng.integers(len(gestures), size=count)] + rng.normal(
        0, 10, (count, NUM_ANGLES)
    )


def test_axis_rotation_equals_opencv():
    rng = np.random.default_rng(1)
    axis = unit(rng.normal(size=3))
    angles = rng.uniform(-180, 180, 5)
    for angle, rotation in zip(angles, axis_rotation(axis, angles), strict=True):
        np.testing.assert_allclose(rotation, cv2.Rodrigues(axis * np.deg2rad(angle))[0], atol=1e-12)


def test_bone_lengths_are_constant_in_any_pose(rest_joints):
    _, joints = bone_transforms(rest_joints, random_poses(50))
    for parent, child in SKELETON:
        rest = np.linalg.norm(rest_joints[child] - rest_joints[parent])
        posed = np.linalg.norm(joints[:, child] - joints[:, parent], axis=1)
        np.testing.assert_allclose(posed, rest)


def test_transforms_move_the_joints(rest_joints):
    transforms, joints = bone_transforms(rest_joints, random_poses(5))
    for finger in range(5):
        for segment in range(3):
            bone, end = 2 + 3 * finger + segment, 2 + 4 * finger + segment
            moved = transforms[:, bone, :, :3] @ rest_joints[end] + transforms[:, bone, :, 3]
            np.testing.assert_allclose(moved, joints[:, end])
    rotation = transforms[..., :3]
    np.testing.assert_allclose(
        rotation @ rotation.swapaxes(-1, -2), np.broadcast_to(np.eye(3), rotation.shape), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(rotation), 1)


def test_zero_flexion_is_straight_and_flexion_bends_to_the_palm(rest_joints):
    poses = np.zeros((2, NUM_ANGLES))
    poses[:, 16:19] = GESTURES["open"][16:19]
    poses[1, 0:12] = 60
    _, joints = bone_transforms(rest_joints, poses)
    for finger in range(1, 5):
        straight = unit(np.diff(joints[0, 1 + 4 * finger : 5 + 4 * finger], axis=0))
        assert straight[0] @ straight[1] > 0.96 and straight[1] @ straight[2] > 0.96
        assert joints[1, 4 + 4 * finger, 2] > 30  # the tip leaves the palm plane


@pytest.mark.parametrize("angle, sign", [(12, 1), (13, 1), (14, 1), (15, 1)])
def test_positive_swing_goes_to_the_thumb(rest_joints, angle, sign):
    poses = np.tile(GESTURES["open"], (2, 1))
    poses[1, angle] += 10
    _, joints = bone_transforms(rest_joints, poses)
    tip = 8 + 4 * (angle - 12)
    assert (joints[1, tip, 0] - joints[0, tip, 0]) * sign > 5


def test_thumb_metacarpal_points_along_its_angles(rest_joints):
    poses = np.tile(GESTURES["open"], (3, 1))
    poses[:, 16:19] = [(30, 20, 0), (60, 45, 25), (10, 60, -10)]
    _, joints = bone_transforms(rest_joints, poses)
    direction = unit(joints[:, 2] - joints[:, 1])
    np.testing.assert_allclose(np.rad2deg(np.arcsin(direction[:, 2])), poses[:, 17], atol=1e-6)
    azimuth = np.rad2deg(np.arctan2(direction[:, 0], direction[:, 1]))
    np.testing.assert_allclose(azimuth, poses[:, 16], atol=1e-6)


def test_wrist_moves_the_forearm_only(rest_joints):
    poses = np.tile(GESTURES["open"], (2, 1))
    poses[1, 21:23] = 30, 10
    transforms, joints = bone_transforms(rest_joints, poses)
    np.testing.assert_allclose(joints[0], joints[1])
    elbow = transforms[1, 0, :, :3] @ [0, -250, 0]
    assert elbow[2] > 50 and elbow[0] > 20  # a flexed hand leans over the palm side of the forearm
