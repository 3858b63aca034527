"""Distances between hand poses."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from simhand_mm.functional import pose_distances
from simhand_mm.functional.pose_distances import (
    METRICS,
    keypoint_distance,
    max_pairwise_keypoint_distance,
    normalize_poses,
    pairwise_keypoint_distance,
)
from tests.references import contrastive as reference


def hands(count, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 21, 2, generator=generator, dtype=dtype) * 128


@pytest.mark.parametrize("metric", METRICS)
def test_distances_match_the_reference(metric):
    a, b = hands(4), hands(3, seed=1)
    expected = [[reference.keypoint_distance(p, q, metric) for q in b] for p in a]
    np.testing.assert_allclose(pairwise_keypoint_distance(a, b, metric), expected, rtol=1e-12)
    np.testing.assert_allclose(
        keypoint_distance(a[:3], b, metric), np.diagonal(expected), rtol=1e-12
    )


@pytest.mark.parametrize("metric", METRICS)
def test_pairwise_distance_of_equal_hands_is_zero_in_float32(metric):
    a = hands(5, dtype=torch.float32) + 1000
    assert torch.equal(pairwise_keypoint_distance(a, a, metric).diagonal(), torch.zeros(5))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("tile", [1, 7, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_largest_distance_is_exact_although_tiles_are_skipped(metric, tile, dtype):
    for seed in range(5):
        a = hands(40, seed, dtype)
        a[3] += 300.0 * (seed % 2)  # an outlier
        expected = pairwise_keypoint_distance(a, a, metric).max()
        assert torch.equal(max_pairwise_keypoint_distance(a, metric, tile), expected)


def test_gpu_kernel_gives_the_same_distances():
    """Run in Triton's interpreter, which must be selected before the import."""
    code = """
import torch
from simhand_mm.functional.distance_kernel import fused_distance
from simhand_mm.functional.pose_distances import _distance_by_keypoint
torch.manual_seed(0)
torch.cuda.device_of = lambda tensor: torch.no_grad()
for keypoints, dims in ((21, 2), (1, 14), (21, 3)):
    a, b = (128 * torch.rand(keypoints, dims, count) for count in (70, 131))
    b[:, :, 7] = a[:, :, 3]
    for mean_joint in (True, False):
        found, expected = (f(a, b, mean_joint) for f in (fused_distance, _distance_by_keypoint))
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
        assert found[3, 7] == 0
print("equal")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "equal\n", done.stderr


def test_kernel_that_cannot_be_compiled_is_replaced_with_a_warning(monkeypatch):
    assert pose_distances._fused_distance(torch.device("cpu")) is None
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "arange", lambda *_, **__: 1 / 0)
    with pytest.warns(UserWarning, match=r"Triton must compile .* but got ZeroDivisionError"):
        assert pose_distances._fused_distance.__wrapped__(torch.device("cuda")) is None


def test_largest_distance_of_one_hand_and_of_equal_hands_is_zero():
    assert max_pairwise_keypoint_distance(hands(1)) == 0
    assert max_pairwise_keypoint_distance(hands(1).expand(9, -1, -1)) == 0


def test_largest_distance_propagates_nan():
    a = hands(4)
    a[2, 5] = float("nan")
    assert max_pairwise_keypoint_distance(a).isnan()


def test_largest_distance_of_no_hands_raises():
    with pytest.raises(ValueError, match="keypoints must have at least one hand"):
        max_pairwise_keypoint_distance(hands(0))


@pytest.mark.parametrize("metric", METRICS)
def test_distance_does_not_depend_on_position_and_grows_with_unit(metric):
    a, b = hands(4), hands(4, seed=1)
    distance = keypoint_distance(a, b, metric)
    torch.testing.assert_close(keypoint_distance(a + 7, b + 7, metric), distance)
    torch.testing.assert_close(keypoint_distance(3 * a, 3 * b, metric), 3 * distance)
    torch.testing.assert_close(keypoint_distance(b, a, metric), distance)


def test_distance_of_bad_input_raises():
    with pytest.raises(ValueError, match=r"keypoints \[N, K, C\].*\(4, 21, 2\) and \(4, 20, 2\)"):
        keypoint_distance(hands(4), hands(4)[:, :20])
    with pytest.raises(ValueError, match="as many hands as a, but got 3 and 4"):
        keypoint_distance(hands(4), hands(3))
    with pytest.raises(ValueError, match=r"metric must be one of .* but got 'cosine'"):
        pairwise_keypoint_distance(hands(4), hands(3), "cosine")


def test_normalized_poses_match_the_reference():
    a = hands(3)
    expected = [reference.normalized_pose(hand) for hand in a]
    np.testing.assert_allclose(normalize_poses(a), expected, rtol=1e-12)


def test_normalized_poses_do_not_depend_on_position_and_size():
    a = hands(3)
    torch.testing.assert_close(normalize_poses(5 * a + 30), normalize_poses(a))


def test_hand_whose_keypoints_coincide_is_normalized_to_zeros():
    assert torch.equal(normalize_poses(torch.full((1, 21, 2), 7.0)), torch.zeros(1, 21, 2))


def test_arguments_are_unchanged():
    a, b = hands(4), hands(4, seed=1)
    before = a.clone(), b.clone()
    pairwise_keypoint_distance(a, b)
    max_pairwise_keypoint_distance(a)
    normalize_poses(a)
    assert torch.equal(a, before[0])
    assert torch.equal(b, before[1])
