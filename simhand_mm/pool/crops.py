"""Crops in LMDB shards: ``crops/00000.lmdb``, hand id -> JPEG."""

import hashlib
import os
from pathlib import Path
from typing import Any

import lmdb
import pyarrow as pa

from simhand_mm.pool.files import explaining_damage

# About 250 MB at 224 px: easy to copy, and small enough for finalize to hold in memory.
HANDS_PER_SHARD = 20_000
_FIRST_MAP_SIZE = 1 << 24
_PAGE_BYTES = 4096
_MAX_KEY_BYTES = 511  # of LMDB


def shard_path(crops_dir: Path, shard: int) -> Path:
    """Path of a shard."""
    return crops_dir / f"{shard:05d}.lmdb"


def crop_key(hand_id: str) -> bytes:
    """Key of a hand's crop: its id, or a hash if the id is longer than LMDB allows."""
    key = hand_id.encode()
    if len(key) <= _MAX_KEY_BYTES:
        return key
    return b"sha256:" + hashlib.sha256(key).hexdigest().encode()


class CropReader:
    """Reads crops by shard and hand id; safe across ``fork`` (LMDB handles must not be shared)."""

    def __init__(self, crops_dir: Path) -> None:
        self._crops_dir = crops_dir
        self._process = -1
        self._transactions: dict[int, Any] = {}

    def read(self, shard: int, hand_id: str) -> bytes:
        """Return the JPEG bytes of a hand.

        Raises:
            FileNotFoundError: If the shard is missing.
            ValueError: If the shard is not complete.
            KeyError: If the shard does not contain the hand.
        """
        if self._process != os.getpid():
            self._process, self._transactions = os.getpid(), {}
        if shard not in self._transactions:
            path = shard_path(self._crops_dir, shard)
            if not path.is_file():
                raise FileNotFoundError(
                    f"crops must be in {path}, but the file does not exist. Copy the folder "
                    "crops/ of the pool too, or run simhand prepare again."
                )
            self._transactions[shard] = _open(path).begin(buffers=False)
        crop = self._transactions[shard].get(crop_key(hand_id))
        if crop is None:
            raise KeyError(
                f"hand_id must be in {shard_path(self._crops_dir, shard)}, but {hand_id!r} is "
                "not. Run simhand prepare again to finalize the pool."
            )
        return crop


def _open(path: Path) -> lmdb.Environment:
    """Open a shard for reading.

    Raises:
        ValueError: If pages are missing. Reading one would end the process with a bus error.
    """
    with explaining_damage(path, "Copy the pool again, or run simhand prepare again."):
        try:
            environment = lmdb.open(
                str(path), subdir=False, readonly=True, lock=False, readahead=False
            )
        except lmdb.Error as error:
            raise ValueError(error) from error
        needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        if path.stat().st_size < needed:
            raise ValueError(f"{path.stat().st_size} bytes of {needed}")
    return environment


def write_shard(path: Path, hand_ids: pa.ChunkedArray, crops: pa.ChunkedArray) -> None:
    """Write one shard in one transaction with sorted keys, so that its bytes are reproducible.

    Raises:
        OSError: If the disk is full.
    """
    keys = [crop_key(hand_id) for hand_id in hand_ids.to_pylist()]
    size = _FIRST_MAP_SIZE + 2 * crops.nbytes + 2 * _PAGE_BYTES * len(keys)
    try:
        environment = lmdb.open(str(path), subdir=False, map_size=size, lock=False, sync=True)
        with environment.begin(write=True) as transaction:
            for row in sorted(range(len(keys)), key=keys.__getitem__):
                transaction.put(keys[row], crops[row].as_py(), append=True)
        environment.close()
    except lmdb.Error as error:
        # On a full disk, LMDB reports an input/output error.
        raise OSError(
            f"{path} cannot be written ({error}). If the disk is full, free space and run again; "
            "finished work is kept."
        ) from error
