"""A weight function: another definition of how similar two hands are."""

from mmengine.registry import FUNCTIONS
from torch import Tensor

from simhand_mm.functional.pair_weights import DistanceStatistics


@FUNCTIONS.register_module()
def gaussian_weighting(
    distance: Tensor, statistics: DistanceStatistics, width: float = 1.0
) -> Tensor:
    r"""Compute Gaussian weights :math:`\exp(-(d / (\sigma \bar d))^2)`.

    Linear weights (Eq. 2) are scaled by the largest distance of the batch, so a single outlier
    changes all of them. The mean distance is more robust.

    Args:
        distance: Keypoint distances in px, any shape.
        statistics: Statistics of the mini-batch; the mean distance is used as the unit.
        width: :math:`\sigma`, a fraction of the mean distance.

    Returns:
        Weights of the same shape, in [0, 1].
    """
    return (-((distance / (width * statistics.mean)) ** 2)).exp()
