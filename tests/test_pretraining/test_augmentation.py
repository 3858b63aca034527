"""Recorded geometry compared with OpenCV, colours with colorsys."""

import colorsys

import cv2
import numpy as np
import pytest
import torch

from simhand_mm.functional import affine as affine_maths
from simhand_mm.pretraining.augmentation import (
    AugmentationRanges,
    crop_affine,
    jitter_colors,
    warp,
)

RANGES = AugmentationRanges(
    rotation_deg=(-45, 45), scale=(0.9, 1.5), translation=(0, 0.1), hue=(0.01, 1),
    saturation=(0.01, 1), value=(0.5, 1), brightness=(5, 20),
)  # fmt: skip


def draw(count=4, ranges=RANGES, seed=0):
    generator = torch.Generator().manual_seed(seed)
    keypoints = torch.rand(count, 21, 2, generator=generator, dtype=torch.float64) * 40 + 30
    uniform = torch.rand(count, ranges.NUM_DRAWS, generator=generator, dtype=torch.float64)
    return keypoints, ranges.draw(uniform)


def test_parameters_stay_in_their_ranges():
    _, drawn = draw(1000)
    assert drawn.rotation_deg.min() >= -45 and drawn.rotation_deg.max() <= 45
    assert drawn.translation.shape == (1000, 2)
    assert drawn.brightness.min() >= 5 / 255 and drawn.brightness.max() <= 20 / 255


def test_disabled_parts_change_nothing():
    _, drawn = draw(ranges=AugmentationRanges())
    assert not AugmentationRanges().has_color
    assert torch.equal(drawn.rotation_deg, torch.zeros(4).double())
    assert torch.equal(drawn.scale, torch.full((4,), 1.25).double())
    assert torch.equal(drawn.hue, torch.ones(4).double())


def test_affine_equals_the_steps_of_the_released_code():
    """Rotate with OpenCV about the mean keypoint, crop a window, resize it to the output."""
    keypoints, drawn = draw()
    affine, window = crop_affine(keypoints, drawn, crop_size=100, output_size=64)
    for i in range(4):
        center = keypoints[i].mean(0).numpy()
        turn = cv2.getRotationMatrix2D(tuple(center), drawn.rotation_deg[i].item(), 1.0)
        turned = keypoints[i].numpy() @ turn[:, :2].T + turn[:, 2]
        half = np.linalg.norm(keypoints[i].numpy() - center, axis=1).max() * drawn.scale[i].item()
        # The window's edges, in the convention of pixel centres at integers.
        corner = center - half + drawn.translation[i].numpy() * 100
        expected = (turned - corner) * 64 / (2 * half) - 0.5
        actual = affine_maths.apply(affine[i], keypoints[i])
        np.testing.assert_allclose(actual, expected, atol=1e-5)  # OpenCV takes a float32 centre
        assert window[i].item() == pytest.approx(2 * half)


def test_window_of_degenerate_hands_is_limited():
    keypoints = torch.full((1, 21, 2), 50.0, dtype=torch.float64)
    _, drawn = draw(1)
    affine, window = crop_affine(keypoints, drawn, 100, 64)
    assert window.item() == 12.5
    assert affine.isfinite().all()


def test_warp_matches_opencv():
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.uniform(0, 1, (90, 100, 3)), (0, 0), 3)
    keypoints, drawn = draw()
    affine, _ = crop_affine(keypoints, drawn, 100, 64)
    images = torch.from_numpy(image).permute(2, 0, 1).expand(4, -1, -1, -1)
    warped = warp(images, affine, 64, padding="zeros")
    for i in range(4):
        expected = cv2.warpAffine(image, affine[i].numpy(), (64, 64), flags=cv2.INTER_LINEAR)
        # OpenCV rounds positions to 1/32 px.
        np.testing.assert_allclose(warped[i].permute(1, 2, 0), expected, atol=0.02)


def test_warp_moves_image_and_keypoints_together():
    """A bright dot under a keypoint is still under it."""
    keypoints, drawn = draw()
    affine, _ = crop_affine(keypoints, drawn, 100, 64)
    dots = torch.zeros(4, 1, 100, 100, dtype=torch.float64)
    where = keypoints[:, 0].round().long()
    for i, (x, y) in enumerate(where):
        dots[i, 0, y - 1 : y + 2, x - 1 : x + 2] = 1
    warped = warp(dots, affine, 64)
    moved = affine_maths.apply(affine, where[:, None].double())[:, 0]
    for i in range(4):
        y, x = np.unravel_index(warped[i, 0].argmax().item(), (64, 64))
        assert abs(x - moved[i, 0]) < 1.5 and abs(y - moved[i, 1]) < 1.5


def test_colors_match_colorsys():
    images = torch.rand(3, 3, 2, 2, dtype=torch.float64)
    images[0, :, 0, 0] = 0.4  # grey has no hue
    images[1, :, 0, 0] = 0.0
    _, drawn = draw(3)
    jittered = jitter_colors(images, drawn)
    for i, y, x in np.ndindex(3, 2, 2):
        hue, saturation, value = colorsys.rgb_to_hsv(*images[i, :, y, x].tolist())
        expected = colorsys.hsv_to_rgb(
            hue * drawn.hue[i].item(),
            saturation * drawn.saturation[i].item(),
            min(value * drawn.value[i].item() + drawn.brightness[i].item(), 1),
        )
        np.testing.assert_allclose(jittered[i, :, y, x], expected, atol=1e-9)


def test_colors_without_change_are_the_same():
    images = torch.rand(2, 3, 5, 5, dtype=torch.float64)
    _, drawn = draw(2, AugmentationRanges())
    torch.testing.assert_close(jitter_colors(images, drawn), images)
