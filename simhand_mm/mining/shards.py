"""Mining in shards: ranges of query rows, written one by one and joined by concatenation.

Results are in ``pairs/.<name>-<key>/``, where the key is the hash of everything that determines the
answer. So a killed run can continue, results of another pool or other settings are never mixed in,
and machines only need to share the pool's folder.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.pool import write_json
from simhand_mm.pool.array_files import read_arrays, write_arrays

_HANDS_PER_SHARD = 500_000
_ANSWERS_PER_SHARD = 1_000_000_000  # hands times largest rank


class ShardStore:
    """Results of the query ranges of one mining run.

    Args:
        root: Folder of the pairs.
        name: Name of the pairs file.
        manifest: Everything that determines the answer, JSON-like, with ``num_hands`` and
            ``num_shards``.
    """

    def __init__(self, root: str | Path, name: str, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        text = json.dumps(manifest, sort_keys=True, indent=2)
        self.key = hashlib.sha256(text.encode()).hexdigest()
        self.folder = Path(root) / f".{name}-{self.key[:12]}"

    def __len__(self) -> int:
        return int(self.manifest["num_shards"])

    def rows(self, shard: int) -> np.ndarray:
        """Query rows of a shard."""
        num_hands = self.manifest["num_hands"]
        return np.arange(shard * num_hands // len(self), (shard + 1) * num_hands // len(self))

    def is_done(self, shard: int) -> bool:
        """Whether the shard's result exists. Files are renamed, so it is complete."""
        return self._path(shard).is_file()

    def missing(self) -> list[int]:
        """Return the shards that are not mined yet."""
        return [shard for shard in range(len(self)) if not self.is_done(shard)]

    def write(self, shard: int, positive_index: np.ndarray, distance: np.ndarray) -> None:
        """Write the result of a shard, each array ``[len(rows(shard)), R]``."""
        write_json(self.folder / "manifest.json", self.manifest, sort_keys=True)
        arrays = {"positive_index": positive_index, "distance": distance}
        write_arrays(self._path(shard), {"shard": shard}, **arrays)

    def join(self) -> tuple[np.ndarray, np.ndarray]:
        """Concatenate all shards: rows ``[N, R]`` int32 and distances ``[N, R]`` float32."""
        parts = [read_arrays(self._path(shard)) for shard in range(len(self))]
        positive_index, distance = (
            np.concatenate([part[name] for part in parts])
            for name in ("positive_index", "distance")
        )
        return positive_index, distance

    def remove(self) -> None:
        """Delete the results of the shards. Call it after the joined pairs are written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, shard: int) -> Path:
        return self.folder / f"{shard:05d}-of-{len(self):05d}.npz"


def default_num_shards(num_hands: int, largest_rank: int) -> int:
    """Number of shards such that one takes about a minute; a killed run loses at most that."""
    return max(1, num_hands // _HANDS_PER_SHARD, num_hands * largest_rank // _ANSWERS_PER_SHARD)


def shard_of_process(launcher: str) -> tuple[int, int]:
    """Return the shard of this process and the number of shards, from its launcher's environment.

    Args:
        launcher: ``'torchrun'`` or ``'slurm'``.

    Raises:
        ValueError: If the process was not started by that launcher.
    """
    names = {"torchrun": ("RANK", "WORLD_SIZE"), "slurm": ("SLURM_PROCID", "SLURM_NTASKS")}
    rank, world_size = (os.environ.get(name) for name in names[launcher])
    if rank is None or world_size is None:
        raise ValueError(
            f"launcher must be the one that started this process, but "
            f"{' and '.join(names[launcher])} are not set. Start it with {launcher}, or pass "
            "--shard I/N."
        )
    return int(rank), int(world_size)
