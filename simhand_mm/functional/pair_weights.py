"""Weights of all pairs of a batch, block by block, from their keypoints (SiMHand, Eq. 2).

Axes: N query/positive pairs of this process, M = 2 N W hands gathered from W processes (all
queries first, then all positives), K keypoints, C coordinates.
"""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from simhand_mm.functional.weights import (
    keypoint_distance,
    linear_weights,
    max_pairwise_keypoint_distance,
    pairwise_keypoint_distance,
)

RANGES = ("positives", "all")
_COLUMN_TILE = 512

Gather = Callable[[Tensor], Tensor]
"""Concatenates ``[N, ...]`` over processes in rank order; backward sums over processes."""


class DistanceStatistics:
    """Smallest, mean and largest distance of a set of pairs, each computed when asked for.

    Made anew in each step and handed to a :data:`WeightFunction`. In a process group all
    processes must ask for the same ones.

    Args:
        minimum: Gives the smallest distance, scalar.
        mean: Gives the mean distance, scalar.
        maximum: Gives the largest distance, scalar.
    """

    def __init__(
        self,
        minimum: Callable[[], Tensor],
        mean: Callable[[], Tensor],
        maximum: Callable[[], Tensor],
    ) -> None:
        self._minimum, self._mean, self._maximum = minimum, mean, maximum

    @cached_property
    def minimum(self) -> Tensor:
        """Scalar."""
        return self._minimum()

    @cached_property
    def mean(self) -> Tensor:
        """Scalar."""
        return self._mean()

    @cached_property
    def maximum(self) -> Tensor:
        """Scalar."""
        return self._maximum()


WeightFunction = Callable[[Tensor, DistanceStatistics], Tensor]
"""Turns distances of any shape into weights, element by element."""


def linear_weighting(distance: Tensor, statistics: DistanceStatistics) -> Tensor:
    """Eq. 2 with the range of the mini-batch; a :data:`WeightFunction`."""
    return linear_weights(distance, statistics.minimum, statistics.maximum)


class PairWeights:
    """Weights of the positives, and of blocks of all pairs, without the matrix of all of them.

    Args:
        query_keypoints: ``[N, K, C]`` of this process.
        positive_keypoints: ``[N, K, C]`` of this process.
        metric: Keypoint distance.
        weight_fn: From distances to weights.
        negative_weight_fn: The same for negatives; ``weight_fn`` by default.
        positive_range: What positives are scaled by: ``'positives'``, the N W positive pairs (as
            released), or ``'all'``, all 2N W x 2N W pairs as for negatives (Eq. 2 to the letter).
        gather: Concatenates a tensor over processes; None without a process group.
        dtype: Of the weights.
    """

    def __init__(
        self,
        query_keypoints: Tensor,
        positive_keypoints: Tensor,
        metric: str = "mean_joint",
        weight_fn: WeightFunction = linear_weighting,
        negative_weight_fn: WeightFunction | None = None,
        positive_range: str = "positives",
        gather: Gather | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if positive_range not in RANGES:
            raise ValueError(f"positive_range must be one of {RANGES}, but got {positive_range!r}.")
        if query_keypoints is None or positive_keypoints is None:
            raise ValueError(
                "query_keypoints and positive_keypoints must be given to weight pairs, but got "
                "None. Pass them, or weighting='none'."
            )
        keypoints = torch.cat([query_keypoints, positive_keypoints]).detach().to(dtype)
        self._metric, self._gather = metric, gather
        self._weight_fn, self._negative_weight_fn = weight_fn, negative_weight_fn or weight_fn
        self._rows, self._columns = keypoints, gather_pairs(keypoints, gather)
        distances = keypoint_distance(*self._columns.chunk(2), metric)
        of_positives = DistanceStatistics(distances.min, distances.mean, distances.max)
        # A hand is at distance 0 from itself, and such pairs count here.
        self._of_all = DistanceStatistics(
            lambda: distances.new_zeros(()),
            self._mean_of_all,
            lambda: max_pairwise_keypoint_distance(self._columns, metric),
        )
        self.statistics = of_positives if positive_range == "positives" else self._of_all
        self.positive_distance = keypoint_distance(*keypoints.chunk(2), metric)

    def positive(self) -> Tensor:
        """Weights of the positive pairs of this process, ``[N]``."""
        return self._weight_fn(self.positive_distance, self.statistics)

    def negative(self, start: int, stop: int) -> Tensor:
        """Weights of some rows with all columns, ``[stop - start, M]``."""
        block = self._rows.new_empty(stop - start, len(self._columns))
        for part, weights in zip(
            self._columns.split(_COLUMN_TILE), block.split(_COLUMN_TILE, 1), strict=True
        ):
            distance = pairwise_keypoint_distance(self._rows[start:stop], part, self._metric)
            weights.copy_(self._negative_weight_fn(distance, self._of_all))
        return block

    def _mean_of_all(self) -> Tensor:
        sums = [
            pairwise_keypoint_distance(row, column, self._metric).sum()
            for row in self._rows.split(_COLUMN_TILE)
            for column in self._columns.split(_COLUMN_TILE)
        ]
        total = torch.stack(sums).sum()[None]
        total = total if self._gather is None else self._gather(total)
        return total.sum() / len(self._columns) ** 2


def gather_pairs(pairs: Tensor, gather: Gather | None) -> Tensor:
    """From queries and positives of this process to those of all, queries first.

    Args:
        pairs: ``[2N, ...]``, the queries, then the positives.
        gather: None leaves the pairs as they are.

    Returns:
        ``[M, ...]``.
    """
    if gather is None:
        return pairs
    interleaved = torch.stack(pairs.chunk(2), 1)  # [N, 2, ...], so that one call gathers both
    return torch.cat(gather(interleaved).unbind(1))
