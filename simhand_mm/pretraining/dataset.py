"""Pairs of hand crops for contrastive learning, read directly from hand pools."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from simhand_mm.pool import HandPool, load_pose_embeddings
from simhand_mm.pretraining.selection import select_pairs
from simhand_mm.registry import DATASETS

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


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
        reduce: Decode JPEGs at 1/``reduce`` of their size (1, 2, 4 or 8); faster for small inputs.
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
        reduce: int = 1,
        embedding: bool = False,
    ) -> None:
        if reduce not in _REDUCED:
            raise ValueError(f"reduce must be one of {tuple(_REDUCED)}, but got {reduce}.")
        names = [pool] if isinstance(pool, str) else list(pool)
        self._data_root, self._held_out = data_root, held_out
        self.pools = [HandPool(Path(data_root) / name) for name in names]
        self.reduce = reduce
        if embedding and len(names) > 1:
            raise ValueError(f"pool must be a single pool if embedding is set, but got {names}.")
        self._embeddings = load_pose_embeddings(self.pools[0]) if embedding else None
        self.crop_size = -(-self._common_crop_size() // reduce)
        self.metainfo: dict[str, Any] = {"pools": names, "pairs": pairs, "rank": rank}
        self._first_row = np.cumsum([0] + [len(pool) for pool in self.pools])
        tables = [
            select_pairs(pool, pairs, rank, split, held_out) + first
            for pool, first in zip(self.pools, self._first_row, strict=False)
        ]
        self.query_row, self.positive_row = np.concatenate(tables, axis=1)
        self._is_own_positive = bool((self.query_row == self.positive_row).all())
        if not len(self.query_row):
            raise ValueError(
                f"pool must have at least one pair, but {[str(p.root) for p in self.pools]} has "
                f"none (pairs={pairs!r}, rank={rank}, split={split!r}). Prepare more videos or "
                "choose other pairs."
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
            places = [self._locate(r) for r in row]
            batch[f"{name}_row"] = torch.from_numpy(row)
            batch[f"{name}_keypoints_2d"] = self._keypoints(places)
            if self._embeddings is not None:
                batch[f"{name}_pose_embedding"] = torch.from_numpy(self._embeddings[row])
            if name == "query" or not self._is_own_positive:
                batch[name] = self._crops(places)
        return batch

    def hand_id(self, row: int) -> str:
        """Return the stable id of a hand, given its row in the concatenated pools."""
        pool, local = self._locate(row)
        return pool.hand_id(local)

    def watched(self) -> "HandPairDataset":
        """Return the hands for monitoring, paired with themselves: held-out ones, else all."""
        return HandPairDataset(
            self._data_root,
            self.metainfo["pools"],
            split="held_out" if self._held_out else "all",
            held_out=self._held_out,
            reduce=self.reduce,
        )

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

    def _common_crop_size(self) -> int:
        sizes = {pool.crop_size for pool in self.pools}
        if len(sizes) > 1:
            raise ValueError(
                f"pools must share one crop size, but got {sorted(sizes)} px. Prepare them with "
                "the same --crop-size."
            )
        return sizes.pop()

    def _locate(self, row: int) -> tuple[HandPool, int]:
        number = int(self._first_row.searchsorted(row, side="right")) - 1
        return self.pools[number], int(row - self._first_row[number])

    def _keypoints(self, places: list[tuple[HandPool, int]]) -> Tensor:
        keypoints = np.stack([pool.keypoints_2d[row] for pool, row in places])
        # The centre of a reduced pixel is that of a block of reduce x reduce pixels.
        return torch.from_numpy((keypoints - (self.reduce - 1) / 2) / self.reduce)

    def _crops(self, places: list[tuple[HandPool, int]]) -> Tensor:
        # Copy each crop right after decoding, while it is in the cache.
        crops = np.empty((len(places), self.crop_size, self.crop_size, 3), np.uint8)
        for crop, (pool, row) in zip(crops, places, strict=True):
            data = np.frombuffer(pool.read_crop(row), np.uint8)
            # OpenCV raises an error for empty data, and returns None for data that is not an image.
            image = cv2.imdecode(data, _REDUCED[self.reduce]) if len(data) else None
            if image is None or image.shape != crop.shape:
                raise ValueError(
                    f"crop of hand {pool.hand_id(row)!r} in {pool.root} must be a JPEG of "
                    f"{pool.crop_size} px, but cannot be decoded as one. Run simhand prepare again."
                )
            crop[...] = image
        return torch.from_numpy(crops)


def collate_pairs(batch: Any) -> Any:
    """Return a batch unchanged, because HandPairDataset builds whole batches itself."""
    return batch
