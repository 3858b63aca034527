"""Skeletons on images, and 3D views."""

import numpy as np
import pytest

from simhand_mm.functional.keypoints import SKELETON
from simhand_mm.visualization.drawing import (
    FINGER_COLORS,
    VIEWS,
    draw_hand,
    draw_hand_3d,
    fit_view,
    keypoint_color,
)
from simhand_mm.visualization.images import (
    data_uri,
    decode_image,
    resize_with_keypoints,
    transparent,
)

# A hand with separate fingers: finger f lies along the column 20 + 30 f, tips at the top.
OPEN_HAND = np.array(
    [[80.0, 170.0]] + [[20 + 30 * f, 120 - 25 * j] for f in range(5) for j in range(4)]
)


def blank(size=180):
    return np.full((size, size, 3), 128, np.uint8)


@pytest.mark.parametrize("keypoint", range(21))
def test_draw_hand_gives_each_keypoint_its_finger_color(keypoint):
    image = draw_hand(blank(), OPEN_HAND)
    x, y = OPEN_HAND[keypoint].astype(int)
    np.testing.assert_array_equal(image[y, x], keypoint_color(keypoint)[::-1])


@pytest.mark.parametrize("parent, child", SKELETON)
def test_draw_hand_draws_each_bone(parent, child):
    image = draw_hand(blank(), OPEN_HAND)
    x, y = np.round(OPEN_HAND[[parent, child]].mean(axis=0)).astype(int)
    assert (image[y - 1 : y + 2, x - 1 : x + 2] != 128).any()


def test_draw_hand_does_not_modify_its_input():
    image = blank()
    draw_hand(image, OPEN_HAND)
    assert (image == 128).all()


def test_draw_hand_skips_nan_keypoints_and_their_bones():
    keypoints_2d = np.full((21, 2), np.nan)
    keypoints_2d[[0, 4]] = OPEN_HAND[[0, 4]]  # no bone connects wrist and thumb tip
    image = draw_hand(blank(), keypoints_2d)
    changed = np.argwhere((image != 128).any(axis=2))[:, ::-1]
    distance = np.linalg.norm(changed[:, None] - OPEN_HAND[[0, 4]], axis=2).min(axis=1)
    assert len(changed)
    assert distance.max() < 6


def test_draw_hand_accepts_keypoints_far_outside():
    keypoints_2d = OPEN_HAND.copy()
    keypoints_2d[4] = [1e9, -1e9]
    image = draw_hand(blank(), keypoints_2d)
    assert (image != 128).any()


def test_draw_hand_nearer_finger_covers_farther_one():
    keypoints_2d = OPEN_HAND.copy()
    keypoints_2d[5:9] = OPEN_HAND[1:5]  # the index finger exactly over the thumb
    x, y = np.round(OPEN_HAND[3:5].mean(axis=0)).astype(int)
    for front, fingers in (("thumb", slice(1, 5)), ("index", slice(5, 9))):
        depth = np.full(21, 100.0)
        depth[fingers] = 10.0
        pixel = draw_hand(blank(), keypoints_2d, depth=depth)[y, x]
        np.testing.assert_array_equal(pixel, FINGER_COLORS[front][::-1])


def test_draw_hand_refuses_two_hands():
    with pytest.raises(ValueError, match=r"keypoints_2d must have shape \(21, 2\).*\(2, 21, 2\)"):
        draw_hand(blank(), np.zeros((2, 21, 2)))


@pytest.mark.parametrize("view", VIEWS)
def test_views_are_rotations(view):
    rotation = VIEWS[view]
    np.testing.assert_array_equal(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == 1


def test_draw_hand_3d_shows_each_axis_as_seen_by_the_viewer():
    pose = np.zeros((21, 3))
    pose[4] = [0, 0, 50]  # a thumb tip 50 mm beyond the wrist
    center = np.zeros(3)
    tip = keypoint_color(4)[::-1]
    side = draw_hand_3d(pose, "side", 201, 201.0, center)
    np.testing.assert_array_equal(side[100, 150], tip)  # far is right
    top = draw_hand_3d(pose, "top", 201, 201.0, center)
    np.testing.assert_array_equal(top[50, 100], tip)  # far is up
    front = draw_hand_3d(pose, "front", 201, 201.0, center)
    assert (front[100, 150] == 255).all()


def test_draw_hand_3d_does_not_depend_on_the_position_by_default():
    pose = np.random.default_rng(0).uniform(-80, 80, (21, 3))
    moved = draw_hand_3d(pose + np.array([30.0, -20.0, 500.0]), "side")
    difference = np.abs(draw_hand_3d(pose, "side").astype(int) - moved)
    assert (difference > 64).mean() < 0.001


def test_draw_hand_3d_refuses_unknown_view():
    with pytest.raises(ValueError, match=r"view must be one of \['front', 'side', 'top'\].*'left'"):
        draw_hand_3d(np.zeros((21, 3)), "left")


def test_transparent_reproduces_both_drawings():
    pose = np.random.default_rng(0).uniform(-80, 80, (21, 3))
    on_white, on_black = (draw_hand_3d(pose, background=b) for b in (255, 0))
    drawing = transparent(on_white, on_black).astype(float)
    opacity = drawing[..., 3:] / 255
    np.testing.assert_allclose(drawing[..., :3] * opacity + 255 * (1 - opacity), on_white, atol=3)
    np.testing.assert_allclose(drawing[..., :3] * opacity, on_black, atol=3)


@pytest.mark.parametrize("size", [20, 64, 160])
def test_resize_with_keypoints_keeps_image_and_keypoints_aligned(size):
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:24, 40:44] = 255
    keypoints_2d = np.tile([[41.5, 21.5]], (21, 1))  # the middle of the white square
    resized, moved = resize_with_keypoints(image, size, keypoints_2d)
    weight = np.clip(resized[..., 0].astype(float), 0, 255)
    rows, columns = np.indices(weight.shape)
    middle = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()]
    np.testing.assert_allclose(moved[0], middle, atol=0.3)


def test_data_uri_contains_the_image():
    import base64

    image = np.random.default_rng(0).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    head, body = data_uri(image, "png").split(",")
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(decode_image(base64.b64decode(body)), image)


def test_decode_image_refuses_other_bytes():
    with pytest.raises(ValueError, match="encoded must be a JPEG or PNG"):
        decode_image(b"no image")


def test_fit_view_shows_all_hands_unless_the_target_would_become_small():
    target = np.random.default_rng(0).uniform(0, 100, (21, 3))
    target[0], target[1], target[2] = 0, 100, np.nan
    np.testing.assert_allclose(fit_view(target)[0], [50, 50, 50])
    assert fit_view(target)[1] == 120
    center, extent_mm = fit_view(target, target + np.array([60, 0, 0]))
    np.testing.assert_allclose(center, [80, 50, 50])
    assert extent_mm == 200  # 160 mm and a margin, in steps of 20 mm
    _, farthest = fit_view(target, target + np.array([1e6, 0, 0]))
    assert farthest == 240
