"""Statistics of a set of embeddings: signs of collapse, and whether neighbours have similar poses.

Axes: N samples, D dimensions.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize


def mean_dimension_std(embedding: Tensor) -> Tensor:
    """Standard deviation of the unit rows, averaged over dimensions, times sqrt(D).

    About 1 if directions are spread evenly over the sphere, 0 if all samples collapsed to a point.

    Args:
        embedding: ``[N, D]``, N > 1.

    Returns:
        Scalar.
    """
    return normalize(embedding, dim=1).std(0).mean() * math.sqrt(embedding.shape[1])


def effective_rank(embedding: Tensor) -> Tensor:
    """Exponential of the entropy of the normalised singular values (Roy & Vetterli, 2007).

    From 1 (all samples on a line) to min(N - 1, D). Computed from the centred rows.

    Args:
        embedding: ``[N, D]``.

    Returns:
        Scalar; 0 if all rows are equal.
    """
    centered = embedding - embedding.mean(0)
    values = torch.linalg.eigvalsh(centered.T @ centered).clamp_min(0).sqrt()
    # Squaring leaves rounding noise in singular values that are zero.
    noise = values[-1] * math.sqrt(torch.finfo(values.dtype).eps * len(values))
    values = torch.where(values > noise, values, 0)
    share = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny)
    return torch.where(values[-1] > 0, torch.special.entr(share).sum().exp(), 0)


def alignment(query: Tensor, positive: Tensor) -> Tensor:
    """Mean squared distance of positives on the unit sphere (Wang & Isola, 2020); 0 is best.

    Args:
        query: ``[N, D]``.
        positive: ``[N, D]``.

    Returns:
        Scalar.
    """
    return (normalize(query, dim=1) - normalize(positive, dim=1)).square().sum(1).mean()


def uniformity(embedding: Tensor, t: float = 2.0) -> Tensor:
    r"""Logarithm of the mean of :math:`\exp(-t |x - y|^2)` over pairs (Wang & Isola, 2020).

    0 if all samples collapsed to a point; lower means more evenly spread.

    Args:
        embedding: ``[N, D]``, N > 1.
        t: Width of the kernel.

    Returns:
        Scalar.
    """
    count = len(embedding)
    unit = normalize(embedding, dim=1)
    exponent = (2 * t) * (unit @ unit.T - 1)  # -t |x - y|^2 on the sphere
    exponent.fill_diagonal_(-torch.inf)
    return exponent.flatten().logsumexp(0) - math.log(count * (count - 1))


def nearest_of_other_group(embedding: Tensor, group: Tensor) -> Tensor:
    """For each row, find the row of another group with the largest cosine similarity.

    Computes the whole N x N matrix, which is fine for monitoring some thousand samples. Mining
    uses :mod:`simhand_mm.functional.neighbors` instead.

    Args:
        embedding: ``[N, D]``.
        group: ``[N]`` int, e.g. the video; at least two groups.

    Returns:
        ``[N]`` int64 row numbers.
    """
    unit = normalize(embedding, dim=1)
    similarity = unit @ unit.T
    return similarity.masked_fill_(group[:, None] == group, -torch.inf).argmax(1)


def retrieval_score(distance: Tensor, neighbor: Tensor, group: Tensor) -> dict[str, Tensor]:
    """Rate retrieved samples on a scale from random (0) to the nearest possible (1).

    Args:
        distance: ``[N, N]`` true distances between samples, any unit.
        neighbor: ``[N]`` row retrieved for each sample, from another group.
        group: ``[N]`` int.

    Returns:
        ``retrieved``, ``random`` and ``nearest``: mean distance of the retrieved, of all and of
        the nearest samples of other groups, in the unit of ``distance``. ``score``: 0 if
        ``retrieved`` equals ``random``, 1 if it equals ``nearest``.
    """
    is_other = group[:, None] != group
    retrieved = distance.gather(1, neighbor[:, None]).mean()
    random = distance[is_other].mean()
    nearest = distance.masked_fill(~is_other, torch.inf).amin(1).mean()
    tiny = torch.finfo(distance.dtype).tiny
    score = (random - retrieved) / (random - nearest).clamp_min(tiny)
    return {"retrieved": retrieved, "random": random, "nearest": nearest, "score": score}
