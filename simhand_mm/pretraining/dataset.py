"""Pairs of hand crops for contrastive learning, straight from hand pools."""

import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import Dataset

from simhand_mm.pool import HandPool, load_pairs
from simhand_mm.registry import DATASETS

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
SPLITS = ("all", "train", "held_out")


@DATASETS.register_module()
class HandPairDataset(Dataset):
    """A query hand and its positive: itself, a neighbour in time, or a mined similar hand.

    Several pools are laid end to end; pairs stay within their pool. Keypoints and ids are mapped
    from the pool's files, JPEGs are decoded once an item, and nothing else happens an item:
    HandPairPreprocessor does the rest for the batch.

    Hands are left out, counted and logged where they have no positive or a keypoint is not finite.

    Args:
        data_root: Folder of the pools.
        pool: Pool folder below ``data_root``, or a list of them.
        pairs: Name of the pairs file of each pool (``pairs/<name>.npz``); None pairs each hand
            with itself.
        rank: Neighbour rank of the positive: 1 is the nearest hand (Top-1).
        split: ``'all'`` hands, or those of the ``'train'`` or the ``'held_out'`` videos.
        held_out: Share of the videos that is held out, chosen by a hash of the video id.
        reduce: Decode JPEGs at 1, 1/2, 1/4 or 1/8 of their size; faster where inputs are small.

    Raises:
        FileNotFoundError: If a pool or its pairs are missing.
        ValueError: If pools differ in crop size, or no pair is left.
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
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, but got {split!r}.")
        if reduce not in _REDUCED:
            raise ValueError(f"reduce must be one of {tuple(_REDUCED)}, but got {reduce}.")
        names = [pool] if isinstance(pool, str) else list(pool)
        self._data_root, self._held_out = data_root, held_out
        self.pools = [HandPool(Path(data_root) / name) for name in names]
        self.crop_size = self._common_crop_size() // reduce
        self.reduce = reduce
        self.metainfo: dict[str, Any] = {"pools": names, "pairs": pairs, "rank": rank}
        self._first_row = np.cumsum([0] + [len(pool) for pool in self.pools])
        tables = [self._pair_table(k, pairs, rank, split, held_out) for k in range(len(names))]
        self.query_row, self.positive_row = np.concatenate(tables, axis=1)
        self._is_own_positive = bool((self.query_row == self.positive_row).all())
        if not len(self.query_row):
            raise ValueError(
                f"pool must hold at least one pair, but {[str(p.root) for p in self.pools]} has "
                f"none (pairs={pairs!r}, rank={rank}, split={split!r}). Prepare more videos or "
                "choose other pairs."
            )

    def __len__(self) -> int:
        return len(self.query_row)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """A pair.

        Returns:
            ``query`` and, where it is another hand, ``positive``: uint8 BGR ``[H, H, 3]``;
            ``query_keypoints_2d`` and ``positive_keypoints_2d``: float32 ``[21, 2]`` px of them;
            ``query_row`` and ``positive_row``: int, see :meth:`hand_id`.
        """
        query, positive = int(self.query_row[index]), int(self.positive_row[index])
        item: dict[str, Any] = {"query_row": query, "positive_row": positive}
        item["query"] = self._crop(query)
        if not self._is_own_positive:
            item["positive"] = self._crop(positive)
        item["query_keypoints_2d"] = self._keypoints(query)
        item["positive_keypoints_2d"] = self._keypoints(positive)
        return item

    def hand_id(self, row: int) -> str:
        """Stable id of a hand by its row over all pools."""
        pool, local = self._locate(row)
        return pool.hand_id(local)

    def watched(self) -> "HandPairDataset":
        """Hands to watch training on, each its own positive: the held-out ones, if there are."""
        split = "held_out" if self._held_out else "all"
        names = self.metainfo["pools"]
        return HandPairDataset(
            self._data_root, names, split=split, held_out=self._held_out, reduce=self.reduce
        )

    @property
    def video_index(self) -> np.ndarray:
        """``[len(self)]`` int64, number of the query's video over all pools."""
        first = np.cumsum([0] + [len(pool.video_ids) for pool in self.pools])
        return self._column(lambda pool: pool.video_index, first)

    @property
    def source_index(self) -> np.ndarray:
        """``[len(self)]`` int64, number of the query's source; the same in all pools by name."""
        names = sorted({name for pool in self.pools for name in pool.sources})
        codes = [
            np.array([names.index(s) for s in pool.sources])[pool.source_index]
            for pool in self.pools
        ]
        return np.concatenate(codes)[self.query_row]

    def _common_crop_size(self) -> int:
        sizes = {pool.crop_size for pool in self.pools}
        if len(sizes) > 1:
            raise ValueError(
                f"pools must share one crop size, but got {sorted(sizes)} px. Prepare them with "
                "the same --crop-size."
            )
        return sizes.pop()

    def _pair_table(
        self, number: int, pairs: str | None, rank: int, split: str, held_out: float
    ) -> np.ndarray:
        """``[2, n]`` int64: rows over all pools of queries and positives of one pool."""
        pool = self.pools[number]
        query = np.arange(len(pool))
        positive = query
        if pairs is not None:
            mined = load_pairs(pool.root, pairs, pool)
            positive = mined.positive_index[:, mined.column_of_rank(rank)].astype(np.int64)
        in_split = _in_split(pool, split, held_out)
        finite = np.isfinite(pool.keypoints_2d).all(axis=(1, 2))
        # A positive that is left out takes its query with it.
        reasons = {
            "of_other_split": ~in_split,
            "without_positive": positive < 0,
            "with_broken_keypoints": ~(finite & finite[positive]),
            "with_positive_of_other_split": ~in_split[positive],
        }
        keep = np.ones(len(pool), dtype=bool)
        left_out = {}
        for reason, is_bad in reasons.items():
            left_out[reason] = int((keep & is_bad).sum())
            keep &= ~is_bad
        if not keep.all():
            counts = {reason: count for reason, count in left_out.items() if count}
            print_log(f"{pool.root}: {keep.sum()} hands are queries, left out: {counts}", "current")
        return np.stack([query[keep], positive[keep]]) + self._first_row[number]

    def _locate(self, row: int) -> tuple[HandPool, int]:
        number = int(np.searchsorted(self._first_row, row, side="right")) - 1
        return self.pools[number], int(row - self._first_row[number])

    def _crop(self, row: int) -> Tensor:
        pool, local = self._locate(row)
        data = np.frombuffer(pool.read_crop(local), np.uint8)
        image = cv2.imdecode(data, _REDUCED[self.reduce])
        if image is None:
            raise ValueError(
                f"crop of hand {pool.hand_id(local)!r} in {pool.root} must be a JPEG, but cannot "
                "be decoded. Run tools/prepare_pool.py again."
            )
        return torch.from_numpy(image)

    def _keypoints(self, row: int) -> Tensor:
        pool, local = self._locate(row)
        # A reduced pixel lies in the middle of reduce x reduce pixels.
        keypoints = (pool.keypoints_2d[local] - (self.reduce - 1) / 2) / self.reduce
        return torch.from_numpy(keypoints.astype(np.float32))

    def _column(self, codes: Any, first: np.ndarray) -> np.ndarray:
        columns = [codes(pool).astype(np.int64) + first[k] for k, pool in enumerate(self.pools)]
        return np.concatenate(columns)[self.query_row]


def _in_split(pool: HandPool, split: str, held_out: float) -> np.ndarray:
    """Which hands of a pool belong to a split, ``[N]`` bool. Whole videos, whatever the pool."""
    if split == "all":
        return np.ones(len(pool), dtype=bool)
    hashes = np.array([zlib.crc32(name.encode()) for name in pool.video_ids], dtype=np.float64)
    is_held_out = (hashes / 2**32 < held_out)[pool.video_index]
    return is_held_out if split == "held_out" else ~is_held_out
