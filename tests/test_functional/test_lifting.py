import math

import numpy as np
import pytest
import torch

from simhand_mm.functional.camera import project
from simhand_mm.functional.lifting import lifting_loss, look_at_hand, to_hand_unit
from tests.references import lifting as reference

CAMERA = np.array([[600.0, 0, 320], [0, 580, 240], [0, 0, 1]])


@pytest.fixture
def hands():
    """Hands anywhere in the image, camera frame, mm."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 50, (6, 21, 3)) + rng.uniform(
        (-150, -100, 400), (150, 100, 900), (6, 1, 3)
    )


def look(keypoints_2d, camera=CAMERA, valid=None):
    camera = torch.from_numpy(np.tile(camera, (len(keypoints_2d), 1, 1)))
    valid = np.ones(keypoints_2d.shape[:2], bool) if valid is None else valid
    flat, rotation = look_at_hand(torch.from_numpy(keypoints_2d), camera, torch.from_numpy(valid))
    return flat.numpy(), rotation.numpy()


@pytest.mark.parametrize("missing", [(), (3, 9), (0,), (5, 9, 13, 17)])
def test_frame_equals_the_reference(hands, missing):
    valid = np.ones((6, 21), bool)
    valid[:, list(missing)] = False
    keypoints = project(hands, CAMERA)
    keypoints[~valid] = np.nan
    flat, rotation = look(keypoints, valid=valid)
    for hand in range(6):
        expected, turn = reference.look_at_hand(keypoints[hand], CAMERA, valid[hand])
        np.testing.assert_allclose(flat[hand], expected, atol=1e-9)
        np.testing.assert_allclose(rotation[hand], turn, atol=1e-9)


def test_frame_is_that_of_a_turned_camera(hands):
    flat, rotation = look(project(hands, CAMERA))
    np.testing.assert_allclose(
        rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), (6, 1, 1)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(rotation), 1)
    seen = project(hands @ rotation.transpose(0, 2, 1), np.eye(3))
    seen -= seen.mean(1, keepdims=True)
    seen /= np.sqrt((seen**2).sum((1, 2), keepdims=True) / 21)
    np.testing.assert_allclose(flat, seen, atol=1e-9)


def test_frame_does_not_depend_on_turn_place_or_size(hands):
    """What a camera sees that is turned about its centre in any way, and zoomed."""
    flat, rotation = look(project(hands, CAMERA))
    turn = reference.rodrigues(np.array([0.1, -0.2, 1.0]), 0.4)
    other_camera = np.array([[900.0, 0, 10], [0, 900, 700], [0, 0, 1]])
    other_flat, other_rotation = look(project(hands @ turn.T, other_camera), other_camera)
    # Only the middle of the rays is taken at depth 1 of each camera: a small difference remains.
    np.testing.assert_allclose(other_flat, flat, atol=0.02)
    np.testing.assert_allclose(other_rotation @ turn, rotation, atol=0.02)


def test_frame_does_not_depend_on_an_in_plane_rotation(hands):
    camera = np.diag([500.0, 500, 1])
    flat, rotation = look(project(hands, camera), camera)
    roll = reference.rodrigues(np.array([0, 0, 1.0]), 2.0)
    other_flat, other_rotation = look(project(hands @ roll.T, camera), camera)
    np.testing.assert_allclose(other_flat, flat, atol=1e-9)
    np.testing.assert_allclose(other_rotation @ roll, rotation, atol=1e-9)


def test_keypoints_in_one_point_have_a_finite_frame():
    flat, rotation = look(np.full((1, 21, 2), 7.0))
    assert np.isfinite(flat).all() and np.isfinite(rotation).all()


def test_hand_unit_by_hand():
    pose = torch.zeros(2, 21, 3)
    pose[0, :, 0] = torch.arange(21.0) + 5
    pose[1] = 3.0  # no bone
    unit = to_hand_unit(pose)
    torch.testing.assert_close(unit[0, :, 0], torch.arange(21.0) / 9)
    assert unit[1].abs().max() == 0


def test_loss_by_hand():
    target = torch.zeros(1, 21, 3)
    pred = torch.zeros(1, 21, 3)
    pred[:, 1:, 2] = 0.5
    log_u = torch.full((1, 21), math.log(0.25))
    expected = 0.5 + 0.1 * (3 * 0.5 / 0.25 + 3 * math.log(0.25))
    assert lifting_loss(pred, log_u, target).item() == pytest.approx(expected, rel=1e-6)


def test_the_best_uncertainty_is_the_mean_error():
    rng = torch.Generator().manual_seed(0)
    pred = torch.randn(400, 21, 3, generator=rng)
    log_u = torch.zeros(1, 21, requires_grad=True)
    lifting_loss(pred, log_u.expand(400, 21), torch.zeros(400, 21, 3)).backward()
    best = pred.norm(dim=-1).mean(0).log()
    at_best = best[None].clone().requires_grad_()
    lifting_loss(pred, at_best.expand(400, 21), torch.zeros(400, 21, 3)).backward()
    assert at_best.grad.abs().max() < 1e-6 < log_u.grad[:, 1:].abs().min()


def test_uncertainty_does_not_move_the_pose():
    pred = torch.randn(3, 21, 3, requires_grad=True)
    target = torch.zeros(3, 21, 3)
    grads = [
        torch.autograd.grad(lifting_loss(pred, torch.full((3, 21), value), target), pred)[0]
        for value in (-2.0, 2.0)
    ]
    torch.testing.assert_close(*grads)
