from dataclasses import replace

import numpy as np
import pytest

from simhand_mm.synthetic.drawing.camera import Camera, project_points
from simhand_mm.synthetic.drawing.film import Film, sample_light
from simhand_mm.synthetic.drawing.rendering import Light, render
from simhand_mm.synthetic.drawing.surfaces import Surface
from simhand_mm.synthetic.hand.props import _shape

CAMERA = Camera.centered(120.0, 60, 48)
LIGHT = Light(np.array([0.0, 0, -1]), np.full(3, 0.8), np.full(3, 0.3), backdrop_shadow=0.0)


def ball(center, radius, color=(0.6, 0.5, 0.4)):
    vertices, faces = _shape("ball", radius, 0.0)
    size = len(vertices)
    return Surface(
        vertices + center,
        vertices / radius,
        faces,
        np.tile(color, (size, 1)),
        np.zeros(size),
        np.ones(size),
    )


def draw(surfaces, light=LIGHT, background=0.0):
    canvas = np.full((48, 60, 3), background, np.float32)
    focus = np.concatenate([s.vertices for s in surfaces])
    return render(surfaces, CAMERA, light, canvas, focus, supersampling=2.0)


@pytest.mark.parametrize("center", [(0.0, 0, 300), (-40, 25, 300), (31, -17, 290)])
def test_surfaces_appear_where_their_points_project(center):
    """Labels and renderer use the same pixel convention."""
    image = draw([ball(np.array(center), 8.0)], replace(LIGHT, color=np.zeros(3)))
    weight = (image > 0.01).any(axis=-1)
    rows, columns = np.nonzero(weight)
    expected = project_points(np.array(center), CAMERA.camera_matrix)
    np.testing.assert_allclose((columns.mean(), rows.mean()), expected, atol=0.15)


def test_background_is_unchanged_without_surfaces():
    image = draw([ball(np.array([0.0, 0, 300]), 8.0)], background=0.25)
    np.testing.assert_allclose(image[:10], 0.25, rtol=1e-6)


def test_nearer_surface_hides_the_farther_one():
    near = ball(np.array([0.0, 0, 250]), 8.0, color=(0.0, 0.9, 0.0))
    far = ball(np.array([0.0, 0, 320]), 8.0, color=(0.9, 0.0, 0.0))
    for order in ([near, far], [far, near]):
        red, green, _ = draw(order)[24, 30]
        assert green > 0.2 > red


def test_a_surface_in_front_of_the_lamp_casts_a_shadow():
    light = replace(LIGHT, direction=np.array([-1.0, 0, 0]))
    thing, lamp_side = ball(np.array([20.0, 0, 300]), 12.0), ball(np.array([-20.0, 0, 300]), 14.0)
    lit, shaded = draw([thing], light), draw([thing, lamp_side], light)
    column = round(float(project_points(np.array([12.0, 0, 300]), CAMERA.camera_matrix)[0]))
    assert shaded[24, column].sum() < 0.7 * lit[24, column].sum()


def test_moved_by_a_mirroring_matrix_keeps_faces_outwards():
    surface = ball(np.array([15.0, 0, 300]), 8.0)
    mirrored = surface.moved(np.diag([-1.0, 1, 1]), np.zeros(3))
    light = replace(LIGHT, direction=np.array([0.0, 0, -1]))
    plain, flipped = draw([surface], light), draw([mirrored], light)
    assert plain.sum() > 10
    np.testing.assert_allclose(flipped[:, ::-1], plain, atol=0.12)


def test_film_exposes_grey_and_its_noise_is_repeatable():
    linear = np.full((8, 8, 3), 0.5**2.2, np.float32)
    clean = Film(exposure=1.0, blur_px=0.0, noise=0.0).expose(np.random.default_rng(0), linear)
    assert clean.dtype == np.uint8 and (clean == 128).all()
    film = Film(exposure=1.0, blur_px=0.8, noise=5.0)
    first, again = (film.expose(np.random.default_rng(1), linear) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert 2 < first.std() < 8


def test_sample_light_comes_from_the_front_and_above():
    for seed in range(20):
        light = sample_light(np.random.default_rng(seed), contrast=1.0)
        assert light.direction[2] < 0 and light.direction[1] <= 0
        assert np.linalg.norm(light.direction) == pytest.approx(1)
