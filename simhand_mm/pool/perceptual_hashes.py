"""Perceptual hashes of the crops of a pool: `perceptual_hashes.npz`."""

from pathlib import Path

import numpy as np

from simhand_mm.pool.array_files import read_arrays, read_header, write_arrays
from simhand_mm.pool.reader import HandPool

# Another number: hashes were computed in another way and are computed again.
_VERSION = 1


def perceptual_hashes_path(pool: HandPool) -> Path:
    """The file in the folder of a pool."""
    return pool.root / "perceptual_hashes.npz"


def load_perceptual_hashes(pool: HandPool) -> np.ndarray | None:
    """Hashes of the crops, as they are and mirrored.

    Returns:
        ``[N, 2, 4]`` uint64, zero for a crop without a hash; None if the pool has none, they
        belong to another state of it, or the file is damaged.
    """
    path = perceptual_hashes_path(pool)
    if not path.is_file():
        return None
    try:
        is_current = read_header(path) == _header(pool)
        return read_arrays(path)["hashes"] if is_current else None
    except ValueError:
        return None


def save_perceptual_hashes(pool: HandPool, hashes: np.ndarray) -> None:
    """Write the hashes ``[N, 2, 4]`` uint64 into the folder of a pool, atomically."""
    write_arrays(perceptual_hashes_path(pool), _header(pool), hashes=hashes)


def _header(pool: HandPool) -> dict[str, str | int]:
    return {"version": _VERSION, "pool_fingerprint": pool.fingerprint}
