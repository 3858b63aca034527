"""Weights of pairs of hands, from the distances of their poses (SiMHand, Eq. 2).

A :data:`WeightFunction` turns distances into weights. :class:`PairDistances` computes the distances
of all pairs of a batch, block by block.

Axes: N query/positive pairs of this process, M = 2 N W hands of W processes (all queries first,
then all positives), K keypoints, C coordinates.
"""

from collections.abc import Callable
from functools import cached_property
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from simhand_mm.functional.global_batch import GlobalBatch
from simhand_mm.functional.pose_distances import (
    keypoint_distance,
    max_pairwise_keypoint_distance,
    pairwise_keypoint_distance,
)

# Number of columns per distance computation. They should fit in the cache of a CPU; a GPU needs
# large tiles to hide the cost of kernel launches.
_COLUMN_TILE = {"cpu": 512, "cuda": 2048}


class DistanceStatistics:
    """Smallest, mean and largest distance of a set of pairs, each computed on first access.

    Built in each step and passed to a :data:`WeightFunction`. In a process group, all processes
    must access the same attributes.

    Args:
        minimum: Returns the smallest distance, a scalar.
        mean: Returns the mean distance, a scalar.
        maximum: Returns the largest distance, a scalar.
    """

    def __init__(
        self,
        minimum: Callable[[], Tensor],
        mean: Callable[[], Tensor],
        maximum: Callable[[], Tensor],
    ) -> None:
        self._minimum, self._mean, self._maximum = minimum, mean, maximum

    @classmethod
    def of(cls, distance: Tensor) -> "DistanceStatistics":
        """Build the statistics of a tensor of distances."""
        return cls(distance.min, distance.mean, distance.max)

    @cached_property
    def minimum(self) -> Tensor:
        """Smallest distance, a scalar."""
        return self._minimum()

    @cached_property
    def mean(self) -> Tensor:
        """Mean distance, a scalar."""
        return self._mean()

    @cached_property
    def maximum(self) -> Tensor:
        """Largest distance, a scalar."""
        return self._maximum()


WeightFunction = Callable[[Tensor, DistanceStatistics], Tensor]
"""Turns distances of any shape into weights, element by element."""


def linear_weights(distance: Tensor, statistics: DistanceStatistics) -> Tensor:
    r"""Scale distances linearly: the nearest pair gets 1, the farthest 0 (Eq. 2).

    :math:`w = (d_{max} - d) / (d_{max} - d_{min})`. If all distances are equal, all weights are 1
    (the released code gives NaN).

    Args:
        distance: Distances, any shape and unit.
        statistics: Statistics of the mini-batch; minimum and maximum are used.

    Returns:
        Weights of the same shape, in [0, 1] for distances within the range.
    """
    low, high = statistics.minimum.to(distance), statistics.maximum.to(distance)
    is_flat = high <= low
    scale = torch.where(is_flat, 0.0, 1.0 / (high - low))
    return torch.addcmul(is_flat.to(distance), high - distance, scale)


def sigmoid_weights(
    distance: Tensor, statistics: DistanceStatistics, steepness: float = 1.0
) -> Tensor:
    r"""Map distances through a sigmoid: :math:`w = 1 / (1 + \exp(\lambda (d - \bar d)))`.

    The non-linear variant of the released code (not in the paper). The released code tries a
    steepness of 5, 2.5 and 1 for positives, and of 0.05, 0.01 and 0.005 for negatives, with
    distances in px of 128 px crops.

    Args:
        distance: Distances, any shape and unit.
        statistics: Statistics of the mini-batch; the mean distance gets the weight 0.5.
        steepness: :math:`\lambda`, per unit of ``distance``.

    Returns:
        Weights of the same shape, in (0, 1).
    """
    return torch.sigmoid((statistics.mean - distance) * steepness)


def proportional_weights(distance: Tensor, statistics: DistanceStatistics) -> Tensor:
    r"""Weights proportional to the distance, :math:`d / \bar d`. Not in the paper.

    Intended for negatives, with weights that act on probabilities: similar hands are then hardly
    pushed apart.

    Args:
        distance: Distances, any shape and unit.
        statistics: Statistics of the mini-batch; the mean is used.

    Returns:
        Weights of the same shape, non-negative; ones if all distances are 0.
    """
    is_flat = statistics.mean <= 0
    return torch.where(is_flat, 1.0, distance / torch.where(is_flat, 1.0, statistics.mean))


class PairDistances:
    """Distances of the poses of a batch, computed in blocks instead of as one M x M matrix.

    Args:
        query_poses: ``[N, K, C]``, those of this process, any unit.
        positive_poses: ``[N, K, C]``, the positive of the query in the same row.
        metric: See :func:`~simhand_mm.functional.pose_distances.keypoint_distance`.
        batch: The batch of all processes (default: this process only).

    Attributes:
        positive: ``[N W]``, distances of all positive pairs, in rank order.
        of_positives: Statistics over the N W positive pairs.
        of_all: Statistics over all M x M pairs, including the M pairs of a hand with itself, whose
            distance is 0.
    """

    def __init__(
        self,
        query_poses: Tensor,
        positive_poses: Tensor,
        metric: str = "mean_joint",
        batch: GlobalBatch | None = None,
    ) -> None:
        self._metric, self.batch = metric, batch or GlobalBatch()
        poses = torch.cat([query_poses, positive_poses]).detach()
        self._rows = poses.float() if poses.dtype.itemsize < 4 else poses
        self._columns = self.batch.pairs(self._rows)
        self._tile = _COLUMN_TILE.get(poses.device.type, 2048)
        queries, positives = self._columns.chunk(2)
        self.positive = keypoint_distance(queries, positives, metric)
        self.of_positives = DistanceStatistics.of(self.positive)
        self.of_all = DistanceStatistics(
            lambda: self.positive.new_zeros(()),
            self._mean_of_all,
            lambda: max_pairwise_keypoint_distance(self._columns, metric, self._tile),
        )

    def own(self, of_positives: Tensor) -> Tensor:
        """Return the local part of values of all positive pairs: ``[N W]`` -> ``[N]``."""
        return of_positives.chunk(len(self._columns) // len(self._rows))[self.batch.rank]

    def block(self, rows: slice, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply a function to the distances of some rows from all columns.

        Args:
            rows: Which of the 2N rows of this process.
            function: Element-wise function, called on blocks of columns.

        Returns:
            ``[rows, M]``, what ``function`` returned.
        """
        poses = self._rows[rows]
        block = poses.new_empty(len(poses), len(self._columns))
        for columns, part in zip(
            self._columns.split(self._tile), block.split(self._tile, 1), strict=True
        ):
            part.copy_(function(pairwise_keypoint_distance(poses, columns, self._metric)))
        return block

    def check_finite(self) -> None:
        """Check that all poses of the global batch are finite.

        Raises:
            ValueError: If a pose has NaN or infinite keypoints. All processes raise it together.
        """
        count = int((~self._columns.isfinite()).flatten(1).any(1).sum())
        if count:
            raise ValueError(
                f"poses must be finite, but got {count} of {len(self._columns)} hands with NaN or "
                "infinite keypoints. Exclude such hands from the batch, as HandPairDataset does."
            )

    def _mean_of_all(self) -> Tensor:
        """Mean over M x M pairs; each process sums its share of the tiles of the upper triangle."""
        tiles = self._columns.split(self._tile)
        world_size = len(self._columns) // len(self._rows)
        pairs = list(combinations_with_replacement(range(len(tiles)), 2))
        total = self._columns.new_zeros(())
        for i, j in pairs[self.batch.rank :: world_size]:
            part = pairwise_keypoint_distance(tiles[i], tiles[j], self._metric).sum()
            total += part if i == j else 2 * part
        return self.batch.mean(total) * world_size / len(self._columns) ** 2
