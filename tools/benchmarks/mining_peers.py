"""Common ways to find the nearest hand of another video, each in its shortest correct form.

A peer is a class that is built with a pool and called with query rows. All except the inverted file
are exact: they search all rows, or fetch more neighbours until one is from another video.

Axes: N rows, D dimensions, Q queries.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

_FIRST_FETCH = 16  # then four times as many in each iteration


class NumpyPeer:
    """Distances of one row, a mask, and a NumPy call: ``argpartition``, ``argsort``, ``argmin``."""

    def __init__(self, embeddings: np.ndarray, groups: np.ndarray, call: str, k: int = 1) -> None:
        self.embeddings, self.groups, self.call, self.k = embeddings, groups, call, k

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the nearest rows ``[Q, K]``."""
        return np.array([self._nearest(row) for row in rows])

    def _nearest(self, row: int) -> np.ndarray:
        squared = ((self.embeddings - self.embeddings[row]) ** 2).sum(axis=1)
        squared[self.groups == self.groups[row]] = np.inf
        if self.call == "argmin":
            return squared.argmin()[None]
        if self.call == "argsort":
            return squared.argsort()[: self.k]
        best = np.argpartition(squared, self.k)[: self.k]
        return best[squared[best].argsort()]


class OverfetchPeer:
    """A tree (SciPy ``cKDTree``, scikit-learn ``KDTree``) queried for more and more neighbours.

    The number of nearer neighbours in the same video is not bounded, hence the loop.
    """

    def __init__(self, embeddings: np.ndarray, groups: np.ndarray, library: str) -> None:
        from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue] (no stubs)
        from sklearn.neighbors import KDTree

        self.embeddings, self.groups = embeddings, groups
        self.tree: Any = cKDTree(embeddings) if library == "scipy" else KDTree(embeddings)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the nearest rows ``[Q, 1]``."""
        nearest, todo, fetch = np.full(len(rows), -1), np.arange(len(rows)), _FIRST_FETCH
        while len(todo):
            fetch = min(fetch, len(self.groups))
            found = self.tree.query(self.embeddings[rows[todo]], k=fetch)[1]
            is_other = self.groups[found] != self.groups[rows[todo], None]
            first, done = is_other.argmax(axis=1), is_other.any(axis=1)
            nearest[todo[done]] = found[done, first[done]]
            todo, fetch = todo[~done], 4 * fetch
        return nearest[:, None]


class FaissPeer:
    """FAISS with an ID selector that excludes the video of the query; only ``flat`` is exact."""

    def __init__(self, embeddings: np.ndarray, groups: np.ndarray, kind: str) -> None:
        import faiss

        self.faiss, self.embeddings, self.groups, self.kind = faiss, embeddings, groups, kind
        self.index: Any  # its stubs have the methods of C++, not those of Python
        self.index = faiss.IndexFlatL2(embeddings.shape[1])
        if kind == "ivf":
            lists = int(4 * np.sqrt(len(embeddings)))
            self.index = faiss.IndexIVFFlat(self.index, embeddings.shape[1], lists)
            self.index.train(embeddings)
        self.index.add(embeddings)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the nearest rows ``[Q, 1]``; the rows of a video must be contiguous."""
        nearest = np.empty((len(rows), 1), np.int64)
        for group in np.unique(self.groups[rows]):
            own = self.faiss.IDSelectorRange(
                *map(int, np.searchsorted(self.groups, [group, group + 1]))
            )
            other = self.faiss.IDSelectorNot(own)
            if self.kind == "ivf":
                parameters = self.faiss.SearchParametersIVF(sel=other, nprobe=16)
            else:
                parameters = self.faiss.SearchParameters(sel=other)
            these = self.groups[rows] == group
            nearest[these] = self.index.search(self.embeddings[rows[these]], 1, params=parameters)[
                1
            ]
        return nearest


class TorchTilesPeer:
    """All distances by matrix products of 1024 x 32768, a mask, and a running minimum."""

    def __init__(self, embeddings: np.ndarray, groups: np.ndarray) -> None:
        import torch

        self.torch = torch
        self.embeddings, self.groups = torch.from_numpy(embeddings), torch.from_numpy(groups)
        self.norm = self.embeddings.square().sum(dim=1)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the nearest rows ``[Q, 1]``; float32 rounding may confuse near copies."""
        parts = [self._nearest(part) for part in self.torch.from_numpy(rows).split(1024)]
        return self.torch.cat(parts).numpy()[:, None]

    def _nearest(self, rows: "Tensor") -> "Tensor":
        best = self.torch.full((len(rows),), self.torch.inf)
        nearest = rows.new_zeros(len(rows))
        for start in range(0, len(self.groups), 32768):
            part = slice(start, start + 32768)
            value = self.torch.addmm(
                self.norm[part], self.embeddings[rows], self.embeddings[part].T, alpha=-2
            )
            value.masked_fill_(self.groups[part] == self.groups[rows, None], self.torch.inf)
            value, column = value.min(dim=1)
            nearest = self.torch.where(value < best, column + start, nearest)
            best = self.torch.minimum(best, value)
        return nearest


PEERS = {
    "NumPy row + mask + argsort": lambda e, g: NumpyPeer(e, g, "argsort"),
    "NumPy row + mask + argpartition": lambda e, g: NumpyPeer(e, g, "argpartition"),
    "NumPy row + mask + argmin": lambda e, g: NumpyPeer(e, g, "argmin"),
    "FAISS flat + selector": lambda e, g: FaissPeer(e, g, "flat"),
    "torch tiles + mask + running min": TorchTilesPeer,
    "scikit-learn KDTree, over-fetch": lambda e, g: OverfetchPeer(e, g, "sklearn"),
    "SciPy cKDTree, over-fetch": lambda e, g: OverfetchPeer(e, g, "scipy"),
    "FAISS IVF + selector, 16 probes (approximate)": lambda e, g: FaissPeer(e, g, "ivf"),
}
# Number of queries for which a peer is timed; the rest is extrapolated.
SAMPLE = {"NumPy": 20, "FAISS flat": 60, "torch": 1024, "scikit": 2000, "SciPy": 2000}
