"""Contrasts: the loss of rows, given their similarities with all columns (SiMHand, Sec. 3.3).

A contrast is built for each batch from the distances of its poses, and evaluated by
:func:`simhand_mm.functional.contrastive.contrast_pairs`.

Axes: b rows of this process, M columns of all processes.
"""

import torch
from torch import Tensor

from simhand_mm.functional.pair_weights import PairDistances, WeightFunction

DENOMINATORS = ("w_neg", "w_pos", "decoupled")
RANGES = ("positives", "all")
ACT_ON = ("similarity", "probability")


class WeightedNTXent:
    r"""NT-Xent with pairs weighted by the distance of their poses (Eq. 2 and 3).

    The loss of a row is :math:`-\log(\exp l_{ii^+} / \sum_{k \ne i} \exp l_{ik})`. A weight acts on
    the *similarity*, :math:`l = w s / \tau`, as in Eq. 3, or on the *probability*,
    :math:`l = s / \tau + \log w`, which makes the sum :math:`\sum_k w_{ik} \exp(s_{ik} / \tau)`
    (not in the paper).

    Args:
        distances: Distances of the poses of the batch. Required if pairs are weighted.
        w_pos: Weight function of positives; None for weights of 1.
        w_neg: Weight function of negatives; None for weights of 1.
        positive_range: The pairs over which ``w_pos`` takes its statistics: ``'positives'`` for
            the positive pairs (as in the released code), ``'all'`` for all pairs, as for
            negatives (Eq. 2 to the letter).
        denominator: How the positive enters the sum: ``'w_neg'`` with its negative weight (as in
            the released code), ``'w_pos'`` with its positive weight (a proper softmax),
            ``'decoupled'`` not at all. The paper does not specify this.
        act_on: ``'similarity'`` or ``'probability'``, see above.

    Raises:
        ValueError: If an option is unknown, or weights are requested without ``distances``.

    Example:
        >>> from simhand_mm.functional.contrastive import contrast_pairs
        >>> from simhand_mm.functional.pair_weights import linear_weights
        >>> query, positive, query_poses = torch.eye(4), torch.eye(4), torch.rand(4, 21, 2)
        >>> distances = PairDistances(query_poses, query_poses + 0.1)
        >>> contrast = WeightedNTXent(distances, w_pos=linear_weights, w_neg=linear_weights)
        >>> loss = contrast_pairs(query, positive, contrast, temperature=0.5)
        >>> loss.shape
        torch.Size([])
    """

    def __init__(
        self,
        distances: PairDistances | None = None,
        w_pos: WeightFunction | None = None,
        w_neg: WeightFunction | None = None,
        positive_range: str = "positives",
        denominator: str = "w_neg",
        act_on: str = "similarity",
    ) -> None:
        _check_choice("positive_range", positive_range, RANGES)
        _check_choice("denominator", denominator, DENOMINATORS)
        _check_choice("act_on", act_on, ACT_ON)
        if distances is None and (w_pos or w_neg):
            raise ValueError(
                "distances must be given if w_pos or w_neg is, but got None. Pass PairDistances, "
                "or set w_pos and w_neg to None."
            )
        self._distances, self._w_neg = distances, w_neg
        self._denominator, self._on_probability = denominator, act_on == "probability"
        self._all_positive_weights = self._positive_weight = None
        if w_pos is not None and distances is not None:
            is_narrow = positive_range == "positives"
            statistics = distances.of_positives if is_narrow else distances.of_all
            self._all_positive_weights = w_pos(distances.positive, statistics)
            self._positive_weight = distances.own(self._all_positive_weights).repeat(2)

    def __call__(self, similarity: Tensor, rows: slice, index: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`Contrast`."""
        _check_negatives(similarity.shape[1] // 2, self._denominator)
        row = torch.arange(len(similarity), device=similarity.device)
        own, partner = index
        positive_slope = 1.0 if self._positive_weight is None else self._positive_weight[rows]
        numerator, positive_slope = self._weighted(similarity[row, partner], positive_slope)
        logits, slope = self._weighted(similarity, self._negative_weight(rows))
        logits[row, own] = -torch.inf
        if self._denominator == "w_pos":
            logits[row, partner] = numerator
        elif self._denominator == "decoupled":
            logits[row, partner] = -torch.inf
        log_sum = logits.logsumexp(1)
        gradient = logits.sub_(log_sum[:, None]).exp_()
        probability = gradient[row, partner]
        if isinstance(slope, Tensor):
            gradient.mul_(slope)
        if self._denominator == "w_pos":
            gradient[row, partner] = probability * positive_slope
        gradient[row, partner] -= positive_slope
        return log_sum - numerator, gradient

    def log(self) -> dict[str, Tensor]:
        """Return the mean distance of the positives and, if weighted, their mean weight."""
        values = {}
        if self._distances is not None:
            values["positive_distance"] = self._distances.positive.mean()
        if self._all_positive_weights is not None:
            values["positive_weight"] = self._all_positive_weights.mean()
        return values

    def _negative_weight(self, rows: slice) -> Tensor | float:
        w_neg, distances = self._w_neg, self._distances
        if w_neg is None or distances is None:
            return 1.0
        return distances.block(rows, lambda distance: w_neg(distance, distances.of_all))

    def _weighted(
        self, similarity: Tensor, weight: Tensor | float
    ) -> tuple[Tensor, Tensor | float]:
        """Return weighted similarities (in place) and their derivative by the similarities."""
        if not isinstance(weight, Tensor):
            return similarity, 1.0
        weight = weight.to(similarity)
        if self._on_probability:
            # A weight of 0 removes a pair. The clamp keeps a row finite if all its weights are 0.
            return similarity.add_(weight.clamp_min(torch.finfo(weight.dtype).tiny).log()), 1.0
        return similarity.mul_(weight), weight


class SoftTargets:
    r"""Cross-entropy against soft targets computed from the distances of all pairs of poses.

    Not in the paper. The target probability of row k for row i is :math:`\alpha p_{ik} +
    (1 - \alpha) [k = i^+]`, where :math:`p_{ik} \propto \exp(-d_{ik} / (\sigma \bar d))` over all
    other rows of the batch, :math:`d` is the distance of poses and :math:`\bar d` its mean over
    the batch. The predicted probability is the softmax of :math:`s_{ik} / \tau` over the same rows.

    Args:
        distances: Distances of the poses of the batch. The poses must be finite.
        sigma: Width of the kernel, as a fraction of the mean distance.
        alpha: Weight of the soft targets; the positive gets the rest. 0 is NT-Xent.

    Raises:
        ValueError: If ``sigma`` or ``alpha`` is out of range, or a pose is not finite.

    Example:
        >>> from simhand_mm.functional.contrastive import contrast_pairs
        >>> query, positive, query_poses = torch.eye(4), torch.eye(4), torch.rand(4, 21, 2)
        >>> distances = PairDistances(query_poses, query_poses + 0.1)
        >>> contrast = SoftTargets(distances, sigma=0.1, alpha=0.5)
        >>> loss = contrast_pairs(query, positive, contrast, temperature=0.5)
        >>> sorted(contrast.log())
        ['positive_distance', 'positive_target']
    """

    def __init__(self, distances: PairDistances, sigma: float = 0.1, alpha: float = 0.5) -> None:
        check_soft_targets(sigma, alpha)
        distances.check_finite()
        self._distances, self._alpha = distances, alpha
        mean = distances.of_all.mean
        # If all poses are equal, all rows get the same target.
        self._scale = torch.where(mean > 0, -1 / (sigma * mean), 0.0)
        self._on_positive = mean.new_zeros(())
        self._num_rows = 0

    def __call__(self, similarity: Tensor, rows: slice, index: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`Contrast`."""
        row = torch.arange(len(similarity), device=similarity.device)
        own, partner = index
        target = self._distances.block(rows, lambda distance: distance.mul_(self._scale))
        target = target.to(similarity)
        target[row, own] = -torch.inf
        target = target.sub_(target.logsumexp(1, keepdim=True)).exp_().mul_(self._alpha)
        target[row, partner] += 1 - self._alpha
        self._on_positive += target[row, partner].sum()
        self._num_rows += len(row)
        similarity[row, own] = -torch.inf
        log_sum = similarity.logsumexp(1)
        similarity[row, own] = 0.0  # its target is 0
        losses = log_sum - torch.linalg.vecdot(target, similarity)
        gradient = similarity.sub_(log_sum[:, None]).exp_().sub_(target)
        gradient[row, own] = 0.0
        return losses, gradient

    def log(self) -> dict[str, Tensor]:
        """Return the mean distance of the positives and their mean target probability."""
        mean_target = self._on_positive / self._num_rows
        return {
            "positive_distance": self._distances.positive.mean(),
            "positive_target": self._distances.batch.mean(mean_target),
        }


def check_soft_targets(sigma: float, alpha: float) -> None:
    """Check the options of :class:`SoftTargets`.

    Raises:
        ValueError: If one is out of range.
    """
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, but got {sigma}.")
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be between 0 and 1, but got {alpha}.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, but got {value!r}.")


def _check_negatives(count: int, denominator: str) -> None:
    if denominator == "decoupled" and count < 2:
        raise ValueError(
            "query must have at least 2 pairs if the denominator is 'decoupled', but got 1, which "
            "has no negatives. Enlarge the batch."
        )
