import numpy as np
import pytest

from simhand_mm.functional.affine import apply, box_to_image_affine, compose, rotation_affine
from simhand_mm.functional.camera import (
    orthogonal_part,
    project,
    solve_translation,
    transform_camera,
    transform_keypoints_3d,
)


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    hand = rng.normal((80, -50, 500), 60, (21, 3))
    camera = np.array([[610.0, 0.7, 322], [0, 588, 247], [0, 0, 1]])  # fx != fy, skewed
    return hand, camera


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("rotation_deg", [0.0, 37.0, -90.0, 180.0])
def test_moved_points_project_onto_moved_pixels(scene, mirror, rotation_deg):
    hand, camera = scene
    affine = compose(
        box_to_image_affine((300, 80, 460, 240), (128, 128), mirror),
        rotation_affine((380, 160), rotation_deg),
    )
    turned = transform_keypoints_3d(affine, hand)
    pixels = project(turned, transform_camera(affine, camera))
    np.testing.assert_allclose(pixels, apply(affine, project(hand, camera)), atol=1e-9)
    np.testing.assert_allclose(
        transform_keypoints_3d(affine, turned, inverse=True), hand, atol=1e-9
    )
    np.testing.assert_allclose(turned[:, 2], hand[:, 2])


def test_mirror_reflects_x(scene):
    hand, camera = scene
    affine = box_to_image_affine((0, 0, 10, 10), (10, 10), mirror=True)
    np.testing.assert_allclose(transform_keypoints_3d(affine, hand), hand * [-1, 1, 1])
    assert np.linalg.det(orthogonal_part(affine)) == pytest.approx(-1)
    assert transform_camera(affine, camera)[0, 0] == pytest.approx(camera[0, 0])


def test_stretching_map_raises():
    with pytest.raises(ValueError, match="affine must be a similarity"):
        orthogonal_part(box_to_image_affine((0, 0, 10, 20), (10, 10)))


def test_translation_is_recovered(scene):
    hand, camera = scene
    pixels = project(hand, camera)[None]
    relative = hand[None] - hand[None, :1]
    found = solve_translation(relative, pixels, camera[None])
    np.testing.assert_allclose(found[0], hand[0], atol=1e-6)
    pixels[0, 3] += 500  # an outlier with weight 0
    weight = np.ones((1, 21))
    weight[0, 3] = 0
    found = solve_translation(relative, pixels, camera[None], weight)
    np.testing.assert_allclose(found[0], hand[0], atol=1e-6)
