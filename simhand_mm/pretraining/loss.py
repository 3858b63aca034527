"""The contrastive losses as registered modules.

The steps are: distances of poses -> weights or targets of pairs -> contrast -> mean over the global
batch. Each step is an object of :mod:`simhand_mm.functional` that is passed to the next.
"""

from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import torch
from mmengine.dist import get_dist_info
from mmengine.registry import FUNCTIONS
from torch import Tensor, nn

from simhand_mm.functional.contrastive import Contrast, contrast_pairs
from simhand_mm.functional.contrasts import SoftTargets, WeightedNTXent, check_soft_targets
from simhand_mm.functional.global_batch import GlobalBatch
from simhand_mm.functional.pair_weights import (
    PairDistances,
    WeightFunction,
    linear_weights,
    proportional_weights,
    sigmoid_weights,
)
from simhand_mm.functional.pose_distances import METRICS, normalize_poses
from simhand_mm.pretraining.distributed import gather_with_gradient
from simhand_mm.registry import MODELS

WEIGHT_FUNCTIONS = {
    "linear": linear_weights,
    "sigmoid": sigmoid_weights,
    "proportional": proportional_weights,
}
# The poses that can be compared, from the fields that HandPairPreprocessor records.
POSES = {
    "augmented": lambda samples: samples["keypoints_2d"],
    "normalized": lambda samples: normalize_poses(samples["crop_keypoints_2d"]),
    "embedding": lambda samples: samples["pose_embedding"][:, None],
}


class PairLoss(nn.Module, ABC):
    """Base of losses that contrast the pairs of a batch.

    Args:
        temperature: Divides the similarities.
        poses: The poses that are compared: ``'augmented'`` for keypoints in the augmented image
            (px of the input); ``'normalized'`` for keypoints of the crop before augmentation,
            centred and scaled; ``'embedding'`` for the embedding that mining uses (set
            ``embedding=True`` in HandPairDataset).
        metric: ``'mean_joint'`` or ``'l2'``, see
            :func:`~simhand_mm.functional.pose_distances.keypoint_distance`.
        gather: Whether the loss covers the batch of all processes. If False, each process has its
            own loss, as in the released code.

    Raises:
        ValueError: If ``poses`` or ``metric`` is unknown.
    """

    def __init__(
        self,
        temperature: float = 0.5,
        poses: str = "augmented",
        metric: str = "mean_joint",
        gather: bool = True,
    ) -> None:
        super().__init__()
        for name, value, choices in (("poses", poses, tuple(POSES)), ("metric", metric, METRICS)):
            if value not in choices:
                raise ValueError(f"{name} must be one of {choices}, but got {value!r}.")
        self.temperature, self.poses, self.metric, self.gather = temperature, poses, metric, gather

    def forward(
        self, query: Tensor, positive: Tensor, samples: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Compute the loss of the global batch from the pairs of this process.

        Args:
            query: ``[N, D]`` projections.
            positive: ``[N, D]``, the positive of the query in the same row.
            samples: The fields that HandPairPreprocessor records, ``[2N, ...]`` each.

        Returns:
            ``loss`` and scalars to log, equal on all processes if ``gather`` is set.
        """
        rank, world_size = get_dist_info()
        shared = self.gather and world_size > 1
        batch = GlobalBatch(gather_with_gradient, rank) if shared else GlobalBatch()
        with torch.autocast(query.device.type, enabled=False):
            query_poses, positive_poses = POSES[self.poses](samples).chunk(2)
            distances = PairDistances(query_poses, positive_poses, self.metric, batch)
            contrast = self.contrast(distances)
            loss = contrast_pairs(query, positive, contrast, self.temperature, batch)
            return {"loss": loss, **contrast.log()}

    @abstractmethod
    def contrast(self, distances: PairDistances) -> Contrast:
        """Build the contrast of a batch from the distances of its poses."""


@MODELS.register_module()
class SimilarHandLoss(PairLoss):
    """NT-Xent with adaptive pair weights (Eq. 2 and 3). Without weights: the loss of SimCLR, PeCLR.

    See :class:`simhand_mm.functional.contrasts.WeightedNTXent` for the equations.

    Args:
        w_pos: Weight function of positives: ``dict(type='linear')`` (Eq. 2),
            ``dict(type='sigmoid', steepness=...)``, ``dict(type='proportional')``, or a custom
            function as ``dict(type='package.module.function', ...)``, which is called with the
            distances, their DistanceStatistics and the other entries of the dict. None for no
            weights.
        w_neg: Weight function of negatives, likewise.
        positive_range: ``'positives'`` or ``'all'``.
        denominator: ``'w_neg'``, ``'w_pos'`` or ``'decoupled'``.
        act_on: ``'similarity'`` (Eq. 3) or ``'probability'``.
        **options: Arguments of :class:`PairLoss`.

    Raises:
        ValueError: If an option or a weight function is unknown.

    Example:
        >>> loss = SimilarHandLoss(w_pos=dict(type="linear"), w_neg=dict(type="linear"))
        >>> samples = {"keypoints_2d": torch.rand(16, 21, 2)}  # 8 queries, then 8 positives
        >>> out = loss(torch.randn(8, 128), torch.randn(8, 128), samples)
        >>> sorted(out)
        ['loss', 'positive_distance', 'positive_weight']
    """

    def __init__(
        self,
        w_pos: dict[str, Any] | None = None,
        w_neg: dict[str, Any] | None = None,
        positive_range: str = "positives",
        denominator: str = "w_neg",
        act_on: str = "similarity",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.w_pos = _build_weight_function("w_pos", w_pos)
        self.w_neg = _build_weight_function("w_neg", w_neg)
        self._nt_xent = partial(
            WeightedNTXent, positive_range=positive_range, denominator=denominator, act_on=act_on
        )
        self._nt_xent()  # refuses an unknown option before the first step

    def contrast(self, distances: PairDistances) -> WeightedNTXent:
        """See :class:`PairLoss`."""
        return self._nt_xent(distances, self.w_pos, self.w_neg)


@MODELS.register_module()
class PoseAwareLoss(PairLoss):
    """Cross-entropy against soft targets from the distances of all poses. Not in the paper.

    By default, poses before augmentation are compared, because the head maps the projections back
    to that frame. See :class:`simhand_mm.functional.contrasts.SoftTargets` for the equations.

    Args:
        sigma: Width of the kernel, as a fraction of the mean distance of the batch.
        alpha: Weight of the soft targets; the positive gets the rest.
        poses: As in :class:`PairLoss`.
        **options: Other arguments of :class:`PairLoss`.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> loss = PoseAwareLoss(sigma=0.1, alpha=0.5)
        >>> samples = {"crop_keypoints_2d": torch.rand(16, 21, 2)}  # 8 queries, then 8 positives
        >>> out = loss(torch.randn(8, 128), torch.randn(8, 128), samples)
        >>> sorted(out)
        ['loss', 'positive_distance', 'positive_target']
    """

    def __init__(
        self, sigma: float = 0.1, alpha: float = 0.5, poses: str = "normalized", **options: Any
    ) -> None:
        super().__init__(poses=poses, **options)
        check_soft_targets(sigma, alpha)
        self.sigma, self.alpha = sigma, alpha

    def contrast(self, distances: PairDistances) -> SoftTargets:
        """See :class:`PairLoss`."""
        return SoftTargets(distances, self.sigma, self.alpha)


def _build_weight_function(key: str, config: dict[str, Any] | None) -> WeightFunction | None:
    if config is None:
        return None
    options = dict(config)
    name = options.pop("type", None)
    function = name
    if isinstance(name, str):
        function = WEIGHT_FUNCTIONS.get(name) or FUNCTIONS.get(name)
    if not callable(function):
        raise ValueError(
            f"{key} must have as type one of {sorted(WEIGHT_FUNCTIONS)} or the dotted path of "
            f"a function, but got {config}."
        )
    weigh: Any = function
    return partial(weigh, **options) if options else weigh
