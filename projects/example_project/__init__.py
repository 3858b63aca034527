"""Example project: weights, a loss and a rule for positives that are not in the paper."""

from .loss import AlignmentUniformityLoss
from .weighting import gaussian_weighting

__all__ = ["AlignmentUniformityLoss", "gaussian_weighting"]
