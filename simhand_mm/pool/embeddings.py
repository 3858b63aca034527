"""Pose embeddings of a pool, written by mining: `pose_embeddings.npy`."""

import numpy as np

from simhand_mm.pool.files import explaining_damage
from simhand_mm.pool.reader import HandPool


def load_pose_embeddings(pool: HandPool) -> np.ndarray:
    """Load the embedding in which the pairs of a pool were mined.

    Returns:
        ``[N, D]`` float32, memory-mapped; NaN for hands that cannot be embedded.

    Raises:
        FileNotFoundError: If the pool has not been mined.
        ValueError: If the file belongs to another state of the pool, or is damaged.
    """
    path = pool.root / "pose_embeddings.npy"
    advice = f"Run: simhand mine {pool.root}"
    if not path.is_file():
        raise FileNotFoundError(f"pool must have pose embeddings, but {path} is missing. {advice}")
    with explaining_damage(path, advice):
        embeddings = np.load(path, mmap_mode="r", allow_pickle=False)
    if len(embeddings) != len(pool):
        raise ValueError(
            f"pose embeddings must be those of the {len(pool)} hands of the pool, but {path} has "
            f"{len(embeddings)}. {advice}"
        )
    return embeddings
