"""Pairs of hand crops for contrastive learning, read directly from hand pools."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from simhand_mm.pool import HandPool, load_pose_embeddings, read_poses
from simhand_mm.pretraining.crops import PoolCrops
from simhand_mm.pretraining.selection import select_pairs
from simhand_mm.registry import DATASETS


@DATASETS.register_module()
class HandPairDataset(Dataset):
    """Pairs of a query hand and its positive: itself, a neighbour in time, or a mined similar hand.

    Several pools are concatenated; both hands of a pair are from the same pool. Keypoints and ids
    are memory-mapped from the pool's files. Batches are built as a whole: JPEGs are decoded into
    one tensor, and there is no other work per hand; HandPairPreprocessor does the rest on the
    device. Data loaders need ``collate_fn=dict(type='simhand_mm.pretraining.collate_pairs')``.

    Hands without a positive or with a keypoint that is not finite are dropped, counted and logged.

    Args:
        data_root: Folder of the pools.
        pool: Pool folder below ``data_root``, or a list of them.
        pairs: Name of the pairs file of each pool (``pairs/<name>.npz``); None pairs each hand
            with itself.
        rank: Neighbour rank of the positive: 1 is the nearest hand (Top-1).
        split: ``'all'`` hands, or those of the ``'train'`` or the ``'held_out'`` videos.
        held_out: Fraction of the videos that is held out, chosen by a hash of the video id.
        poses: Poses table below ``data_root``, such as one of ``simhand pseudo-label``: only its
            hands are used.
        reduce: Decode JPEGs at 1/``reduce`` of their size (1, 2, 4 or 8); faster for small inputs.
        cache_gb: Keep decoded crops in memory, so that each is decoded once, if those of all hands
            of the pools fit into this many GB (12,000 crops of 112 px: 0.45 GB). Otherwise each
            crop is decoded whenever it is read, and a message is logged. Forked workers (the
            default of our configs) share the memory with the process of training; workers that are
            spawned keep none. In distributed training, each process keeps its own crops.
        embedding: Whether to add the pose embeddings of a mined pool, for losses that compare
            them. Only for a single pool, because embeddings of different pools are not comparable.

    Raises:
        FileNotFoundError: If a pool, its pairs or its embeddings are missing.
        ValueError: If an argument is invalid, pools differ in crop size, or no pair is left.
    """

    def __init__(
        self,
        data_root: str = "",
        pool: str | list[str] = "pool",
        pairs: str | None = None,
        rank: int = 1,
        split: str = "all",
        held_out: float = 0.0,
        poses: str | None = None,
        reduce: int = 1,
        embedding: bool = False,
        cache_gb: float = 0.0,
    ) -> None:
        names = [pool] if isinstance(pool, str) else list(pool)
        self._data_root, self._held_out, self._poses = data_root, held_out, poses
        self.pools = [HandPool(Path(data_root) / name) for name in names]
        self.crops, self.reduce = PoolCrops(self.pools, reduce, cache_gb), reduce
        if embedding and len(names) > 1:
            raise ValueError(f"pool must be a single pool if embedding is set, but got {names}.")
        self._embeddings = load_pose_embeddings(self.pools[0]) if embedding else None
        self.metainfo: dict[str, Any] = {"pools": names, "pairs": pairs, "rank": rank}
        first_row = np.cumsum([0] + [len(pool) for pool in self.pools])
        ids = None if poses is None else read_poses(Path(data_root) / poses)["sample_id"]
        tables = [
            select_pairs(pool, pairs, rank, split, held_out, ids) + first
            for pool, first in zip(self.pools, first_row, strict=False)
        ]
        self.query_row, self.positive_row = np.concatenate(tables, axis=1)
        self._is_own_positive = bool((self.query_row == self.positive_row).all())
        if not len(self.query_row):
            raise ValueError(
                f"pool must have at least one pair, but {[str(p.root) for p in self.pools]} has "
                f"none (pairs={pairs!r}, rank={rank}, split={split!r}, poses={poses!r}). Prepare "
                "more videos or choose other pairs."
            )

    def __len__(self) -> int:
        return len(self.query_row)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one pair: a batch of size 1 without its first axis."""
        return {key: value[0] for key, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return a batch of N pairs.

        Returns:
            ``query`` and, if it is another hand, ``positive``: crops, uint8 BGR ``[N, H, H, 3]``;
            ``query_keypoints_2d`` and ``positive_keypoints_2d``: float32 ``[N, 21, 2]``, px of
            these crops; ``query_row`` and ``positive_row``: int64 ``[N]``, see :meth:`hand_id`;
            with ``embedding``, ``query_pose_embedding`` and ``positive_pose_embedding``: float32
            ``[N, D]``.
        """
        rows = {"query": self.query_row[indices], "positive": self.positive_row[indices]}
        batch: dict[str, Any] = {}
        for name, row in rows.items():
            batch[f"{name}_row"] = torch.from_numpy(row)
            batch[f"{name}_keypoints_2d"] = self._keypoints(row)
            if self._embeddings is not None:
                batch[f"{name}_pose_embedding"] = torch.from_numpy(self._embeddings[row])
            if name == "query" or not self._is_own_positive:
                batch[name] = self.crops.read(row)
        return batch

    def hand_id(self, row: int) -> str:
        """Return the stable id of a hand, given its row in the concatenated pools."""
        pool, local = self.crops.locate(row)
        return pool.hand_id(local)

    def watched(self) -> "HandPairDataset":
        """Return the hands for monitoring, paired with themselves: held-out ones, else all."""
        hands = HandPairDataset(
            self._data_root,
            self.metainfo["pools"],
            split="held_out" if self._held_out else "all",
            held_out=self._held_out,
            poses=self._poses,
            reduce=self.reduce,
        )
        hands.crops = self.crops  # the same rows, so crops that are kept serve both
        return hands

    @property
    def video_index(self) -> np.ndarray:
        """Index of the query's video among those of all pools, ``[len(self)]`` int64."""
        first = np.cumsum([0] + [len(pool.video_ids) for pool in self.pools])
        columns = [
            pool.video_index.astype(np.int64) + offset
            for pool, offset in zip(self.pools, first, strict=False)
        ]
        return np.concatenate(columns)[self.query_row]

    @property
    def source_index(self) -> np.ndarray:
        """Index of the query's source, ``[len(self)]`` int64. Equal names share an index."""
        names = sorted({name for pool in self.pools for name in pool.sources})
        columns = [
            np.array([names.index(s) for s in pool.sources])[pool.source_index]
            for pool in self.pools
        ]
        return np.concatenate(columns)[self.query_row]

    def _keypoints(self, rows: np.ndarray) -> Tensor:
        places = map(self.crops.locate, rows)
        keypoints = np.stack([pool.keypoints_2d[row] for pool, row in places])
        # The centre of a reduced pixel is that of a block of reduce x reduce pixels.
        return torch.from_numpy((keypoints - (self.reduce - 1) / 2) / self.reduce)


def collate_pairs(batch: Any) -> Any:
    """Return a batch unchanged, because HandPairDataset builds whole batches itself."""
    return batch
