"""The exact search on CPUs: an index of a pool, searched for some rows at a time.

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
    """The K nearest rows of another group, for every row, exactly as ``contract`` says.

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
            from simhand_mm.functional.neighbors.kernels import search_tree, usable_cores
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
