import numpy as np
import pytest
import torch

from simhand_mm.functional.keypoints import PARENTS
from simhand_mm.pose import DetNetCodec


@pytest.fixture
def hand(records):
    return np.float32(records[0]["keypoints_3d"])[None]


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform(4, 123, (1, 21, 2)).astype(np.float32)


def unpack(codec, encoded):
    """Targets of one hand as arrays."""
    heatmaps, labels = codec.unpack(torch.from_numpy(encoded["hand_targets"]))
    return heatmaps.numpy(), {name: value.numpy() for name, value in labels.items()}


def encode(points, visible=None, hand=None, codec=None):
    codec = codec or DetNetCodec((128, 128), (32, 32))
    return unpack(codec, codec.encode(points, visible, hand))[1]


@pytest.mark.parametrize("subpixel", [False, True])
def test_ground_truth_through_codec_and_back(points, hand, subpixel):
    codec = DetNetCodec((128, 128), (32, 32), subpixel=subpixel)
    heatmaps, encoded = unpack(codec, codec.encode(points, np.ones((1, 21)), hand))
    maps = np.broadcast_to(encoded["location_labels"][0, :, :, None, None], (21, 3, 32, 32))
    decoded, scores, locations = codec.decode((heatmaps[0], maps.copy()))
    in_mm = locations * encoded["bone_length_mm"]
    assert np.abs(in_mm - (hand - hand[:, :1])).max() < 1e-3  # the requirement is 0.5 mm
    error = np.abs(decoded - points)
    assert error.max() < (0.01 if subpixel else 2.001)  # half a cell of 4 px
    assert abs((decoded - points).mean()) < 0.3  # no systematic shift
    assert scores.min() > 0.7


def test_packed_targets_equal_the_reference(points, hand):
    """The reference is computed per keypoint in float64."""
    heatmaps, encoded = unpack(
        DetNetCodec((128, 128), (32, 32)),
        DetNetCodec((128, 128), (32, 32)).encode(points, None, hand),
    )
    bone = np.linalg.norm(np.float64(hand[0, 9]) - hand[0, 0])
    assert encoded["bone_length_mm"] == pytest.approx(bone, rel=1e-6)
    y, x = np.mgrid[:32, :32]
    for k, (point, parent) in enumerate(zip(points[0], PARENTS, strict=True)):
        u, v = (np.float64(point) + 0.5) / 4 - 0.5
        expected = np.exp(-((x - u) ** 2 + (y - v) ** 2) / 2)
        np.testing.assert_allclose(heatmaps[0, k], expected, atol=1e-6)
        location = (np.float64(hand[0, k]) - hand[0, 0]) / bone
        np.testing.assert_allclose(encoded["location_labels"][0, k], location, atol=1e-6)
        step = np.float64(hand[0, k]) - hand[0, parent]
        direction = step / max(np.linalg.norm(step), 1e-9)
        np.testing.assert_allclose(encoded["delta_labels"][0, k], direction, atol=1e-6)


@pytest.mark.parametrize(
    "point, cell, counts",
    [
        ((64.0, 32.0), (16, 8), True),
        ((67.9, 35.9), (16, 8), True),  # truncated to pixels, then to cells
        ((-0.9, 10.0), (0, 2), True),
        ((-12.0, 10.0), (-3, 2), True),  # the window ends at the first column
        ((-13.0, 10.0), (-4, 2), False),
        ((139.9, 10.0), (34, 2), True),
        ((140.0, 10.0), (35, 2), False),
        ((10.0, 140.0), (2, 35), False),
    ],
)
def test_released_heatmaps_cell_by_cell(points, point, cell, counts):
    points[0, 5] = point
    codec = DetNetCodec((128, 128), (32, 32), released_heatmaps=True)
    heatmaps, labels = unpack(codec, codec.encode(points))
    expected = np.zeros((32, 32))
    for x in range(32):
        for y in range(32):
            dx, dy = x - cell[0], y - cell[1]
            if abs(dx) <= 3 and abs(dy) <= 3:
                expected[y, x] = np.exp(-(dx**2 + dy**2) / 2)
    assert labels["keypoint_weights"][0, 5] == counts
    if counts:
        np.testing.assert_allclose(heatmaps[0, 5], expected, atol=1e-6)


def test_released_heatmaps_shift_decoded_keypoints_by_half_a_pixel():
    points = np.random.default_rng(0).uniform(4, 123, (1, 2100, 2)).astype(np.float32)
    for released, shift in ((False, 0.0), (True, -0.5)):
        errors = []
        codec = DetNetCodec((128, 128), (32, 32), released_heatmaps=released)
        for hand in np.split(points, 100, axis=1):
            heatmaps, _ = unpack(codec, codec.encode(hand))
            errors.append(codec.decode((heatmaps[0], np.zeros((21, 3, 32, 32))))[0] - hand)
        assert np.mean(errors) == pytest.approx(shift, abs=0.1)
        assert np.abs(errors).max() < 3


def test_keypoints_outside_the_crop_have_3d_targets_but_no_heatmap(points, hand):
    points[0, 5] = 130, 20
    encoded = encode(points, None, hand)
    assert encoded["keypoint_weights"][0, 5] == 0
    assert encoded["keypoint_weights"].sum() == 20
    assert encoded["location_weights"].sum() == 21


def test_unlabelled_keypoints_have_zero_weight(points, hand):
    visible = np.ones((1, 21))
    visible[0, 6] = 0
    hand[0, 6] = np.nan
    encoded = encode(points, visible, hand)
    assert all(np.isfinite(value).all() for value in encoded.values())
    assert encoded["keypoint_weights"][0, 6] == 0
    assert np.flatnonzero(encoded["location_weights"][0] == 0).tolist() == [6]
    children = [k for k in range(21) if PARENTS[k] == 6]
    assert np.flatnonzero(encoded["delta_weights"][0] == 0).tolist() == [6, *children]


def test_without_3d_labels_only_heatmaps_have_weight(points):
    encoded = encode(points, np.ones((1, 21)))
    assert encoded["location_weights"].sum() == 0
    assert encoded["delta_weights"].sum() == 0
    assert np.isnan(encoded["bone_length_mm"]).all()


def test_without_reference_bone_3d_weights_are_zero(points, hand):
    visible = np.ones((1, 21))
    visible[0, 9] = 0
    encoded = encode(points, visible, hand)
    assert encoded["location_weights"].sum() == 0


def test_aspect_ratio_of_the_maps_must_be_that_of_the_crop():
    with pytest.raises(ValueError, match=r"heatmap_size must have the aspect ratio of input_size"):
        DetNetCodec((128, 128), (32, 16))
