"""Number of kernels that the losses launch on a GPU, counted on fake tensors, without a GPU."""

import pytest
import torch

from simhand_mm.functional import pair_weights, pose_distances
from simhand_mm.functional.contrastive import contrast_pairs
from simhand_mm.functional.contrasts import SoftTargets, WeightedNTXent
from simhand_mm.functional.distance_kernel import fused_distance
from simhand_mm.functional.global_batch import GlobalBatch
from simhand_mm.functional.pair_weights import PairDistances, linear_weights
from tests.fake_cuda import Launches, fake_cuda


def launches(make, pairs, processes, monkeypatch):
    """Count kernels of the loss and its gradient on one process, without those the host awaits."""
    monkeypatch.setattr(
        pair_weights, "max_pairwise_keypoint_distance", lambda poses, *_: poses.max()
    )
    monkeypatch.setattr(PairDistances, "check_finite", lambda self: None)
    batch = GlobalBatch(lambda local: torch.cat([local] * processes), rank=1)
    with fake_cuda() as copies:
        query, positive = torch.randn(2, pairs, 128, device="cuda")
        poses = torch.rand(2, pairs, 21, 2, device="cuda")
        with Launches() as counter:
            loss = contrast_pairs(
                query, positive, make(PairDistances(*poses, batch=batch)), 0.5, batch
            )
    assert loss.device.type == "cuda"
    assert not copies.blocking
    return counter.kernels


@pytest.mark.parametrize(
    "make, fused, budget",
    [
        (WeightedNTXent, True, 80),
        (lambda d: WeightedNTXent(d, linear_weights), True, 110),
        (lambda d: WeightedNTXent(d, linear_weights, linear_weights), True, 170),
        (lambda d: WeightedNTXent(d, linear_weights, linear_weights), False, 1250),
        (SoftTargets, True, 150),
        (SoftTargets, False, 1900),
    ],
    ids=["unweighted", "positive", "both", "both, no Triton", "soft", "soft, no Triton"],
)
def test_step_of_8_x_1024_pairs_stays_within_its_kernel_budget(make, fused, budget, monkeypatch):
    kernel = fused_distance if fused else None
    monkeypatch.setattr(pose_distances, "_fused_distance", lambda device: kernel)
    kernels = launches(make, 1024, 8, monkeypatch)
    assert 0.5 * budget < kernels.total() <= budget, kernels.most_common(12)
    assert ("pairwise_keypoint_distance" in kernels) <= fused


def test_number_of_kernels_does_not_grow_with_the_rows_of_one_gpu(monkeypatch):
    """A tile has all rows of a block, so twice the rows mean larger kernels, not more of them."""
    few, many = (launches(SoftTargets, pairs, 8192 // pairs, monkeypatch) for pairs in (512, 1024))
    assert many.total() < 1.5 * few.total()
