import numpy as np

from simhand_mm.synthetic.drawing.camera import project_points
from simhand_mm.synthetic.drawing.rasterizer import rasterize
from tests.references.rasterizer import nearest_face


def test_rasterize_equals_reference():
    rng = np.random.default_rng(0)
    points = rng.uniform(-4, 20, (40, 2))
    depth = rng.uniform(0.5, 50, 40)
    faces = rng.permuted(np.tile(np.arange(40), (25, 1)), axis=1)[:, :3]
    raster = rasterize(points, depth, faces, 17, 13)
    face, depth_map = nearest_face(points, depth, faces, 17, 13)
    np.testing.assert_array_equal(raster.pixel, np.flatnonzero(face >= 0))
    np.testing.assert_array_equal(raster.face, face[face >= 0])
    np.testing.assert_allclose(raster.depth, depth_map[face >= 0], rtol=1e-3)
    np.testing.assert_allclose(raster.barycentric.sum(axis=1), 1, rtol=1e-5)


def test_barycentric_weights_reconstruct_points_in_space():
    """Interpolated positions project back onto their pixels."""
    vertices = np.array([[-30.0, -20, 60], [40, -10, 300], [0, 50, 90]])
    matrix = np.array([[20.0, 0, 10], [0, 20, 8], [0, 0, 1]])
    points = project_points(vertices, matrix)
    raster = rasterize(points, vertices[:, 2], np.array([[0, 2, 1]]), 24, 24)
    seen = project_points(raster.barycentric @ vertices[[0, 2, 1]], matrix)
    expected = np.stack([raster.pixel % 24, raster.pixel // 24], axis=1)
    assert len(expected) > 30
    np.testing.assert_allclose(seen, expected, atol=2e-3)


def test_rasterize_without_faces():
    raster = rasterize(np.zeros((3, 2)), np.ones(3) * 9, np.array([[0, 1, 2]]), 8, 8)
    assert len(raster.pixel) == 0
