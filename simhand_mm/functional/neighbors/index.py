"""Exact search on CPUs: an index of a pool that is searched for some rows at a time.

Axes: N rows, D dimensions, Q queries, R ranks, K the largest rank.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from simhand_mm.functional.neighbors.contract import check_pool, check_ranks
from simhand_mm.functional.neighbors.tree import build_tree

_QUERIES_PER_TASK = 1024


def nearest_in_other_groups(
    embeddings: np.ndarray, group_ids: np.ndarray, k: int = 1, num_threads: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """For each row, find the K nearest rows of other groups, as ``contract`` defines them.

    Implements Eq. 1 of SiMHand with groups = videos.

    Args:
        embeddings: ``[N, D]``, cast to float32.
        group_ids: ``[N]``, any type that can be sorted.
        k: Number of neighbours.
        num_threads: Number of threads (default: one per usable core).

    Returns:
        Row numbers ``[N, K]`` int32 and Euclidean distances ``[N, K]`` float32, nearest first;
        -1 and inf if there are fewer than K.
    """
    index = NeighborIndex(embeddings, group_ids, num_threads)
    return index.search(np.arange(len(index)), np.arange(1, k + 1))


class NeighborIndex:
    """Index of a pool that is searched for some rows at a time.

    Args:
        embeddings: ``[N, D]``, cast to float32.
        group_ids: ``[N]``, any type that can be sorted.
        num_threads: Number of threads (default: one per usable core).

    Raises:
        ValueError: If the shapes do not fit.
    """

    def __init__(
        self, embeddings: np.ndarray, group_ids: np.ndarray, num_threads: int | None = None
    ) -> None:
        self.embeddings, self.groups = check_pool(embeddings, group_ids)
        self.num_threads = num_threads
        self.tree = build_tree(self.embeddings, self.groups)
        # Position of each row in the tree. Queries are sorted by it, to visit the same leaves.
        self._position = np.full(len(self), -1, np.int32)
        rows = self.tree.point_tags[:, 0].reshape(-1)
        self._position[rows[rows >= 0]] = np.flatnonzero(rows >= 0)

    def __len__(self) -> int:
        return len(self.embeddings)

    def search(self, rows: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the neighbours of some rows at some ranks, without a list of all K neighbours.

        Args:
            rows: ``[Q]`` query rows.
            ranks: ``[R]`` increasing, 1 = nearest.

        Returns:
            Row numbers ``[Q, R]`` int32 and distances ``[Q, R]`` float32; -1 and inf if there is
            none.

        Raises:
            ImportError: If numba is not installed.
        """
        try:
            from simhand_mm.functional.neighbors.kernels import search_tree, usable_cores
        except ImportError as error:
            raise ImportError(
                'Exact search needs numba: pip install "simhand-mm[mine]".'
            ) from error
        rows, ranks = np.asarray(rows, np.int64), check_ranks(ranks)
        plan = selection_plan(ranks)
        found = np.empty((len(rows), len(ranks)), np.int32)
        distance = np.empty((len(rows), len(ranks)), np.float32)
        order = np.argsort(self._position[rows], kind="stable")

        def search_some(start: int) -> None:
            slots = order[start : start + _QUERIES_PER_TASK]
            row_out, squared = search_tree(
                self.tree, self.embeddings, self.groups, rows[slots], ranks, plan
            )
            found[slots], distance[slots] = row_out, np.sqrt(squared)

        # Threads suffice: the kernel releases the GIL.
        with ThreadPoolExecutor(self.num_threads or usable_cores()) as pool:
            list(pool.map(search_some, range(0, len(rows), _QUERIES_PER_TASK)))
        return found, distance


def selection_plan(ranks: np.ndarray) -> np.ndarray:
    """Plan the order in which ranks are selected from an unsorted list.

    Each selection partitions the range between two that were done before. Starting with the middle
    rank and halving costs O(K log R) in total, for any R from 1 to K.

    Args:
        ranks: ``[R]`` increasing, 1 = nearest.

    Returns:
        ``[R, 3]`` int64: start and end of the range to partition (an end beyond the list stands for
        the end of the list), and the position to select.
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
