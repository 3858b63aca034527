"""What a set of embeddings looks like: signs of collapse, and how well neighbours share a pose.

Axes: N samples, D dimensions.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize


def mean_dimension_std(embedding: Tensor) -> Tensor:
    """Standard deviation of the unit rows, averaged over dimensions, times sqrt(D).

    About 1 for directions spread evenly over the sphere, 0 where all samples fell together.

    Args:
        embedding: ``[N, D]``, N > 1.

    Returns:
        Scalar.
    """
    return normalize(embedding, dim=1).std(0).mean() * math.sqrt(embedding.shape[1])


def effective_rank(embedding: Tensor) -> Tensor:
    """Exponential of the entropy of the normalised singular values (Roy & Vetterli, 2007).

    Between 1, all samples on a line, and min(N - 1, D). Computed of the centred rows.

    Args:
        embedding: ``[N, D]``.

    Returns:
        Scalar; 0 where all rows are equal.
    """
    centered = embedding - embedding.mean(0)
    values = torch.linalg.eigvalsh(centered.T @ centered).clamp_min(0).sqrt()
    # Squaring leaves noise where a singular value is zero.
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

    0 where all samples fell together; lower is more evenly spread.

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
    """The row of another group with the largest cosine similarity, for each row.

    For monitors of some thousand samples: makes the whole matrix. Mining uses
    :mod:`simhand_mm.functional.neighbors`.

    Args:
        embedding: ``[N, D]``.
        group: ``[N]`` int, e.g. the video; at least two groups.

    Returns:
        ``[N]`` int64.
    """
    unit = normalize(embedding, dim=1)
    similarity = unit @ unit.T
    return similarity.masked_fill_(group[:, None] == group, -torch.inf).argmax(1)


def retrieval_score(distance: Tensor, neighbor: Tensor, group: Tensor) -> dict[str, Tensor]:
    """How near the retrieved samples are, between random ones and the nearest there are.

    Args:
        distance: ``[N, N]`` true distance of any two samples, any unit.
        neighbor: ``[N]`` row retrieved for each sample, of another group.
        group: ``[N]`` int.

    Returns:
        ``retrieved``, ``random`` and ``nearest``, mean distances over samples of other groups in
        the unit of ``distance``, and ``score``, 0 for random and 1 for the nearest.
    """
    is_other = group[:, None] != group
    retrieved = distance.gather(1, neighbor[:, None]).mean()
    random = distance[is_other].mean()
    nearest = distance.masked_fill(~is_other, torch.inf).amin(1).mean()
    tiny = torch.finfo(distance.dtype).tiny
    score = (random - retrieved) / (random - nearest).clamp_min(tiny)
    return {"retrieved": retrieved, "random": random, "nearest": nearest, "score": score}
