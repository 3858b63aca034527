import numpy as np
import pytest

from simhand_mm.synthetic.drawing.camera import Camera, place_in_frame, project_points


def test_project_points_equals_pinhole_formula():
    camera = Camera.centered(200.0, 64, 48)
    points = np.array([[0.0, 0, 500], [10, -20, 400]])
    expected = [[31.5, 23.5], [31.5 + 200 * 10 / 400, 23.5 - 200 * 20 / 400]]
    np.testing.assert_allclose(project_points(points, camera.camera_matrix), expected)


@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_resized_camera_keeps_the_image_edges(scale):
    """Pixel centres lie at integers, so an image spans -0.5 to width - 0.5 at any size."""
    camera = Camera.centered(200.0, 64, 48)
    fine = camera.resized(scale)
    assert (fine.width, fine.height) == (64 * scale, 48 * scale)
    points = np.array([[-30.0, 12, 300], [5, 5, 500]])
    coarse_px = project_points(points, camera.camera_matrix)
    fine_px = project_points(points, fine.camera_matrix)
    np.testing.assert_allclose((fine_px + 0.5) / scale, coarse_px + 0.5)


def test_place_in_frame_centers_and_stays_inside():
    rng = np.random.default_rng(0)
    camera = Camera.centered(400.0, 320, 240)
    points = rng.normal(0, 40, (9, 21, 3))
    area = np.array([20.0, 10, 300, 230])
    center = rng.uniform((20, 10), (300, 230), (9, 2))
    shift = place_in_frame(points, camera, 100.0, center, area)
    pixels = project_points(points + shift[:, None], camera.camera_matrix)
    assert np.ptp(shift[:, 2] + (points.max(1) + points.min(1))[:, 2] / 2) < 1e-9
    assert (pixels.min(axis=1) > area[:2] - 1).all() and (pixels.max(axis=1) < area[2:] + 1).all()
    middle = place_in_frame(points, camera, 100.0, np.full((9, 2), 120.0), area)
    pixels = project_points(points + middle[:, None], camera.camera_matrix)
    np.testing.assert_allclose((pixels.min(axis=1) + pixels.max(axis=1)) / 2, 120, atol=1)
    size = np.ptp(pixels, axis=1).max(axis=1).mean()
    assert size == pytest.approx(100, rel=0.15)


def test_place_in_frame_moves_large_hands_away():
    camera = Camera.centered(400.0, 320, 240)
    points = np.random.default_rng(1).normal(0, 40, (3, 21, 3))
    area = np.array([0.0, 0, 60, 60])
    shift = place_in_frame(points, camera, 500.0, np.full((3, 2), 30.0), area)
    pixels = project_points(points + shift[:, None], camera.camera_matrix)
    assert pixels.min() > -1 and pixels.max() < 61
