"""Crops: where keypoints land, what lies beyond the border, the relation that the docs state."""

import cv2
import numpy as np
import pytest

from simhand_mm.functional.affine import apply
from simhand_mm.pool.cropping import crop_hand, cut_square, encode_jpeg, sharpness


def image_with_dot(x, y, size_wh=(200, 150)):
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


def center_of_light(image):
    rows, columns = np.indices(image.shape[:2])
    weight = image[..., 0].astype(float)
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    "bbox_xyxy, scale, size",
    [
        ((60, 40, 120, 110), 1.3, 64),  # shrinks
        ((60, 40, 120, 110), 1.3, 224),  # enlarges
        ((61.3, 39.8, 119.1, 108.4), 1.0, 100),
        ((80, 60, 199, 149), 2.5, 96),  # reaches beyond the image
        ((-30, -20, 130, 110), 1.3, 96),
    ],
)
def test_affine_takes_keypoints_to_where_the_pixels_go(bbox_xyxy, scale, size, mirror):
    point = np.array([100, 80])
    crop, affine = crop_hand(image_with_dot(*point), np.array(bbox_xyxy), scale, size, mirror)
    assert crop.shape == (size, size, 3)
    pixels_per_px = np.abs(affine[0, 0])
    difference = center_of_light(crop) - apply(affine, point[None].astype(float))[0]
    assert np.abs(difference).max() < 0.12 * max(1, pixels_per_px)


def test_crop_is_not_stretched_or_moved_at_the_border():
    image = np.full((100, 100, 3), 255, np.uint8)
    crop, affine = crop_hand(image, np.array([80, 40, 120, 60]), 1.0, 40, mirror=False)
    assert affine[0, 0] == affine[1, 1] == 1
    assert (crop[:, :20] == 255).all()
    assert (crop[:, 20:] == 0).all()


def test_mirrored_crop_is_the_flipped_crop():
    image = np.random.default_rng(0).integers(0, 255, (80, 90, 3), dtype=np.uint8)
    box = np.array([10, 20, 50, 70])
    plain, _ = crop_hand(image, box, 1.3, 48, mirror=False)
    mirrored, _ = crop_hand(image, box, 1.3, 48, mirror=True)
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])


def test_shrinking_averages_instead_of_skipping_pixels():
    board = (np.indices((128, 128)).sum(0) % 2 * 255).astype(np.uint8)
    crop, _ = crop_hand(np.dstack([board] * 3), np.array([0, 0, 128, 128]), 1.0, 32, mirror=False)
    assert np.abs(crop.astype(int) - 127).max() <= 1


def test_square_wholly_outside_is_black():
    window, corner = cut_square(np.full((20, 20, 3), 9, np.uint8), np.array([50, 60, 60, 70]), 1.0)
    assert window.shape == (10, 10, 3)
    assert not window.any()
    assert corner == (50, 60)


def test_jpeg_is_close_and_in_rgb():
    image = np.zeros((32, 32, 3), np.uint8)
    image[..., 0] = 200
    decoded = cv2.imdecode(np.frombuffer(encode_jpeg(image), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(decoded[..., ::-1].astype(int) - image).mean() < 3


def test_sharpness_falls_with_blur():
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    assert sharpness(cv2.GaussianBlur(image, (0, 0), 3)) < sharpness(image) / 100
