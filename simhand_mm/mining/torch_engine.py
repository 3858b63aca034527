"""Engine ``torch``: exact search in tiles on a GPU."""

import os

import numpy as np
import torch

from simhand_mm.compat import true_float32
from simhand_mm.functional.neighbors import check_pool, check_ranks
from simhand_mm.functional.neighbors.tiles import TILE_ROWS, TileIndex
from simhand_mm.functional.neighbors.tree import tree_order


class TorchEngine:
    """Exact search in tiles. Designed for GPUs; gives the same answer on a CPU.

    Args:
        embeddings: ``[N, D]`` float32.
        group_ids: ``[N]``.
        device: Device of the search (default: the GPU of this process, else the CPU).

    Raises:
        RuntimeError: If matrix products on the device are less precise than float32.
    """

    def __init__(
        self, embeddings: np.ndarray, group_ids: np.ndarray, device: str | None = None
    ) -> None:
        embeddings, groups = check_pool(embeddings, group_ids)
        self.device = torch.device(device) if device else local_device()
        check_products(self.device)
        order = tree_order(embeddings)
        self._position = np.full(len(embeddings), -1)
        self._position[order] = np.arange(len(order))
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
        ranks = ranks[ranks <= len(self._position)]  # larger ranks than the pool have no answer
        order = np.argsort(self._position[rows], kind="stable")
        is_finite = self._position[rows[order]] >= 0
        order = order[is_finite] if len(ranks) else order[:0]
        wanted = torch.tensor(ranks, device=self.device)
        with true_float32():
            for start in range(0, len(order), TILE_ROWS):
                slots = order[start : start + TILE_ROWS]
                queries = torch.tensor(rows[slots], device=self.device)
                index, squared = self._index.search(queries, wanted)
                found[slots, : len(ranks)] = index.cpu().numpy()
                distance[slots, : len(ranks)] = squared.sqrt().cpu().numpy()
        return found, distance


def local_device() -> torch.device:
    """Return the GPU of this process (by its local rank if a launcher started it), else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    rank = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0"))
    return torch.device("cuda", int(rank) % torch.cuda.device_count())


def check_products(device: torch.device, bound: float = 1e-5) -> None:
    """Check that matrix products on a device have the precision of float32.

    Settings of torch, of its libraries and of the environment can reduce it.

    Args:
        device: The device.
        bound: Largest allowed relative error.

    Raises:
        RuntimeError: If the relative error is larger than ``bound`` (TF32: about 3e-4).
    """
    generator = torch.Generator().manual_seed(0)
    left, right = torch.rand(2, 256, 256, generator=generator)
    with true_float32():
        found = (left.to(device) @ right.to(device)).cpu().double()
    expected = left.double() @ right.double()
    error = ((found - expected).abs().max() / expected.abs().max()).item()
    if not error < bound:
        raise RuntimeError(
            f"matrix products on {device} must have a relative error below {bound:g} for an exact "
            f"search, but have {error:.1e}. Unset variables such as NVIDIA_TF32_OVERRIDE, or use "
            "another engine."
        )
