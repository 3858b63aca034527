"""Weights from distances, and the distances of a batch in blocks."""

from functools import partial

import pytest
import torch

from simhand_mm.functional import pair_weights
from simhand_mm.functional.pair_weights import (
    DistanceStatistics,
    PairDistances,
    linear_weights,
    proportional_weights,
    sigmoid_weights,
)
from simhand_mm.functional.pose_distances import METRICS, pairwise_keypoint_distance

FUNCTIONS = (linear_weights, partial(sigmoid_weights, steepness=2.0), proportional_weights)


def weights_of(function, distance):
    return function(distance, DistanceStatistics.of(distance))


def poses(count=5, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, count, 21, 2, generator=generator, dtype=dtype) * 128


def test_weights_by_hand():
    distance = torch.tensor([0.0, 1.0, 5.0])
    torch.testing.assert_close(weights_of(linear_weights, distance), torch.tensor([1.0, 0.8, 0.0]))
    torch.testing.assert_close(
        weights_of(proportional_weights, distance), torch.tensor([0.0, 0.5, 2.5])
    )
    torch.testing.assert_close(
        weights_of(FUNCTIONS[1], distance), 1 / (1 + torch.exp(2.0 * (distance - 2.0)))
    )


def test_weights_use_the_given_statistics():
    statistics = DistanceStatistics.of(torch.tensor([0.0, 4.0]))
    weights = linear_weights(torch.tensor([[1.0, 2.0]]), statistics)
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0.5]]))


def test_linear_weights_do_not_depend_on_unit_or_offset():
    distance = torch.rand(9, dtype=torch.float64)
    weights = weights_of(linear_weights, distance)
    torch.testing.assert_close(weights_of(linear_weights, 5 * distance + 2), weights)
    assert weights.min() == 0
    assert weights.max() == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 4])
def test_weights_of_equal_distances(count):
    ones = torch.ones(count)
    assert torch.equal(weights_of(linear_weights, 3 * ones), ones)
    assert torch.equal(weights_of(proportional_weights, 3 * ones), ones)
    assert torch.equal(weights_of(proportional_weights, 0 * ones), ones)
    assert torch.equal(weights_of(FUNCTIONS[1], 3 * ones), ones / 2)


@pytest.mark.parametrize("tile", [1, 3, 512])
@pytest.mark.parametrize("metric", METRICS)
def test_blocks_and_statistics_equal_those_of_the_whole_matrix(metric, tile, monkeypatch):
    monkeypatch.setitem(pair_weights._COLUMN_TILE, "cpu", tile)
    query, positive = poses()
    whole = pairwise_keypoint_distance(*[torch.cat([query, positive])] * 2, metric)
    distances = PairDistances(query, positive, metric)
    torch.testing.assert_close(distances.block(slice(2, 7), lambda d: 2 * d), 2 * whole[2:7])
    torch.testing.assert_close(distances.positive, whole.diagonal(5))
    for name, expected in (("minimum", 0.0), ("mean", whole.mean()), ("maximum", whole.max())):
        actual = getattr(distances.of_all, name)
        torch.testing.assert_close(actual, torch.as_tensor(expected, dtype=whole.dtype))
    assert distances.of_positives.maximum == distances.positive.max()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_check_finite_raises_for_poses_that_are_not_finite(value):
    query, positive = poses()
    positive[3, 7, 1] = value
    with pytest.raises(ValueError, match="poses must be finite, but got 1 of 10 hands"):
        PairDistances(query, positive).check_finite()
