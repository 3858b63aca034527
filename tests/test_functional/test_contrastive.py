"""Contrasts compared with references and golden values, and blocks with whole matrices."""

import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch

from simhand_mm.functional import contrastive, pair_weights
from simhand_mm.functional.contrastive import contrast_pairs
from simhand_mm.functional.contrasts import ACT_ON, DENOMINATORS, SoftTargets, WeightedNTXent
from simhand_mm.functional.pair_weights import (
    PairDistances,
    linear_weights,
    proportional_weights,
    sigmoid_weights,
)
from simhand_mm.functional.pose_distances import METRICS, pairwise_keypoint_distance
from tests.references import contrastive as reference
from tests.references import dense_contrast

GOLDEN = Path(reference.__file__).with_name("contrastive_golden.json")
EXACT = {"rtol": 1e-10, "atol": 1e-14}
WEIGHTED_SIDES = {"none": (), "positive": ("w_pos",), "negative": ("w_neg",),
                  "both": ("w_pos", "w_neg")}  # fmt: skip


def batch(count=5, dims=8, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    projections = torch.randn(2, count, dims, generator=generator, dtype=dtype)
    keypoints = torch.rand(2, count, 21, 2, generator=generator, dtype=dtype) * 128
    return *projections, *keypoints


def weighted_loss(query, positive, a, b, temperature=0.5, metric="mean_joint", **options):
    """Eq. 2 and 3, with weights for positives and negatives unless the options change it."""
    options = {"w_pos": linear_weights, "w_neg": linear_weights} | options
    contrast = WeightedNTXent(PairDistances(a, b, metric), **options)
    return contrast_pairs(query, positive, contrast, temperature)


def soft_loss(query, positive, a, b, temperature=0.5, **options):
    contrast = SoftTargets(PairDistances(a, b), **options)
    return contrast_pairs(query, positive, contrast, temperature)


LOSSES = (
    weighted_loss,
    soft_loss,
    partial(weighted_loss, w_pos=None, w_neg=proportional_weights, denominator="w_pos",
            act_on="probability"),
)  # fmt: skip


def matrix(a, b, metric="mean_joint"):
    return pairwise_keypoint_distance(*[torch.cat([a, b])] * 2, metric)


def unweighted_loss(query, positive):
    return contrast_pairs(query, positive, WeightedNTXent())


def value_and_gradients(function, query, positive):
    query, positive = query.clone().requires_grad_(), positive.clone().requires_grad_()
    value = function(query, positive)
    value.backward()
    return value.detach(), query.grad, positive.grad


# ---------------------------------------------------------------------- value and gradient


def wave(*shape, frequency):
    """Deterministic numbers that do not depend on the version of a random generator."""
    k = torch.arange(1, torch.Size(shape).numel() + 1, dtype=torch.float64)
    return (k * k * frequency).sin().view(shape)


@pytest.mark.parametrize("golden", json.loads(GOLDEN.read_text()), ids=str)
def test_value_and_gradient_equal_those_of_the_first_release(golden):
    weights = linear_weights
    if "steepness" in golden:
        weights = partial(sigmoid_weights, steepness=golden["steepness"])
    weighted = WEIGHTED_SIDES[golden["weighting"]]
    options = {side: weights if side in weighted else None for side in ("w_pos", "w_neg")}
    options |= {key: golden[key] for key in ("denominator", "positive_range") if key in golden}
    keypoints = 64 + 60 * wave(2, 6, 21, 2, frequency=0.11)
    value, *gradients = value_and_gradients(
        lambda q, p: weighted_loss(
            q, p, *keypoints, 0.3, golden.get("metric", "mean_joint"), **options
        ),
        *wave(2, 6, 5, frequency=0.37),
    )
    gradient = torch.stack(gradients)
    projected = [(gradient * wave(2, 6, 5, frequency=f)).sum().item() for f in (0.5, 0.9)]
    assert value.item() == pytest.approx(golden["loss"], rel=1e-12)
    assert projected == pytest.approx(golden["gradient"], rel=0, abs=1e-12)


@pytest.mark.parametrize("act_on", ACT_ON)
@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("sides", WEIGHTED_SIDES.values(), ids=str)
def test_weighted_loss_matches_the_reference(sides, denominator, act_on):
    query, positive, *keypoints = batch()
    w_pos, w_neg = reference.pair_weights(*keypoints)
    w_pos, w_neg = w_pos + 0.1, w_neg + 0.1  # 0 is no weight of a probability
    expected = reference.nt_xent(
        query, positive, 0.3, w_pos if "w_pos" in sides else None,
        w_neg if "w_neg" in sides else None, denominator, act_on,
    )  # fmt: skip
    options = dict.fromkeys(("w_pos", "w_neg"))
    options |= {side: lambda d, s: linear_weights(d, s) + 0.1 for side in sides}
    actual = weighted_loss(
        query, positive, *keypoints, 0.3, denominator=denominator, act_on=act_on, **options
    )
    assert actual.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sigma", [0.05, 0.5])
@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_soft_loss_matches_the_reference(sigma, alpha):
    query, positive, *keypoints = batch()
    expected = reference.soft_target_loss(query, positive, matrix(*keypoints), 0.3, sigma, alpha)
    actual = soft_loss(query, positive, *keypoints, 0.3, sigma=sigma, alpha=alpha)
    assert actual.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("block", [1, 30, 1 << 20])
@pytest.mark.parametrize("act_on", ACT_ON)
@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("sides", WEIGHTED_SIDES.values(), ids=str)
def test_weighted_blocks_match_autograd(sides, denominator, act_on, block, monkeypatch):
    monkeypatch.setitem(contrastive._BLOCK_ELEMENTS, "cpu", block)
    monkeypatch.setitem(pair_weights._COLUMN_TILE, "cpu", 3)
    query, positive, *keypoints = batch()

    def weights(distance, statistics):
        return 0.1 + linear_weights(distance, statistics)

    distances = PairDistances(*keypoints)
    dense = {
        "w_pos": weights(distances.positive, distances.of_positives),
        "w_neg": weights(matrix(*keypoints), distances.of_all),
    }
    expected = value_and_gradients(
        lambda q, p: dense_contrast.nt_xent(
            q, p, 0.3, denominator=denominator, act_on=act_on, **{s: dense[s] for s in sides}
        ),
        query,
        positive,
    )
    options = {s: weights if s in sides else None for s in dense}
    actual = value_and_gradients(
        lambda q, p: weighted_loss(
            q, p, *keypoints, 0.3, denominator=denominator, act_on=act_on, **options
        ),
        query,
        positive,
    )
    torch.testing.assert_close(actual, expected, **EXACT)


@pytest.mark.parametrize("block", [1, 30, 1 << 20])
@pytest.mark.parametrize("sigma, alpha", [(0.05, 1.0), (0.3, 0.5)])
def test_soft_blocks_match_autograd(sigma, alpha, block, monkeypatch):
    monkeypatch.setitem(contrastive._BLOCK_ELEMENTS, "cpu", block)
    monkeypatch.setitem(pair_weights._COLUMN_TILE, "cpu", 3)
    query, positive, *keypoints = batch()
    expected = value_and_gradients(
        lambda q, p: dense_contrast.soft_targets(q, p, matrix(*keypoints), 0.3, sigma, alpha),
        query,
        positive,
    )
    actual = value_and_gradients(
        lambda q, p: soft_loss(q, p, *keypoints, 0.3, sigma=sigma, alpha=alpha), query, positive
    )
    torch.testing.assert_close(actual, expected, **EXACT)


@pytest.mark.parametrize("positive_range", ["positives", "all"])
@pytest.mark.parametrize("metric", METRICS)
def test_metric_and_range_options(metric, positive_range):
    query, positive, *keypoints = batch()
    weights = reference.pair_weights(*keypoints, metric, positive_range)
    expected = reference.nt_xent(query, positive, 0.5, *weights)
    actual = weighted_loss(
        query, positive, *keypoints, metric=metric, positive_range=positive_range
    )
    assert actual.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_by_finite_differences(loss):
    query, positive, *keypoints = batch(count=3, dims=4)
    assert torch.autograd.gradcheck(
        lambda q, p: loss(q, p, *keypoints), (query.requires_grad_(), positive.requires_grad_())
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_single_precision_agrees_with_double(loss):
    query, positive, *keypoints = batch(count=64, dims=32)
    expected = value_and_gradients(lambda q, p: loss(q, p, *keypoints), query, positive)
    single = [tensor.float() for tensor in keypoints]
    actual = value_and_gradients(lambda q, p: loss(q, p, *single), query.float(), positive.float())
    assert actual[0].item() == pytest.approx(expected[0].item(), rel=1e-6)
    for got, want in zip(actual[1:], expected[1:], strict=True):
        assert (got - want).norm() <= 1e-5 * want.norm()


# ----------------------------------------------------------------------------- invariances


@pytest.mark.parametrize("loss", LOSSES)
def test_order_of_pairs_and_of_query_and_positive_does_not_matter(loss):
    query, positive, a, b = batch()
    value = loss(query, positive, a, b)
    order = torch.tensor([3, 0, 4, 2, 1])
    shuffled = loss(query[order], positive[order], a[order], b[order])
    torch.testing.assert_close(shuffled, value)
    torch.testing.assert_close(loss(positive, query, b, a), value)


@pytest.mark.parametrize("loss", LOSSES)
def test_norm_of_projections_and_unit_of_poses_do_not_matter(loss):
    query, positive, a, b = batch()
    value = loss(query, positive, a, b)
    torch.testing.assert_close(loss(3 * query, 5 * positive, 2 * a, 2 * b), value)


def test_soft_targets_with_alpha_0_are_nt_xent():
    query, positive, *keypoints = batch()
    torch.testing.assert_close(
        soft_loss(query, positive, *keypoints, alpha=0.0), unweighted_loss(query, positive)
    )


# ----------------------------------------------------------------------------------- edges


def test_equal_projections_without_weights_give_the_closed_form():
    same = torch.ones(6, 4, dtype=torch.float64)
    assert unweighted_loss(same, same).item() == pytest.approx(math.log(2 * 6 - 1))


@pytest.mark.parametrize("loss", LOSSES[::2])
@pytest.mark.parametrize("count", [1, 3])
def test_equal_hands_get_weights_of_one(count, loss):
    query, positive, a, _ = batch(count)
    a = a[:1].expand(count, -1, -1)
    torch.testing.assert_close(loss(query, positive, a, a), unweighted_loss(query, positive))


def test_equal_hands_get_equal_targets():
    query, positive, a, _ = batch(3)
    a = a[:1].expand(3, -1, -1)
    distance = 1 - torch.eye(6, dtype=torch.float64)
    expected = dense_contrast.soft_targets(query, positive, distance, 0.5, 1.0, 0.5)
    torch.testing.assert_close(soft_loss(query, positive, a, a), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_one_pair_has_zero_loss(loss):
    query, positive, *keypoints = batch(1)
    value, *gradients = value_and_gradients(lambda q, p: loss(q, p, *keypoints), query, positive)
    assert value.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("sigma", [1e-4, 1e4])
def test_narrow_and_wide_kernels_stay_finite_in_single_precision(sigma):
    query, positive, *keypoints = batch(64, dtype=torch.float32)
    value, gradient, _ = value_and_gradients(
        lambda q, p: soft_loss(q, p, *keypoints, sigma=sigma, alpha=1.0), query, positive
    )
    assert value.isfinite()
    assert gradient.isfinite().all()


def test_negatives_of_weight_0_are_excluded_from_a_weighted_probability():
    query, positive, a, b = batch()
    a[1] = b[1] = a[0]  # a negative at distance 0
    for denominator in DENOMINATORS:
        loss = weighted_loss(
            query, positive, a, b, w_pos=None, w_neg=proportional_weights,
            denominator=denominator, act_on="probability",
        )  # fmt: skip
        assert loss.isfinite()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32_under_autocast(dtype, loss):
    query, positive, *keypoints = batch(dtype=torch.float32)
    query, positive = query.to(dtype), positive.to(dtype)
    expected = loss(query.float(), positive.float(), *keypoints)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(query, positive, *keypoints)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("loss", LOSSES)
def test_poses_and_projections_of_different_dtype(loss):
    query, positive, *keypoints = batch()
    expected = loss(query, positive, *keypoints)
    single = [tensor.float() for tensor in keypoints]
    torch.testing.assert_close(loss(query, positive, *single), expected, rtol=1e-5, atol=0)
    value = loss(query.float(), positive.float(), *keypoints)
    torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("loss", LOSSES)
def test_poses_get_no_gradient_and_arguments_are_unchanged(loss):
    tensors = batch()
    before = [tensor.clone() for tensor in tensors]
    query, positive, *keypoints = (tensor.requires_grad_() for tensor in tensors)
    loss(query, positive, *keypoints).backward()
    assert all(tensor.grad is None for tensor in keypoints)
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))


# -------------------------------------------------------------------------------- the log


def test_log_reports_the_weights_and_targets_used_in_the_loss():
    query, positive, *keypoints = batch()
    distances = PairDistances(*keypoints)
    weighted = WeightedNTXent(distances, linear_weights)
    soft = SoftTargets(distances, sigma=0.2, alpha=0.5)
    for contrast in (weighted, soft):
        contrast_pairs(query, positive, contrast)
        assert contrast.log()["positive_distance"] == distances.positive.mean()
    expected = linear_weights(distances.positive, distances.of_positives).mean()
    assert weighted.log()["positive_weight"] == expected
    logits = -matrix(*keypoints) / (0.2 * matrix(*keypoints).mean())
    target = logits.fill_diagonal_(-torch.inf).softmax(1)
    partner = torch.arange(10).roll(5)
    expected = 0.5 + 0.5 * target[torch.arange(10), partner].mean()
    torch.testing.assert_close(soft.log()["positive_target"], expected)
    assert WeightedNTXent().log() == {}


# --------------------------------------------------------------------------------- errors


def test_bad_input_raises():
    query, positive, *keypoints = batch()
    distances = PairDistances(*keypoints)
    with pytest.raises(ValueError, match=r"\[N, D\] with N > 0.*\(5, 8\) and \(4, 8\)"):
        unweighted_loss(query, positive[:4])
    with pytest.raises(ValueError, match=r"\[N, D\] with N > 0"):
        unweighted_loss(query[:0], positive[:0])
    for name, value in (("denominator", "x"), ("positive_range", "x"), ("act_on", "x")):
        with pytest.raises(ValueError, match=f"{name} must be one of .* but got 'x'"):
            WeightedNTXent(distances, **{name: value})
    with pytest.raises(ValueError, match="distances must be given if w_pos or w_neg is"):
        WeightedNTXent(w_neg=linear_weights)
    with pytest.raises(ValueError, match=r"at least 2 pairs.*but got 1"):
        contrast_pairs(query[:1], positive[:1], WeightedNTXent(denominator="decoupled"))
    with pytest.raises(ValueError, match=r"sigma must be positive, but got 0\.0"):
        SoftTargets(distances, sigma=0.0)
    with pytest.raises(ValueError, match=r"alpha must be between 0 and 1, but got 1\.5"):
        SoftTargets(distances, alpha=1.5)
    keypoints[0][2, 3] = float("nan")
    with pytest.raises(ValueError, match="poses must be finite, but got 1 of 10 hands"):
        SoftTargets(PairDistances(*keypoints))
