import random

import numpy as np
import pytest

from simhand_mm.pose import CameraEffects


def crop():
    x = np.linspace(0, 250, 48)
    return np.stack(
        [np.add.outer(x, x) / 2, np.add.outer(x, -x) / 2 + 125, np.tile(x, (48, 1))], -1
    ).astype(np.uint8)


def test_same_seed_same_image_and_other_keys_stay():
    sample = {"img": crop(), "transformed_keypoints": np.arange(42.0).reshape(1, 21, 2)}
    images = []
    for seed in (0, 0, 1):
        random.seed(seed)
        moved = CameraEffects(prob=1.0)(dict(sample))
        assert moved["transformed_keypoints"] is sample["transformed_keypoints"]
        assert moved["img"].shape == (48, 48, 3) and moved["img"].dtype == np.uint8
        images.append(moved["img"])
    assert np.array_equal(images[0], images[1]) and not np.array_equal(images[0], images[2])


def test_share_of_zero_changes_nothing():
    np.testing.assert_array_equal(CameraEffects(prob=0.0)({"img": crop()})["img"], crop())


@pytest.mark.parametrize(
    ("effect", "largest"),
    [("_blur", 60), ("_shrink", 60), ("_add_noise", 90), ("_compress", 110), ("_expose", 120)],
)
def test_each_effect_is_visible_and_bounded(effect, largest):
    """The image stays in place: effects on a smooth image change its values only a little."""
    effects, changes = CameraEffects(), []
    for seed in range(20):
        image = getattr(effects, effect)(np.random.default_rng(seed), crop())
        changes.append(np.abs(image.astype(int) - crop()).max())
    assert 0 < np.max(changes) <= largest


def test_occluder_covers_a_part_only():
    effects = CameraEffects(occlusion=0.3)
    shares = [
        (effects._cover(np.random.default_rng(seed), crop()) != crop()).any(-1).mean()
        for seed in range(30)
    ]
    assert 0 < np.max(shares) < 0.2


def test_noise_has_the_same_strength_in_all_channels():
    effects, gray = CameraEffects(noise=12.0), np.full((64, 64, 3), 128, np.uint8)
    for seed in range(8):
        noisy = effects._add_noise(np.random.default_rng(seed), gray)
        deviations = noisy.std((0, 1))
        assert 0 < deviations.max() <= 12.5 and np.ptp(deviations) < 0.2 * deviations.max() + 0.1
        assert abs(noisy.mean() - 128) < 0.5
