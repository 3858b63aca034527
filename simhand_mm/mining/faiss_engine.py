"""Engines ``faiss`` (flat, exact) and ``faiss-ivf`` (inverted file, approximate)."""

from types import ModuleType
from typing import Any

import numpy as np
import torch

from simhand_mm.functional.neighbors import (
    brute_force_in_other_groups,
    check_pool,
    check_ranks,
    power_of_two_scale,
)
from simhand_mm.functional.neighbors.tiles import best_of, exact_squared_distances

_SPARE_CANDIDATES = 8  # beyond K


class FaissEngine:
    """Exact search with FAISS. An ID selector excludes the query's own group.

    FAISS proposes candidates by rounded distances. Their distances are computed again in float64,
    and a bound on the rounding error certifies most answers; the other queries are compared with
    all rows in float64.

    Args:
        embeddings: ``[N, D]`` float32.
        group_ids: ``[N]``.

    Raises:
        ImportError: If FAISS is not installed.
    """

    def __init__(self, embeddings: np.ndarray, group_ids: np.ndarray) -> None:
        self._faiss = _import_faiss()
        self.embeddings, self.groups = check_pool(embeddings, group_ids)
        self._is_usable = np.isfinite(self.embeddings).all(axis=1)
        usable = np.flatnonzero(self._is_usable)
        # Rows of a group are consecutive, so that a range selects them.
        self._order = usable[np.argsort(self.groups[usable], kind="stable")]
        self._sorted_groups = self.groups[self._order]
        points = self.embeddings[self._order]
        self._scale = power_of_two_scale(float(np.abs(points).max(initial=0)))
        self._center = (points * self._scale).mean(axis=0) if len(points) else np.float32(0)
        points = self._seen_from_center(self._order)
        norm = np.sqrt((points**2).sum(axis=1)).max(initial=0)
        # The rounding error of centring, norms and products together is below (D + 8) * 2^-24.
        self._error = (points.shape[1] + 8) * 2.0**-23 * float(2 * norm) ** 2 + 1e-30
        self._index = self._build_index(points)

    def search(self, rows: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`~simhand_mm.mining.search.SearchEngine`."""
        rows, ranks = np.asarray(rows, np.int64), check_ranks(ranks)
        found = np.full((len(rows), len(ranks)), -1, np.int32)
        distance = np.full((len(rows), len(ranks)), np.inf, np.float32)
        ranks = ranks[ranks <= len(self.groups)]  # larger ranks than the pool have no answer
        slots = np.flatnonzero(self._is_usable[rows]) if len(ranks) else np.arange(0)
        slots = slots[np.argsort(self.groups[rows[slots]], kind="stable")]
        cuts = np.flatnonzero(np.diff(self.groups[rows[slots]])) + 1
        for some in np.split(slots, cuts):
            if len(some):
                answer = self._search_group(rows[some], ranks)
                found[some, : len(ranks)], distance[some, : len(ranks)] = answer
        return found, distance

    def _search_group(self, rows: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Search for queries of one group."""
        k = int(ranks[-1])
        group = self.groups[rows[0]]
        low, high = np.searchsorted(self._sorted_groups, [group, group + 1])
        own = self._faiss.IDSelectorRange(int(low), int(high))
        rounded, position = self._index.search(
            self._seen_from_center(rows),
            min(k + _SPARE_CANDIDATES, len(self._order)),
            params=self._parameters(self._faiss.IDSelectorNot(own)),
        )
        candidates = np.where(position >= 0, self._order[position], 0)
        squared = exact_squared_distances(
            torch.from_numpy(self.embeddings[rows]), torch.from_numpy(self.embeddings[candidates])
        )
        squared.masked_fill_(torch.from_numpy(position < 0), torch.inf)
        index, squared = (x.numpy() for x in best_of(torch.from_numpy(candidates), squared, k))
        found, distance = index[:, ranks - 1], np.sqrt(squared[:, ranks - 1])
        outside = np.where(position[:, -1] < 0, np.inf, rounded[:, -1] - self._error)
        doubtful = np.flatnonzero(~self._is_certain(squared[:, -1] * self._scale**2, outside))
        if len(doubtful):
            found[doubtful], distance[doubtful] = brute_force_in_other_groups(
                self.embeddings, self.groups, rows[doubtful], ranks
            )
        return found, distance

    def _seen_from_center(self, rows: np.ndarray) -> np.ndarray:
        return self.embeddings[rows] * np.float32(self._scale) - self._center

    def _build_index(self, points: np.ndarray) -> Any:
        index = self._faiss.IndexFlatL2(points.shape[1])
        index.add(points)
        return index

    def _parameters(self, selector: Any) -> Any:
        return self._faiss.SearchParameters(sel=selector)

    def _is_certain(self, squared: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """Tell whether all rows that were not proposed are certainly farther than the K-th."""
        return (squared < outside) | np.isinf(outside)


class FaissIvfEngine(FaissEngine):
    """Approximate search with FAISS: only the nearest lists of an inverted file are searched.

    Args:
        embeddings: ``[N, D]`` float32.
        group_ids: ``[N]``.
        num_probes: Number of lists to search, out of 4 sqrt(N).
    """

    def __init__(self, embeddings: np.ndarray, group_ids: np.ndarray, num_probes: int = 64) -> None:
        self.num_probes = num_probes
        super().__init__(embeddings, group_ids)

    def _build_index(self, points: np.ndarray) -> Any:
        # FAISS requires 39 rows per list for training.
        num_lists = max(1, min(int(4 * np.sqrt(len(points))), len(points) // 39))
        flat = self._faiss.IndexFlatL2(points.shape[1])
        index = self._faiss.IndexIVFFlat(flat, points.shape[1], num_lists)
        index.train(points)
        index.add(points)
        return index

    def _parameters(self, selector: Any) -> Any:
        return self._faiss.SearchParametersIVF(sel=selector, nprobe=self.num_probes)

    def _is_certain(self, squared: np.ndarray, outside: np.ndarray) -> np.ndarray:
        return np.ones(len(squared), bool)


def _import_faiss() -> ModuleType:
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            'This engine needs FAISS: pip install "simhand-mm[faiss]" (or use engine "exact").'
        ) from error
    return faiss
