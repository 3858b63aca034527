"""Engine ``torch``: dense tiles on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from simhand_mm.functional.neighbors import check_pool, check_ranks
from simhand_mm.functional.neighbors.tiles import TILE_ROWS, TileIndex
from simhand_mm.functional.neighbors.tree import tree_order


class TorchEngine:
    """Exact search by dense tiles; made for a GPU, right on a CPU too.

    Args:
        embeddings: ``[N, D]`` float32.
        group_ids: ``[N]``.
        device: ``cuda`` where there is one, by default.
    """

    def __init__(
        self, embeddings: np.ndarray, group_ids: np.ndarray, device: str | None = None
    ) -> None:
        embeddings, groups = check_pool(embeddings, group_ids)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        order = tree_order(embeddings)
        self._place = np.full(len(embeddings), -1)
        self._place[order] = np.arange(len(order))
        self._index = TileIndex(
            torch.tensor(embeddings, device=self.device),
            torch.tensor(groups, device=self.device),
            torch.tensor(order, dtype=torch.int64, device=self.device),
        )

    def search(self, rows: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`~simhand_mm.mining.search.SearchEngine`."""
        rows, ranks = np.asarray(rows, np.int64), check_ranks(ranks)
        found = np.full((len(rows), len(ranks)), -1, np.int32)
        distance = np.full((len(rows), len(ranks)), np.inf, np.float32)
        ranks = ranks[ranks <= len(self._place)]  # beyond the pool there is nothing to find
        order = np.argsort(self._place[rows], kind="stable")
        order = order[self._place[rows[order]] >= 0] if len(ranks) else order[:0]  # no NaN queries
        wanted = torch.tensor(ranks, device=self.device)
        with _true_float32_products():
            for start in range(0, len(order), TILE_ROWS):
                slots = order[start : start + TILE_ROWS]
                queries = torch.tensor(rows[slots], device=self.device)
                index, squared = self._index.search(queries, wanted)
                found[slots, : len(ranks)] = index.cpu().numpy()
                distance[slots, : len(ranks)] = squared.sqrt().cpu().numpy()
        return found, distance


@contextmanager
def _true_float32_products() -> Iterator[None]:
    """Matrix products without TF32 or bfloat16, for which the error bound would not hold."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
