"""NT-Xent with weighted pairs (SiMHand, Eq. 3): a dense reference and a memory-bounded form.

Axes: N query/positive pairs of this process, R = 2N rows, M = 2 N W columns gathered from W
processes, D dimensions. Rows and columns are ordered all queries first, then all positives.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize

from simhand_mm.functional.pair_weights import (
    Gather,
    PairWeights,
    WeightFunction,
    gather_pairs,
    linear_weighting,
)

WEIGHTINGS = ("none", "positive", "negative", "both")
DENOMINATORS = ("w_neg", "w_pos", "decoupled")

# Elements of one block of the similarity matrix: 4 MB of float32 stay in the cache of a CPU,
# 256 MB keep a GPU busy.
_BLOCK_ELEMENTS = {"cpu": 1 << 20, "cuda": 1 << 26}


def nt_xent(
    query: Tensor,
    positive: Tensor,
    temperature: float = 0.5,
    positive_weight: Tensor | None = None,
    negative_weight: Tensor | None = None,
    denominator: str = "w_neg",
) -> Tensor:
    r"""Weighted NT-Xent, written out densely: the reference of :func:`similar_hand_loss`.

    The mean over the 2N rows of
    :math:`-\log(\exp(w^+ s_{ii^+}/\tau) / \sum_{k \ne i} \exp(w^-_{ik} s_{ik}/\tau))` with cosine
    similarities :math:`s` (Eq. 3). The sum runs over the positive too, with its
    :math:`w^-`, as in the released code; the paper's text leaves this open.

    Args:
        query: ``[N, D]``, need not be normalised.
        positive: ``[N, D]``, the positive of the query in the same row.
        temperature: Divides the similarities.
        positive_weight: ``[N]``; ones by default.
        negative_weight: ``[2N, 2N]``; ones by default.
        denominator: How the positive enters the sum: ``'w_neg'`` with its negative weight,
            ``'w_pos'`` with its positive weight (a proper softmax), ``'decoupled'`` not at all.

    Returns:
        Scalar.
    """
    _check_choice("denominator", denominator, DENOMINATORS)
    _check_pairs(query, positive, denominator)
    count = len(query)
    embedding = normalize(torch.cat([query, positive]), dim=1)
    similarity = embedding @ embedding.T / temperature  # [2N, 2N]
    row = torch.arange(2 * count, device=query.device)
    partner = (row + count) % (2 * count)
    numerator = similarity[row, partner]
    if positive_weight is not None:
        numerator = numerator * positive_weight.repeat(2)
    logits = similarity if negative_weight is None else similarity * negative_weight
    if denominator == "w_pos":
        logits = logits.index_put((row, partner), numerator)
    left_out = torch.eye(2 * count, dtype=torch.bool, device=query.device)
    if denominator == "decoupled":
        left_out = left_out.index_put((row, partner), torch.ones_like(row, dtype=torch.bool))
    return (logits.masked_fill(left_out, -torch.inf).logsumexp(1) - numerator).mean()


def similar_hand_loss(
    query: Tensor,
    positive: Tensor,
    query_keypoints: Tensor | None = None,
    positive_keypoints: Tensor | None = None,
    temperature: float = 0.5,
    weighting: str = "both",
    *,
    metric: str = "mean_joint",
    weight_fn: WeightFunction = linear_weighting,
    negative_weight_fn: WeightFunction | None = None,
    positive_range: str = "positives",
    denominator: str = "w_neg",
    gather: Gather | None = None,
    rank: int = 0,
) -> Tensor:
    r"""Adaptive-weight contrastive loss of SiMHand (Eq. 2 and 3) over the global batch.

    Value and gradient are those of :func:`nt_xent` with weights from keypoint distances, but rows
    are worked through in blocks: memory is O(block x 2N), never 2N x 2N x 21, and nothing but
    the two gradients is kept for the backward pass. Weights carry no gradient. Half-precision
    inputs are computed in float32, also under autocast.

    In a process group every process passes its own N pairs and gets the loss of all pairs as
    value. Its graph holds its own rows against all columns, so that gradients averaged over
    processes (as DDP does) are those of the global batch.

    Args:
        query: ``[N, D]`` projections, need not be normalised.
        positive: ``[N, D]``, the positive of the query in the same row.
        query_keypoints: ``[N, K, C]``, px of the augmented image; needed for weights.
        positive_keypoints: ``[N, K, C]``.
        temperature: Divides the similarities.
        weighting: Which pairs are weighted: ``'both'``, ``'positive'``, ``'negative'``,
            ``'none'``.
        metric: Keypoint distance, see :func:`~simhand_mm.functional.weights.keypoint_distance`.
        weight_fn: From distances to weights.
        negative_weight_fn: The same for negatives, where it differs.
        positive_range: Range over which positives are scaled: ``'positives'``, the N positive
            pairs (as released), or ``'all'``, all 2N x 2N pairs as for negatives (Eq. 2 to the
            letter).
        denominator: As in :func:`nt_xent`.
        gather: Concatenates a tensor ``[N, ...]`` over the processes in rank order, with a
            backward pass that sums over processes. None without a process group.
        rank: Position of this process among them.

    Returns:
        Scalar.
    """
    _check_choice("weighting", weighting, WEIGHTINGS)
    _check_choice("denominator", denominator, DENOMINATORS)
    _check_pairs(query, positive, "w_neg" if gather else denominator)
    with torch.autocast(query.device.type, enabled=False):
        rows = normalize(torch.cat([_wide(query), _wide(positive)]), dim=1)
        columns = gather_pairs(rows, gather)
        offset = rank * len(query)
        positive_weight = negative_weight = None
        if weighting != "none":
            weights = PairWeights(
                query_keypoints, positive_keypoints, metric, weight_fn, negative_weight_fn,
                positive_range, gather, rows.dtype,
            )  # fmt: skip
            if weighting != "negative":
                positive_weight = weights.positive()
            if weighting != "positive":
                negative_weight = weights.negative
        index = _column_of_row(len(query), len(columns) // 2, offset, query.device)
        loss = _RowBlocks.apply(
            rows, columns, index, positive_weight, negative_weight, temperature, denominator
        )
        if gather is not None:
            # The value is the global one on every process, the gradient stays that of own rows.
            loss = loss + (gather(loss.detach()[None]).mean() - loss.detach())
        return loss


class _RowBlocks(torch.autograd.Function):
    """The loss of :func:`nt_xent` for some rows; the gradient is made along with the value."""

    @staticmethod
    def forward(
        ctx,
        rows: Tensor,
        columns: Tensor,
        index: Tensor,
        positive_weight: Tensor | None,
        negative_weight: Callable[[int, int], Tensor] | None,
        temperature: float,
        denominator: str,
    ) -> Tensor:
        count = len(rows)
        numerator_weight = (
            rows.new_ones(count) if positive_weight is None else positive_weight.repeat(2)
        )
        wants_gradient = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        row_gradient, column_gradient = torch.zeros_like(rows), torch.zeros_like(columns)
        loss = rows.new_zeros(())
        size = max(_BLOCK_ELEMENTS.get(rows.device.type, 1 << 26) // len(columns), 1)
        for start in range(0, count, size):
            stop = min(start + size, count)
            block = rows[start:stop]
            value, gradient = _block_loss(
                (block / temperature) @ columns.T,
                index[:, start:stop],
                numerator_weight[start:stop],
                None if negative_weight is None else negative_weight(start, stop),
                denominator,
            )
            loss += value
            if wants_gradient:
                torch.mm(gradient, columns, out=row_gradient[start:stop])
                column_gradient.addmm_(gradient.T, block)
        scale = 1 / (temperature * count)
        ctx.save_for_backward(row_gradient.mul_(scale), column_gradient.mul_(scale))
        return loss / count

    @staticmethod
    def backward(ctx, grad_output: Tensor) -> tuple:
        row_gradient, column_gradient = ctx.saved_tensors
        return row_gradient * grad_output, column_gradient * grad_output, *[None] * 5


def _block_loss(
    similarity: Tensor,
    index: Tensor,
    numerator_weight: Tensor,
    negative_weight: Tensor | None,
    denominator: str,
) -> tuple[Tensor, Tensor]:
    """Sum of the loss over some rows, and its gradient to their similarities over temperature.

    ``similarity`` is overwritten. ``index`` holds the columns of the row itself and of its
    positive.
    """
    row = torch.arange(len(similarity), device=similarity.device)
    own, partner = index
    numerator = similarity[row, partner] * numerator_weight
    logits = similarity if negative_weight is None else similarity.mul_(negative_weight)
    logits[row, own] = -torch.inf
    if denominator == "w_pos":
        logits[row, partner] = numerator
    elif denominator == "decoupled":
        logits[row, partner] = -torch.inf
    log_sum = logits.logsumexp(1)
    gradient = logits.sub_(log_sum[:, None]).exp_()
    probability = gradient[row, partner]
    if negative_weight is not None:
        gradient.mul_(negative_weight)
    if denominator == "w_pos":
        gradient[row, partner] = probability * numerator_weight
    gradient[row, partner] -= numerator_weight
    return (log_sum - numerator).sum(), gradient


def _column_of_row(count: int, total: int, offset: int, device: torch.device) -> Tensor:
    """``[2, 2 count]``: for each local row the columns of itself and of its positive."""
    query = torch.arange(offset, offset + count, device=device)
    return torch.stack([torch.cat([query, query + total]), torch.cat([query + total, query])])


def _wide(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, but got {value!r}.")


def _check_pairs(query: Tensor, positive: Tensor, denominator: str) -> None:
    if query.ndim != 2 or query.shape != positive.shape or not len(query):
        raise ValueError(
            f"query and positive must both be [N, D] with N > 0, but got {tuple(query.shape)} and "
            f"{tuple(positive.shape)}."
        )
    if denominator == "decoupled" and len(query) < 2:
        raise ValueError(
            "query must hold at least 2 pairs where the denominator is 'decoupled', but got 1: "
            "it has no negatives. Enlarge the batch."
        )
