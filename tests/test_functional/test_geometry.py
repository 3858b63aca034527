"""Keypoints, boxes and affine maps."""

import cv2
import numpy as np
import pytest
import torch

from simhand_mm.functional import affine, boxes, keypoints


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_layout_is_a_tree_of_five_fingers():
    assert keypoints.KEYPOINT_NAMES[0] == "wrist"
    assert keypoints.KEYPOINT_NAMES[9] == "middle_1"
    assert keypoints.PARENTS[1] == keypoints.PARENTS[17] == 0
    assert keypoints.PARENTS[20] == 19
    assert len(keypoints.SKELETON) == 20


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor])
def test_mirror_twice_is_identity_and_input_is_unchanged(make, rng):
    points = make(rng.uniform(0, 9, (2, 21, 3)))
    before = np.array(points)
    once = keypoints.mirror_keypoints_3d(points)
    np.testing.assert_array_equal(np.array(once), before * [-1, 1, 1])
    np.testing.assert_array_equal(np.array(keypoints.mirror_keypoints_3d(once)), before)
    np.testing.assert_array_equal(np.array(points), before)


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor])
def test_bone_length_and_root(make, rng):
    points = make(rng.normal(size=(3, 21, 3)))
    expected = [np.linalg.norm(p[9] - p[0]) for p in np.array(points)]
    np.testing.assert_allclose(np.array(keypoints.bone_length(points)), expected)
    assert np.abs(np.array(keypoints.root_relative(points))[:, 0]).max() == 0


def test_square_box_contains_the_box_and_shares_its_centre():
    np.testing.assert_allclose(boxes.square_box([0, 0, 10, 4], 1.5), [-2.5, -5.5, 12.5, 9.5])


def test_keypoints_to_box_ignores_invalid_keypoints(rng):
    points = rng.uniform(0, 50, (21, 2))
    points[3] = 1000
    valid = np.arange(21) != 3
    expected = [*points[valid].min(0), *(points[valid].max(0) + 1)]
    np.testing.assert_allclose(boxes.keypoints_to_box(points, valid), expected)
    assert np.isnan(boxes.keypoints_to_box(points, np.zeros(21, bool))).all()


def test_box_iou_by_hand():
    a = np.array([[0, 0, 2, 2], [0, 0, 0, 0]])
    b = np.array([[1, 0, 3, 2], [0, 0, 2, 2], [5, 5, 6, 6]])
    np.testing.assert_allclose(boxes.box_iou(a, b), [[1 / 3, 1, 0], [0, 0, 0]])


def test_box_to_image_affine_maps_edges_to_edges():
    matrix = affine.box_to_image_affine([10, 20, 20, 40], (100, 100))
    corners = np.array([[9.5, 19.5], [19.5, 39.5]])  # outer edges of the first and last pixel
    np.testing.assert_allclose(affine.apply(matrix, corners), [[-0.5, -0.5], [99.5, 99.5]])
    mirrored = affine.box_to_image_affine([10, 20, 20, 40], (100, 100), mirror=True)
    plain = affine.apply(matrix, corners)
    # Pixel centres lie at integer coordinates, so column x becomes width - 1 - x.
    expected = np.stack([99 - plain[:, 0], plain[:, 1]], axis=1)
    np.testing.assert_allclose(affine.apply(mirrored, corners), expected)


def test_warp_with_the_affine_equals_a_crop(rng):
    image = rng.integers(0, 255, (40, 60), dtype=np.uint8)
    matrix = affine.box_to_image_affine([10, 5, 30, 25], (20, 20))
    np.testing.assert_array_equal(cv2.warpAffine(image, matrix, (20, 20)), image[5:25, 10:30])


def test_empty_box_raises():
    with pytest.raises(ValueError, match="bbox_xyxy must have positive width"):
        affine.box_to_image_affine([5, 5, 5, 9], (10, 10))


def test_rotation_affine_equals_opencv():
    np.testing.assert_allclose(
        affine.rotation_affine((3, 4), 33, 1.2), cv2.getRotationMatrix2D((3, 4), 33, 1.2)
    )


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor])
def test_compose_and_invert(make, rng):
    a, b = make(rng.normal(size=(4, 2, 3))), make(rng.normal(size=(4, 2, 3)))
    points = make(rng.normal(size=(4, 21, 2)))
    one_by_one = affine.apply(a, affine.apply(b, points))
    np.testing.assert_allclose(
        np.array(affine.apply(affine.compose(a, b), points)), np.array(one_by_one), atol=1e-12
    )
    back = affine.apply(affine.invert(a), affine.apply(a, points))
    np.testing.assert_allclose(np.array(back), np.array(points), atol=1e-9)
