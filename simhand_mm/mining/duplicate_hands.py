"""Near-duplicate hands of different videos, by the perceptual hashes of their crops.

Axes: P pairs of hands, N hands.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from tyro.conf import arg

from simhand_mm.functional.near_duplicates import (
    BITS,
    MAX_KEY_DISTANCE,
    find_near_duplicates,
    hamming_distance,
)
from simhand_mm.mining.perceptual_hashing import hash_crop
from simhand_mm.pool import HandPairs, HandPool

# At most this distance, a single pair is sufficient evidence: no two of 1,711 images of hands in
# front of a plain wall are so near, but re-encoded and scaled crops are (docs/performance.md).
CERTAIN_DISTANCE = 24


@dataclass(frozen=True)
class DuplicateSettings:
    """Thresholds for near-duplicate hands and shared footage.

    Attributes:
        max_distance: Maximum number of differing bits, out of 256, between the perceptual hashes
            of near-duplicate hands.
        min_frames: Minimum number of frames with near-duplicate hands at the same time offset for
            two videos to share footage. In shorter videos, all frames must have near-duplicates
            that differ in at most 24 bits.
    """

    max_distance: Annotated[int, arg(metavar="BITS")] = 48
    min_frames: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.max_distance <= BITS:
            raise ValueError(f"max_distance must be 0 to {BITS}, but got {self.max_distance}.")
        if self.min_frames < 1:
            raise ValueError(f"min_frames must be positive, but got {self.min_frames}.")


@dataclass(frozen=True)
class DuplicateHands:
    """Near-duplicate hands of different videos, each pair once.

    Attributes:
        rows: ``[P, 2]`` int64, rows of the pool, the smaller first.
        distance: ``[P]`` int64, number of differing bits, out of 256.
        is_mirrored: ``[P]`` bool, whether one crop looks like the mirror image of the other.
        num_without_hash: Number of hands that were not compared, because their crop cannot be read
            or has a single colour.
    """

    rows: np.ndarray
    distance: np.ndarray
    is_mirrored: np.ndarray
    num_without_hash: int


def find_duplicate_hands(
    pool: HandPool, hashes: np.ndarray, settings: DuplicateSettings, num_threads: int = 1
) -> DuplicateHands:
    """Find near-duplicate hands of different videos, including mirrored ones.

    The search is exact for pairs whose first 64 bits differ in at most nine bits, and returns up to
    the eight nearest videos of each hand.

    Args:
        pool: The pool.
        hashes: ``[N, 2, 4]`` uint64, as returned by ``hash_pool``.
        settings: The thresholds.
        num_threads: Number of threads.
    """
    usable = np.flatnonzero((hashes != 0).any(axis=(1, 2)))
    videos = pool.video_index[usable]
    parts = []
    for mirrored in (False, True):
        found, distance = find_near_duplicates(
            hashes[usable, 0],
            videos,
            hashes[usable, 1] if mirrored else None,
            max_distance=settings.max_distance,
            max_key_distance=MAX_KEY_DISTANCE,
            num_threads=num_threads,
        )
        query, match = np.nonzero(found >= 0)
        pair = np.sort(np.stack([usable[query], usable[found[query, match]]], axis=1), axis=1)
        bits = distance[query, match].astype(np.int64)
        parts.append(np.column_stack([pair, bits, np.full(len(pair), mirrored)]))
    table = np.concatenate(parts).astype(np.int64)
    table = table[np.lexsort(table.T[::-1])]  # by rows, then distance
    is_first = np.ones(len(table), bool)
    is_first[1:] = (table[1:, :2] != table[:-1, :2]).any(axis=1)
    table = table[is_first]
    num_without = len(pool) - len(usable)
    return DuplicateHands(table[:, :2], table[:, 2], table[:, 3].astype(bool), num_without)


def near_duplicate_share(
    pool: HandPool, pairs: HandPairs, num_pairs: int, seed: int
) -> dict[str, int | float]:
    """Fraction of near-duplicates among random pairs of the first rank.

    Args:
        pool: The pool.
        pairs: Its pairs.
        num_pairs: Number of random pairs to compare.
        seed: Seed that selects them.

    Returns:
        ``num_compared``, the number of pairs whose crops both have a hash, and ``share``, the
        fraction of near-duplicates among them (0 if there are none).
    """
    positive = pairs.positive_index[:, 0]
    query = np.flatnonzero(positive >= 0)
    rng = np.random.default_rng(seed)
    query = np.sort(rng.choice(query, min(num_pairs, len(query)), replace=False))
    hashes = np.array(
        [[hash_crop(pool.read_crop(int(r))) for r in (q, positive[q])] for q in query], np.uint64
    ).reshape(-1, 2, 2, 4)
    hashes = hashes[(hashes != 0).any(axis=(2, 3)).all(axis=1)]
    distance = hamming_distance(hashes[:, :1, 0], hashes[:, 1]).min(axis=1)
    share = float((distance <= CERTAIN_DISTANCE).mean()) if len(distance) else 0.0
    return {"num_compared": len(distance), "share": share}
