"""Nearest rows of *other groups*: the search behind similar hands (SiMHand, Sec. 3.2, Eq. 1).

The contract that every exact search here and elsewhere in the project keeps: the answer is the
arg-min of the Euclidean distance, computed in float64 from the float32 embeddings (differences,
squares added in the order of the dimensions), over all rows of another group; ties go to the
lowest row. It does not depend on threads, machine, shards or engine. Rows with NaN or infinity are
never an answer, and have none.

Axes: N rows, D dimensions, Q queries, R ranks, K the largest rank.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from simhand_mm.functional.neighbor_tree import build_tree

CONTRACT_VERSION = 1  # changes when the same input may give another answer
_QUERIES_PER_TASK = 1024
_ROWS_PER_BLOCK = 8192


def nearest_in_other_groups(
    embeddings: np.ndarray, group_ids: np.ndarray, k: int = 1, num_threads: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The K nearest rows of another group, for every row; exact (see the module's contract).

    Implements Eq. 1 of SiMHand with groups = videos.

    Args:
        embeddings: ``[N, D]``, cast to float32.
        group_ids: ``[N]``, any type that can be sorted.
        k: Number of neighbours.
        num_threads: All cores by default.

    Returns:
        Row numbers ``[N, K]`` int32 and Euclidean distances ``[N, K]`` float32, nearest first;
        -1 and inf where there are fewer.
    """
    index = NeighborIndex(embeddings, group_ids, num_threads)
    return index.search(np.arange(len(index)), np.arange(1, k + 1))


class NeighborIndex:
    """An index of a pool, to be searched for some rows at a time.

    Args:
        embeddings: ``[N, D]``, cast to float32.
        group_ids: ``[N]``, any type that can be sorted.
        num_threads: All cores by default.

    Raises:
        ValueError: If the shapes do not fit.
    """

    def __init__(
        self, embeddings: np.ndarray, group_ids: np.ndarray, num_threads: int | None = None
    ) -> None:
        self.embeddings, self.groups = check_pool(embeddings, group_ids)
        self.num_threads = num_threads
        self.tree = build_tree(self.embeddings, self.groups)
        # Where each row lies in the tree: neighbouring queries touch the same leaves.
        self._place = np.full(len(self), -1, np.int32)
        placed = self.tree.point_tags[:, 0].reshape(-1)
        self._place[placed[placed >= 0]] = np.flatnonzero(placed >= 0)

    def __len__(self) -> int:
        return len(self.embeddings)

    def search(self, rows: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The neighbours of some rows at some ranks, without a list of all K.

        Args:
            rows: ``[Q]`` query rows.
            ranks: ``[R]`` increasing, 1 = nearest.

        Returns:
            Row numbers ``[Q, R]`` int32 and distances ``[Q, R]`` float32; -1 and inf where none.

        Raises:
            ImportError: If numba is not installed.
        """
        try:
            from simhand_mm.functional.neighbor_kernels import search_tree, usable_cores
        except ImportError as error:
            raise ImportError(
                'Exact search needs numba: pip install "simhand-mm[mine]".'
            ) from error
        rows, ranks = np.asarray(rows, np.int64), check_ranks(ranks)
        plan = selection_plan(ranks)
        found = np.empty((len(rows), len(ranks)), np.int32)
        distance = np.empty((len(rows), len(ranks)), np.float32)
        order = np.argsort(self._place[rows], kind="stable")

        def search_some(start: int) -> None:
            slots = order[start : start + _QUERIES_PER_TASK]
            row_out, squared = search_tree(
                self.tree, self.embeddings, self.groups, rows[slots], ranks, plan
            )
            found[slots], distance[slots] = row_out, np.sqrt(squared)

        # Threads are enough: the kernel runs without the GIL.
        with ThreadPoolExecutor(self.num_threads or usable_cores()) as pool:
            list(pool.map(search_some, range(0, len(rows), _QUERIES_PER_TASK)))
        return found, distance


def brute_force_in_other_groups(
    embeddings: np.ndarray, group_ids: np.ndarray, rows: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same answer as :class:`NeighborIndex` by measuring every distance, in NumPy.

    Args:
        embeddings: ``[N, D]``, cast to float32.
        group_ids: ``[N]``.
        rows: ``[Q]`` query rows.
        ranks: ``[R]`` increasing, 1 = nearest.

    Returns:
        Row numbers ``[Q, R]`` int32 and distances ``[Q, R]`` float32; -1 and inf where none.
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
            best = np.flatnonzero(squared <= cut)  # with all that tie at the last place
            best = best[np.argsort(squared[best], kind="stable")][wanted - 1]
            found[j, : len(wanted)] = allowed[best]
            distance[j, : len(wanted)] = np.sqrt(squared[best])
    return found, distance


def squared_distances(embeddings: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Squared distances as the contract has them. ``[M, D]``, ``[D]`` -> ``[M]`` float64."""
    total = np.zeros(len(embeddings))
    query = query.astype(np.float64)
    with np.errstate(invalid="ignore"):
        for start in range(0, len(embeddings), _ROWS_PER_BLOCK):  # stays in the cache
            block = embeddings[start : start + _ROWS_PER_BLOCK].T.astype(np.float64)
            for values, value in zip(block, query, strict=True):
                total[start : start + _ROWS_PER_BLOCK] += (values - value) ** 2
    return total


def selection_plan(ranks: np.ndarray) -> np.ndarray:
    """In which order to select ranks from an unsorted list, each between those done before.

    Halving the ranks costs K log R in all, whether R is 9 or K.

    Returns:
        ``[R, 3]`` int64: first position, end (beyond the list: its end) and position to settle.
    """
    plan, todo = [], [(0, len(ranks), 0, np.iinfo(np.int64).max)]
    while todo:
        first, end, low, high = todo.pop()
        if first < end:
            middle = (first + end) // 2
            position = int(ranks[middle]) - 1
            plan.append((low, high, position))
            todo += [(first, middle, low, position), (middle + 1, end, position + 1, high)]
    return np.array(plan, np.int64).reshape(-1, 3)


def check_pool(embeddings: np.ndarray, group_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings as contiguous float32 ``[N, D]`` and groups as int32 codes ``[N]``."""
    embeddings = np.ascontiguousarray(embeddings, np.float32)
    group_ids = np.asarray(group_ids)
    if embeddings.ndim != 2 or embeddings.shape[1] == 0:
        raise ValueError(f"embeddings must be [N, D] with D > 0, but got {embeddings.shape}.")
    if group_ids.shape != embeddings.shape[:1]:
        raise ValueError(
            f"group_ids must have one entry a row ({len(embeddings)}), but got {group_ids.shape}."
        )
    return embeddings, np.unique(group_ids, return_inverse=True)[1].astype(np.int32)


def check_ranks(ranks: np.ndarray) -> np.ndarray:
    """Ranks as int64 ``[R]``; they must start at 1 or later and increase."""
    checked = np.asarray(ranks, np.int64).reshape(-1)
    if not len(checked) or checked[0] < 1 or (np.diff(checked) <= 0).any():
        raise ValueError(f"ranks must be increasing numbers from 1, but got {list(ranks)}.")
    return checked


def power_of_two_scale(largest: float) -> float:
    """Factor that brings values up to ``largest`` below 1 without changing a digit."""
    return 2.0 ** -math.ceil(math.log2(max(largest, 1e-30)))
