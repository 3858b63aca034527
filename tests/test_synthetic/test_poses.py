import numpy as np
import pytest

from simhand_mm.synthetic.hand.collisions import penetration_mm, segment_gap
from simhand_mm.synthetic.hand.gestures import GESTURES
from simhand_mm.synthetic.hand.kinematics import bone_transforms
from simhand_mm.synthetic.hand.mesh import load_hand_mesh
from simhand_mm.synthetic.hand.poses import limit_pose, sample_pose, smooth_path


@pytest.fixture(scope="module")
def rest_joints():
    return load_hand_mesh().joints


@pytest.mark.parametrize("name", GESTURES)
def test_gestures_are_possible(rest_joints, name):
    pose = limit_pose(GESTURES[name][None])
    _, joints = bone_transforms(rest_joints, pose)
    assert penetration_mm(joints)[0] < 4  # less than the softness of the tissue


def test_fist_is_closed_and_pinch_touches(rest_joints):
    _, joints = bone_transforms(rest_joints, np.stack([GESTURES["fist"], GESTURES["ok"]]))
    assert np.linalg.norm(joints[0, 12] - joints[0, 9]) < 60
    assert np.linalg.norm(joints[1, 4] - joints[1, 8]) < 25


def test_sample_pose_is_repeatable_and_varied(rest_joints):
    first = [sample_pose(np.random.default_rng(seed), rest_joints) for seed in range(6)]
    again = [sample_pose(np.random.default_rng(seed), rest_joints) for seed in range(6)]
    np.testing.assert_array_equal(first, again)
    assert np.std(first, axis=0)[:12].min() > 3


def test_sample_pose_avoids_self_collision(rest_joints):
    poses = np.stack([sample_pose(np.random.default_rng(seed), rest_joints) for seed in range(60)])
    _, joints = bone_transforms(rest_joints, poses)
    depth = penetration_mm(joints)
    assert np.median(depth) < 1 and np.quantile(depth, 0.95) < 5


def test_limit_pose_removes_the_swing_of_bent_fingers():
    pose = GESTURES["open"].copy()
    pose[0] = 90
    limited = limit_pose(pose)
    assert limited[12] == pytest.approx(0, abs=1e-9) and limited[13] != 0
    assert pose[12] == GESTURES["open"][12]  # the argument is not modified


def test_smooth_path_passes_through_its_keys_without_jumps():
    keys = np.random.default_rng(0).normal(size=(4, 2))
    path = smooth_path(keys, 31)
    np.testing.assert_allclose(path[[0, 10, 20, 30]], keys)
    assert np.abs(np.diff(path, axis=0)).max() < 0.25 * np.abs(np.diff(keys, axis=0)).max()
    np.testing.assert_array_equal(smooth_path(keys, 1), keys[:1])


def test_segment_gap_equals_brute_force():
    rng = np.random.default_rng(3)
    a, b, c, d = rng.normal(size=(4, 40, 3))
    share = np.linspace(0, 1, 201)[:, None]
    for i in range(40):
        first, second = a[i] + share * (b[i] - a[i]), c[i] + share * (d[i] - c[i])
        brute = np.linalg.norm(first[:, None] - second[None], axis=-1).min()
        gap = np.linalg.norm(segment_gap(a[i], b[i], c[i], d[i]))
        assert gap <= brute + 1e-9 and brute - gap < 0.01


def test_segment_gap_of_parallel_and_degenerate_segments():
    x, y, zero = np.eye(3)[0], np.eye(3)[1], np.zeros(3)
    np.testing.assert_allclose(np.linalg.norm(segment_gap(zero, x, y, x + y)), 1)
    np.testing.assert_allclose(segment_gap(2 * x, 2 * x, zero, x), x)
