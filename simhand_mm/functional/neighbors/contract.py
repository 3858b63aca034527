"""The contract of every exact search, and the slow search that defines it.

The contract: the answer is the arg-min of the Euclidean distance over all rows of other groups. The
distance is computed in float64 from the float32 embeddings: differences, whose squares are added in
the order of the dimensions. Ties go to the lowest row. The answer does not depend on threads,
machine, shards or engine. Rows with NaN or infinity are never an answer, and have none.

Axes: N rows, D dimensions, Q queries, R ranks.
"""

import math

import numpy as np

#: To be increased when the same input may give another answer.
CONTRACT_VERSION = 1
_ROWS_PER_BLOCK = 8192


def brute_force_in_other_groups(
    embeddings: np.ndarray, group_ids: np.ndarray, rows: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest rows of other groups by computing every distance, in NumPy.

    Args:
        embeddings: ``[N, D]``, cast to float32.
        group_ids: ``[N]``.
        rows: ``[Q]`` query rows.
        ranks: ``[R]`` increasing, 1 = nearest.

    Returns:
        Row numbers ``[Q, R]`` int32 and distances ``[Q, R]`` float32; -1 and inf if there is none.
    """
    embeddings, groups = check_pool(embeddings, group_ids)
    ranks = check_ranks(ranks)
    finite = np.isfinite(embeddings).all(axis=1)
    found = np.full((len(rows), len(ranks)), -1, np.int32)
    distance = np.full((len(rows), len(ranks)), np.inf, np.float32)
    for j, row in enumerate(rows):
        allowed = np.flatnonzero(finite & (groups != groups[row])) if finite[row] else []
        wanted = ranks[ranks <= len(allowed)]
        if len(wanted):
            squared = squared_distances(embeddings, embeddings[row])[allowed]
            cut = np.partition(squared, wanted[-1] - 1)[wanted[-1] - 1]
            best = np.flatnonzero(squared <= cut)  # includes all ties at the last rank
            best = best[np.argsort(squared[best], kind="stable")][wanted - 1]
            found[j, : len(wanted)] = allowed[best]
            distance[j, : len(wanted)] = np.sqrt(squared[best])
    return found, distance


def squared_distances(embeddings: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Squared distances as in the contract. ``[M, D]``, ``[D]`` -> ``[M]`` float64."""
    total = np.zeros(len(embeddings))
    query = query.astype(np.float64)
    with np.errstate(invalid="ignore"):
        for start in range(0, len(embeddings), _ROWS_PER_BLOCK):  # fits in the cache
            block = embeddings[start : start + _ROWS_PER_BLOCK].T.astype(np.float64)
            for values, value in zip(block, query, strict=True):
                total[start : start + _ROWS_PER_BLOCK] += (values - value) ** 2
    return total


def check_pool(embeddings: np.ndarray, group_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return embeddings as contiguous float32 ``[N, D]`` and groups as int32 codes ``[N]``.

    Raises:
        ValueError: If the shapes do not fit.
    """
    embeddings = np.ascontiguousarray(embeddings, np.float32)
    group_ids = np.asarray(group_ids)
    if embeddings.ndim != 2 or embeddings.shape[1] == 0:
        raise ValueError(f"embeddings must be [N, D] with D > 0, but got {embeddings.shape}.")
    if group_ids.shape != embeddings.shape[:1]:
        raise ValueError(
            f"group_ids must have one entry per row, shape ({len(embeddings)},), but got shape "
            f"{group_ids.shape}."
        )
    return embeddings, np.unique(group_ids, return_inverse=True)[1].astype(np.int32)


def check_ranks(ranks: np.ndarray) -> np.ndarray:
    """Return ranks as int64 ``[R]``.

    Raises:
        ValueError: If there are none, they do not increase, or the first is below 1.
    """
    checked = np.asarray(ranks, np.int64).reshape(-1)
    if not len(checked) or checked[0] < 1 or (np.diff(checked) <= 0).any():
        raise ValueError(
            f"ranks must be increasing numbers from 1, but got {list(ranks)}. The most similar "
            "hand is rank 1."
        )
    return checked


def power_of_two_scale(largest: float) -> float:
    """Return a power of two that scales values up to ``largest`` to at most 1 without rounding."""
    return 2.0 ** -math.ceil(math.log2(max(largest, 1e-30)))
