"""Crops of hands as pixels: decoded from JPEG, and kept in memory if they fit."""

import mmap
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from mmengine.logging import print_log
from torch import Tensor, from_numpy
from torch.multiprocessing import Lock

from simhand_mm.pool import HandPool

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class PoolCrops:
    """Crops of one or several pools, whose rows are concatenated.

    Args:
        pools: The pools.
        reduce: Decode JPEGs at 1/``reduce`` of their size (1, 2, 4 or 8).
        cache_gb: Limit of the memory for decoded crops, in GB; 0 keeps none, see
            :class:`~simhand_mm.pretraining.dataset.HandPairDataset`.

    Raises:
        ValueError: If an argument is invalid, or pools differ in crop size.
    """

    def __init__(self, pools: list[HandPool], reduce: int = 1, cache_gb: float = 0.0) -> None:
        if reduce not in _REDUCED:
            raise ValueError(f"reduce must be one of {tuple(_REDUCED)}, but got {reduce}.")
        if not cache_gb >= 0:
            raise ValueError(f"cache_gb must be at least 0, but got {cache_gb}.")
        self._pools, self._reduce = pools, reduce
        self._first_row = np.cumsum([0] + [len(pool) for pool in pools])
        self.size = -(-_common_crop_size(pools) // reduce)
        self._cache = self._make_cache(cache_gb) if cache_gb and self._first_row[-1] else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": None}  # a pickled copy would be memory beyond the limit

    def locate(self, row: int) -> tuple[HandPool, int]:
        """Return the pool of a row of the concatenated pools, and the row there."""
        number = int(self._first_row.searchsorted(row, side="right")) - 1
        return self._pools[number], int(row - self._first_row[number])

    def read(self, rows: np.ndarray) -> Tensor:
        """Return crops of the rows ``[N]``: uint8 BGR ``[N, H, H, 3]``.

        Raises:
            ValueError: If a crop cannot be decoded.
        """
        if self._cache is not None:
            return from_numpy(self._cache.read(rows, self._decode))
        # Copy each crop right after decoding, while it is in the cache of the processor.
        crops = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        for crop, row in zip(crops, rows, strict=True):
            crop[...] = self._decode(row)
        return from_numpy(crops)

    def _decode(self, row: int) -> np.ndarray:
        pool, local = self.locate(row)
        data = np.frombuffer(pool.read_crop(local), np.uint8)
        # OpenCV raises an error for empty data, and returns None for data that is not an image.
        image = cv2.imdecode(data, _REDUCED[self._reduce]) if len(data) else None
        if image is None or image.shape != (self.size, self.size, 3):
            raise ValueError(
                f"crop of hand {pool.hand_id(local)!r} in {pool.root} must be a JPEG of "
                f"{pool.crop_size} px, but cannot be decoded as one. Run simhand prepare again."
            )
        return image

    def _make_cache(self, limit_gb: float) -> "_SharedImages | None":
        shape = int(self._first_row[-1]), self.size, self.size, 3
        needed_gb = np.prod(shape, dtype=np.int64) / 1e9
        text = f"{shape[0]:,} decoded crops of {self.size} px need {needed_gb:.3g} GB"
        if needed_gb > limit_gb:
            print_log(
                f"{text}, but cache_gb is {limit_gb:g}: crops are not kept, but decoded in every "
                "epoch. Increase train_dataloader.dataset.cache_gb if there is enough memory.",
                "current",
            )
            return None
        print_log(
            f"{text}; this process and workers that it forks keep them, so that each is decoded "
            "once. Workers that are spawned keep none.",
            "current",
        )
        return _SharedImages(shape)


class _SharedImages:
    """Images in memory that a process shares with those it forks, added when they are first read.

    The system assigns memory when an image is written, and frees it with the last process.

    Args:
        shape: Number of images and their shape.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._images = _shared_array(shape)
        self._is_kept = _shared_array(shape[:1]).view(bool)
        # Also makes sure that no process sees a mark before the image that it belongs to.
        self._lock = Lock()

    def read(self, rows: np.ndarray, make: Callable[[int], np.ndarray]) -> np.ndarray:
        """Return a copy of the images of rows ``[N]``, and make those that are missing.

        Two processes that miss the same image at the same time both write it, with equal bytes.
        """
        with self._lock:
            is_missing = ~self._is_kept[rows]
        missing = np.unique(rows[is_missing])
        for row in missing:
            self._images[row] = make(row)
        if len(missing):
            with self._lock:
                self._is_kept[missing] = True
        return self._images[rows]


def _shared_array(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros (uint8) that forked processes share: anonymous memory, which needs no /dev/shm."""
    return np.frombuffer(mmap.mmap(-1, int(np.prod(shape))), np.uint8).reshape(shape)


def _common_crop_size(pools: list[HandPool]) -> int:
    sizes = {pool.crop_size for pool in pools}
    if len(sizes) > 1:
        raise ValueError(
            f"pools must share one crop size, but got {sorted(sizes)} px. Prepare them with "
            "the same --crop-size."
        )
    return sizes.pop()
