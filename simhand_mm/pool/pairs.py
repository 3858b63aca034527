"""Mined pairs on disk: ``pairs/<name>.npz``, the rows of the positives of each hand."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simhand_mm.pool.array_files import read_arrays, read_header, write_arrays

if TYPE_CHECKING:
    from simhand_mm.pool.reader import HandPool


@dataclass(frozen=True)
class HandPairs:
    """Rows of the positives of each hand in a pool.

    Attributes:
        positive_index: ``[N, K]`` int32, pool rows; -1: no positive.
        distance: ``[N, K]`` float32 in the metric's unit; inf: no positive.
        ranks: ``[K]`` int32, the neighbour rank of each column (1 = nearest).
        rule: How positives were chosen: ``similar``, ``temporal``, ``self``, ...
        metric: What ``distance`` measures.
        pool_fingerprint: Fingerprint of the pool to which the row numbers refer.
        info: Additional information, JSON-like.
    """

    positive_index: np.ndarray
    distance: np.ndarray
    ranks: np.ndarray
    rule: str
    metric: str
    pool_fingerprint: str
    info: dict[str, Any] = field(default_factory=dict)

    def column_of_rank(self, rank: int) -> int:
        """Return the column index of a neighbour rank."""
        found = np.flatnonzero(self.ranks == rank)
        if not len(found):
            raise ValueError(
                f"rank must be one of {self.ranks.tolist()}, but got {rank}. Mine it with "
                f"simhand mine --ranks {rank}."
            )
        return int(found[0])


def pairs_path(pool_dir: str | Path, name: str) -> Path:
    """Path of the pairs named ``name`` in a pool.

    Raises:
        ValueError: If it is not a plain name.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise ValueError(
            f"name of pairs must be a plain file name without folder, but got {name!r}. Choose a "
            "name such as similar-by-person."
        )
    return Path(pool_dir) / "pairs" / f"{name}.npz"


def save_pairs(pool_dir: str | Path, name: str, pairs: HandPairs) -> Path:
    """Write pairs into a pool folder, atomically; returns the path of the file."""
    path = pairs_path(pool_dir, name)
    header = {
        "rule": pairs.rule,
        "metric": pairs.metric,
        "pool_fingerprint": pairs.pool_fingerprint,
        "info": pairs.info,
    }
    write_arrays(
        path,
        header,
        positive_index=pairs.positive_index.astype(np.int32),
        distance=pairs.distance.astype(np.float32),
        ranks=pairs.ranks.astype(np.int32),
    )
    return path


def load_pairs(pool_dir: str | Path, name: str, pool: "HandPool | None" = None) -> HandPairs:
    """Read pairs. If ``pool`` is given, pairs that were mined from another pool are refused.

    Raises:
        FileNotFoundError: If there are no such pairs.
        ValueError: If they belong to another pool, or the file is damaged.
    """
    path = pairs_path(pool_dir, name)
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.npz"))
        raise FileNotFoundError(
            f"pairs must name a file in {path.parent}, but got {name!r} (available: {known}). "
            f"Mine them with simhand mine {pool_dir} --name {name}."
        )
    pairs = HandPairs(**read_arrays(path), **read_header(path))
    if pool is not None and pairs.pool_fingerprint != pool.fingerprint:
        raise ValueError(
            f"{path} must belong to the pool {pool.root}, but was mined from another one "
            f"({pairs.pool_fingerprint[:12]}, not {pool.fingerprint[:12]}). "
            f"Mine again with simhand mine {pool_dir} --name {name}."
        )
    return pairs
