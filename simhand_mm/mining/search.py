"""Search engines that find the nearest rows of other groups, with a common protocol.

Exact engines keep the contract of :mod:`simhand_mm.functional.neighbors`, so they are
interchangeable, even between the shards of one run.
"""

from importlib import import_module
from inspect import signature
from typing import Any, Literal, Protocol

import numpy as np


class SearchEngine(Protocol):
    """Searches the pool that it was built with."""

    def search(self, rows: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the neighbours of some rows at some ranks.

        Args:
            rows: ``[Q]`` query rows.
            ranks: ``[R]`` increasing, 1 = nearest.

        Returns:
            Row numbers ``[Q, R]`` int32 and Euclidean distances ``[Q, R]`` float32; -1 and inf if
            there are fewer neighbours.
        """
        ...


Engine = Literal["exact", "torch", "faiss", "faiss-ivf"]
# Module and class; imported on use, because torch alone takes seconds and 0.3 GB.
ENGINES: dict[Engine, tuple[str, str]] = {
    "exact": ("simhand_mm.functional.neighbors", "NeighborIndex"),
    "torch": ("simhand_mm.mining.torch_engine", "TorchEngine"),
    "faiss": ("simhand_mm.mining.faiss_engine", "FaissEngine"),
    "faiss-ivf": ("simhand_mm.mining.faiss_engine", "FaissIvfEngine"),
}
EXACT_ENGINES = frozenset({"exact", "torch", "faiss"})


def build_engine(
    name: str, embeddings: np.ndarray, group_ids: np.ndarray, **options: Any
) -> SearchEngine:
    """Build an engine for a pool.

    Args:
        name: A key of ``ENGINES``.
        embeddings: ``[N, D]`` float32.
        group_ids: ``[N]``; rows of the same group are never neighbours.
        options: Options of the engine.

    Raises:
        ValueError: If there is no such engine or option.
        ImportError: If the engine needs a package that is not installed.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {sorted(ENGINES)}, but got {name!r}.")
    module, class_name = ENGINES[name]
    engine = getattr(import_module(module), class_name)
    known = list(signature(engine).parameters)[2:]
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise ValueError(f"options of engine {name} must be among {known}, but got {unknown}.")
    return engine(embeddings, group_ids, **options)
