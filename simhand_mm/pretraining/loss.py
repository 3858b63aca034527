"""The contrastive loss as a registered module."""

from functools import partial
from typing import Any

import torch
from mmengine.dist import get_dist_info
from mmengine.registry import FUNCTIONS
from torch import Tensor, nn

from simhand_mm.functional.contrastive import similar_hand_loss
from simhand_mm.functional.pair_weights import (
    DistanceStatistics,
    PairWeights,
    WeightFunction,
    linear_weighting,
)
from simhand_mm.functional.weights import sigmoid_weights
from simhand_mm.pretraining.distributed import gather_with_gradient
from simhand_mm.registry import MODELS


def sigmoid_weighting(
    distance: Tensor, statistics: DistanceStatistics, steepness: float = 1.0
) -> Tensor:
    """Sigmoid about the mean distance of the mini-batch, the released code's other choice."""
    return sigmoid_weights(distance, steepness, statistics.mean)


WEIGHT_FUNCTIONS = {"linear": linear_weighting, "sigmoid": sigmoid_weighting}


@MODELS.register_module()
class SimilarHandLoss(nn.Module):
    """NT-Xent with adaptive pair weights; SimCLR's and PeCLR's loss with ``weighting='none'``.

    See :func:`simhand_mm.functional.contrastive.similar_hand_loss` for the maths.

    Args:
        temperature: Divides the similarities.
        weighting: ``'none'``, ``'positive'``, ``'negative'`` or ``'both'``.
        weight_fn: How distances become weights: ``dict(type='linear')`` (Eq. 2),
            ``dict(type='sigmoid', steepness=...)``, or a function of your own as
            ``dict(type='package.module.function', ...)``, called with distances, their
            DistanceStatistics and the other entries of the dict.
        negative_weight_fn: The same for negatives; ``weight_fn`` by default.
        metric: ``'mean_joint'`` or ``'l2'``.
        positive_range: ``'positives'`` or ``'all'``.
        denominator: ``'w_neg'``, ``'w_pos'`` or ``'decoupled'``.
        gather: Whether the loss runs over the batch of all processes; False is one loss a
            process, as released.
    """

    def __init__(
        self,
        temperature: float = 0.5,
        weighting: str = "none",
        weight_fn: dict[str, Any] | None = None,
        negative_weight_fn: dict[str, Any] | None = None,
        metric: str = "mean_joint",
        positive_range: str = "positives",
        denominator: str = "w_neg",
        gather: bool = True,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.weighting = weighting
        self.weight_fn = _build_weight_function(weight_fn or {"type": "linear"})
        self.negative_weight_fn = _build_weight_function(
            negative_weight_fn or weight_fn or {"type": "linear"}
        )
        self.metric = metric
        self.positive_range = positive_range
        self.denominator = denominator
        self.gather = gather

    def forward(
        self, query: Tensor, positive: Tensor, query_keypoints: Tensor, positive_keypoints: Tensor
    ) -> Tensor:
        """Loss of this process's pairs within the global batch.

        Args:
            query: ``[N, D]`` projections.
            positive: ``[N, D]``.
            query_keypoints: ``[N, 21, 2]`` px of the augmented image.
            positive_keypoints: ``[N, 21, 2]``.

        Returns:
            Scalar.
        """
        rank, world_size = get_dist_info()
        use_group = self.gather and world_size > 1
        return similar_hand_loss(
            query,
            positive,
            query_keypoints,
            positive_keypoints,
            self.temperature,
            self.weighting,
            metric=self.metric,
            weight_fn=self.weight_fn,
            negative_weight_fn=self.negative_weight_fn,
            positive_range=self.positive_range,
            denominator=self.denominator,
            gather=gather_with_gradient if use_group else None,
            rank=rank if use_group else 0,
        )

    @torch.no_grad()
    def weight_statistics(
        self, query_keypoints: Tensor, positive_keypoints: Tensor
    ) -> dict[str, Tensor]:
        """What to log of the weights: the positives' mean distance and, if weighted, mean weight.

        Args:
            query_keypoints: ``[N, 21, 2]`` px of the augmented image.
            positive_keypoints: ``[N, 21, 2]``.

        Returns:
            Scalars, of this process's pairs.
        """
        weights = PairWeights(
            query_keypoints,
            positive_keypoints,
            self.metric,
            self.weight_fn,
            self.negative_weight_fn,
            self.positive_range,
        )
        statistics = {"positive_distance": weights.positive_distance.mean()}
        if self.weighting in ("positive", "both"):
            statistics["positive_weight"] = weights.positive().mean()
        return statistics


def _build_weight_function(config: dict[str, Any]) -> WeightFunction:
    options = dict(config)
    name = options.pop("type", None)
    function = name
    if isinstance(name, str):
        function = WEIGHT_FUNCTIONS.get(name) or FUNCTIONS.get(name)
    if not callable(function):
        raise ValueError(
            f"weight_fn must have a type out of {sorted(WEIGHT_FUNCTIONS)} or the dotted path of "
            f"a function, but got {config}."
        )
    return partial(function, **options) if options else function
