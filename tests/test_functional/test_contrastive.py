"""Weighted NT-Xent: dense reference against loops, blocks against the dense reference."""

import math

import pytest
import torch

from simhand_mm.functional import contrastive, pair_weights
from simhand_mm.functional.contrastive import DENOMINATORS, WEIGHTINGS, nt_xent, similar_hand_loss
from simhand_mm.functional.pair_weights import RANGES, PairWeights
from simhand_mm.functional.weights import METRICS, sigmoid_weights
from tests.references import contrastive as reference


def batch(count=5, dims=8, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    projections = torch.randn(2, count, dims, generator=generator, dtype=dtype)
    keypoints = torch.rand(2, count, 21, 2, generator=generator, dtype=dtype) * 128
    return *projections, *keypoints


def dense_weights(query_keypoints, positive_keypoints, weighting, metric, positive_range):
    positive, negative = reference.pair_weights(
        query_keypoints, positive_keypoints, metric, positive_range
    )
    return (
        torch.tensor(positive) if weighting in ("both", "positive") else None,
        torch.tensor(negative) if weighting in ("both", "negative") else None,
    )


def value_and_gradients(function, query, positive):
    query, positive = query.clone().requires_grad_(), positive.clone().requires_grad_()
    value = function(query, positive)
    value.backward()
    return value.detach(), query.grad, positive.grad


@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_dense_loss_matches_the_loop(weighting, denominator):
    query, positive, *keypoints = batch()
    weights = dense_weights(*keypoints, weighting, "mean_joint", "positives")
    expected = reference.nt_xent(query, positive, 0.3, *weights, denominator)
    actual = nt_xent(query, positive, 0.3, *weights, denominator)
    assert actual.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("block", [1, 30, 1 << 20])
@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_blocks_match_the_dense_loss_and_gradient(weighting, denominator, block, monkeypatch):
    monkeypatch.setitem(contrastive._BLOCK_ELEMENTS, "cpu", block)
    monkeypatch.setattr(pair_weights, "_COLUMN_TILE", 3)
    query, positive, *keypoints = batch()
    weights = dense_weights(*keypoints, weighting, "mean_joint", "positives")
    expected = value_and_gradients(
        lambda q, p: nt_xent(q, p, 0.3, *weights, denominator), query, positive
    )
    actual = value_and_gradients(
        lambda q, p: similar_hand_loss(
            q, p, *keypoints, 0.3, weighting=weighting, denominator=denominator
        ),
        query,
        positive,
    )
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("positive_range", RANGES)
@pytest.mark.parametrize("metric", METRICS)
def test_metric_and_range_options(metric, positive_range):
    query, positive, *keypoints = batch()
    weights = dense_weights(*keypoints, "both", metric, positive_range)
    expected = value_and_gradients(lambda q, p: nt_xent(q, p, 0.5, *weights), query, positive)
    actual = value_and_gradients(
        lambda q, p: similar_hand_loss(
            q, p, *keypoints, metric=metric, positive_range=positive_range
        ),
        query,
        positive,
    )
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-14)


def test_other_weight_functions_see_the_statistics():
    query, positive, *keypoints = batch()
    weights = PairWeights(*keypoints, dtype=torch.float64)
    distance = pair_weights.pairwise_keypoint_distance(*[torch.cat(keypoints)] * 2)
    own = pair_weights.keypoint_distance(*keypoints)
    expected = nt_xent(
        query, positive, 0.5, sigmoid_weights(own, 1.0), sigmoid_weights(distance, 0.05)
    )
    actual = similar_hand_loss(
        query,
        positive,
        *keypoints,
        weight_fn=lambda d, statistics: sigmoid_weights(d, 1.0, statistics.mean),
        negative_weight_fn=lambda d, statistics: sigmoid_weights(d, 0.05, statistics.mean),
    )
    torch.testing.assert_close(actual, expected)
    assert weights.statistics.minimum == own.min()
    assert weights.statistics.maximum == own.max()


def test_gradient_by_finite_differences():
    query, positive, *keypoints = batch(count=3, dims=4)
    assert torch.autograd.gradcheck(
        lambda q, p: similar_hand_loss(q, p, *keypoints),
        (query.requires_grad_(), positive.requires_grad_()),
    )


def test_single_precision_agrees_with_double():
    query, positive, *keypoints = batch(count=64, dims=32)
    expected = value_and_gradients(
        lambda q, p: similar_hand_loss(q, p, *keypoints), query, positive
    )
    single = [tensor.float() for tensor in keypoints]
    actual = value_and_gradients(
        lambda q, p: similar_hand_loss(q, p, *single), query.float(), positive.float()
    )
    assert actual[0].item() == pytest.approx(expected[0].item(), rel=1e-6)
    for got, want in zip(actual[1:], expected[1:], strict=True):
        assert (got - want).norm() <= 1e-5 * want.norm()


def test_equal_projections_without_weights_give_the_closed_form():
    same = torch.ones(6, 4, dtype=torch.float64)
    loss = similar_hand_loss(same, same, weighting="none")
    assert loss.item() == pytest.approx(math.log(2 * 6 - 1))


def test_order_of_pairs_and_of_query_and_positive_does_not_matter():
    query, positive, a, b = batch()
    loss = similar_hand_loss(query, positive, a, b)
    order = torch.tensor([3, 0, 4, 2, 1])
    shuffled = similar_hand_loss(query[order], positive[order], a[order], b[order])
    torch.testing.assert_close(shuffled, loss)
    torch.testing.assert_close(similar_hand_loss(positive, query, b, a), loss)


def test_length_of_projections_and_unit_of_keypoints_do_not_matter():
    query, positive, a, b = batch()
    loss = similar_hand_loss(query, positive, a, b)
    torch.testing.assert_close(similar_hand_loss(3 * query, 5 * positive, 2 * a, 2 * b), loss)


@pytest.mark.parametrize("count", [1, 3])
def test_equal_hands_are_weighted_with_ones(count):
    query, positive, a, _ = batch(count)
    a = a[:1].expand(count, -1, -1)
    loss = similar_hand_loss(query, positive, a, a)
    assert loss.isfinite()
    torch.testing.assert_close(loss, similar_hand_loss(query, positive, weighting="none"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single_under_autocast(dtype):
    query, positive, *keypoints = batch(dtype=torch.float32)
    query, positive = query.to(dtype), positive.to(dtype)
    expected = similar_hand_loss(query.float(), positive.float(), *keypoints)
    with torch.autocast("cpu", torch.bfloat16):
        loss = similar_hand_loss(query, positive, *keypoints)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)


def test_weights_carry_no_gradient():
    query, positive, *keypoints = batch()
    keypoints = [tensor.requires_grad_() for tensor in keypoints]
    similar_hand_loss(query.requires_grad_(), positive, *keypoints).backward()
    assert all(tensor.grad is None for tensor in keypoints)


def test_arguments_are_left_alone():
    tensors = batch()
    before = [tensor.clone() for tensor in tensors]
    similar_hand_loss(*tensors)
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))


def test_refuses_bad_input():
    query, positive, *keypoints = batch()
    with pytest.raises(ValueError, match=r"\[N, D\] with N > 0.*\(5, 8\) and \(4, 8\)"):
        similar_hand_loss(query, positive[:4], *keypoints)
    with pytest.raises(ValueError, match=r"\[N, D\] with N > 0"):
        nt_xent(query[:0], positive[:0])
    with pytest.raises(ValueError, match=r"weighting must be one of .* but got 'all'"):
        similar_hand_loss(query, positive, *keypoints, weighting="all")
    with pytest.raises(ValueError, match="denominator must be one of"):
        nt_xent(query, positive, denominator="infonce")
    with pytest.raises(ValueError, match="positive_range must be one of"):
        similar_hand_loss(query, positive, *keypoints, positive_range="global")
    with pytest.raises(ValueError, match="query_keypoints and positive_keypoints must be given"):
        similar_hand_loss(query, positive)
    with pytest.raises(ValueError, match=r"at least 2 pairs.*but got 1"):
        similar_hand_loss(query[:1], positive[:1], weighting="none", denominator="decoupled")
