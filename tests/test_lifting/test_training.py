import numpy as np
import pytest
import torch

from simhand_mm.functional.camera import project
from simhand_mm.functional.lifting import to_hand_unit
from simhand_mm.lifting.noise import HandSamples, NoiseBank
from simhand_mm.lifting.settings import LiftingTraining
from simhand_mm.lifting.training import sample_batch, sample_views, train_lifter
from simhand_mm.synthetic.hand.pose_set import sample_hand_poses

CAMERA = np.array([[500.0, 0, 160], [0, 500, 120], [0, 0, 1]])


@pytest.fixture(scope="module")
def poses():
    return torch.from_numpy(sample_hand_poses(6, 20, seed=3))


@pytest.fixture(scope="module")
def samples(poses):
    hands = poses.numpy() @ np.diag([1.0, -1, -1]) + [20, 30, 500]
    pixels = project(hands, CAMERA)
    cameras = np.tile(CAMERA, (len(hands), 1, 1))
    return HandSamples(*(torch.from_numpy(v).float() for v in (pixels, hands, cameras)))


def test_an_estimator_without_errors_has_none(samples):
    bank = NoiseBank.measure(samples, samples.keypoints_2d, samples.keypoints_3d * 3 + 50)
    assert bank.error_2d.abs().max() < 1e-3 and bank.error_3d.abs().max() < 1e-4
    assert len(bank.true_3d) == len(samples.keypoints_2d)


def test_a_shift_of_one_keypoint_is_measured_there(samples):
    """A finger tip found 10 px too high, of hands that stand upright in the image."""
    found = samples.keypoints_2d.clone()
    found[:, 8, 1] -= 10
    bank = NoiseBank.measure(samples, found, samples.keypoints_3d)
    moved = bank.error_2d.norm(dim=-1)
    centred = samples.keypoints_2d - samples.keypoints_2d.mean(1, keepdim=True)
    spread = (centred.square().sum((1, 2)) / 21).sqrt()
    torch.testing.assert_close(moved[:, 8], 10 / spread, rtol=0.1, atol=0)
    assert moved[:, :8].max() < 1e-3


def test_other_hands_are_dropped(samples):
    found = samples.keypoints_2d.clone()
    found[:3] += 100
    bank = NoiseBank.measure(samples, found, samples.keypoints_3d)
    assert len(bank.true_3d) == len(found) - 3


def test_errors_are_drawn_from_the_most_similar_hand(samples):
    found = samples.keypoints_2d + torch.randn(
        samples.keypoints_2d.shape, generator=torch.Generator().manual_seed(0)
    )
    bank = NoiseBank.measure(samples, found, samples.keypoints_3d)
    error_2d, error_3d = bank.draw(bank.true_3d, torch.Generator().manual_seed(0), 20_000)
    torch.testing.assert_close(error_2d, bank.error_2d)
    torch.testing.assert_close(error_3d, bank.error_3d)


def test_views_are_rotations_and_of_both_sides():
    views = sample_views(2000, 0.5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(views @ views.mT, torch.eye(3).expand(2000, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.det(views), torch.ones(2000))
    palm = views[:, 2, 2]  # the palm's normal along the viewing direction
    assert 0.3 < (palm < 0).float().mean() < 0.7
    facing = sample_views(2000, 0.0, torch.Generator().manual_seed(0))[:, 2, 2].abs()
    assert facing.mean() > palm.abs().mean()


def test_a_batch_without_errors_shows_its_targets(poses, samples):
    bank = NoiseBank.measure(samples, samples.keypoints_2d, samples.keypoints_3d)
    settings = LiftingTraining(missing=0, other_3d=1)
    (flat, valid, other, has_other), target = sample_batch(
        poses, bank, settings, torch.Generator().manual_seed(0)
    )
    assert valid.all() and has_other.all()
    torch.testing.assert_close(other, target, atol=1e-3, rtol=0)
    # Target and input agree up to perspective: nearer points are spread wider.
    seen = target[..., :2] - target[..., :2].mean(1, keepdim=True)
    cosine = torch.nn.functional.cosine_similarity(seen.flatten(1), flat.flatten(1))
    assert cosine.min() > 0.9 and cosine.median() > 0.99
    torch.testing.assert_close(to_hand_unit(target), target, atol=1e-5, rtol=1e-5)


def test_missing_keypoints_are_marked_and_dropped(poses, samples):
    bank = NoiseBank.measure(samples, samples.keypoints_2d, samples.keypoints_3d)
    (flat, valid, _, has_other), _ = sample_batch(
        poses, bank, LiftingTraining(missing=1, other_3d=0), torch.Generator().manual_seed(0)
    )
    assert 0.5 < valid.float().mean() < 0.95 and not has_other.any()
    assert flat[~valid].abs().max() == 0


def test_training_learns_and_repeats(poses, samples):
    bank = NoiseBank.measure(samples, samples.keypoints_2d, samples.keypoints_3d)
    settings = LiftingTraining(steps=200, batch_size=32, width=64)
    losses = []
    first = train_lifter(poses, bank, settings, lambda step, loss: losses.append(loss))
    again = train_lifter(poses, bank, settings)
    for one, two in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
    assert losses[-1] < 1.0


def test_synthetic_poses_repeat_and_keep_to_people():
    one, two = sample_hand_poses(3, 4, seed=0), sample_hand_poses(2, 4, seed=0)
    np.testing.assert_array_equal(one[:8], two)
    assert not np.array_equal(sample_hand_poses(1, 4, seed=1), two[:4])
    palms = np.linalg.norm(one[:, 9] - one[:, 0], axis=-1).reshape(3, 4)
    np.testing.assert_allclose(palms, palms[:, :1].repeat(4, 1), rtol=1e-5)
    assert len(set(palms[:, 0].round(3))) == 3
