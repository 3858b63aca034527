"""A weight function: one is enough to try another idea of what similar hands are."""

from mmengine.registry import FUNCTIONS
from torch import Tensor

from simhand_mm.functional.pair_weights import DistanceStatistics


@FUNCTIONS.register_module()
def gaussian_weighting(
    distance: Tensor, statistics: DistanceStatistics, width: float = 1.0
) -> Tensor:
    r"""Weights :math:`\exp(-(d / (\sigma \bar d))^2)`: near pairs count, far ones hardly differ.

    Linear weights (Eq. 2) take the largest distance of the batch for their scale, so a single odd
    hand changes all of them; the mean hardly moves.

    Args:
        distance: Keypoint distances in px, any shape.
        statistics: Of the mini-batch; its mean distance is the unit here.
        width: :math:`\sigma`, a fraction of the mean distance.

    Returns:
        Weights of the same shape, in [0, 1].
    """
    return (-((distance / (width * statistics.mean)) ** 2)).exp()
