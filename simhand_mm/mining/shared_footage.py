"""The same footage in several videos: near-duplicate hands, and groups of videos that have them.

Two videos share footage if enough of their hands are near-duplicates at the same offset in time,
as in a re-encoded, cut, mirrored or drawn-over copy.

Axes: P pairs of hands, V videos, N hands.
"""

import csv
import io
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
_OFFSET_WINDOW_S = 1.0


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


@dataclass(frozen=True)
class SharedFootage:
    """Videos that share footage.

    Attributes:
        videos: ``[S, 2]`` int64, pairs of videos by ``HandPool.video_index``, the smaller first.
        num_frames: ``[S]`` int64, number of frames with near-duplicates at the same time offset.
        offset_s: ``[S]`` float64, this offset: time in the second video minus time in the first.
        groups: ``[V]`` int64, the group of each video; videos that share footage are in one group.
    """

    videos: np.ndarray
    num_frames: np.ndarray
    offset_s: np.ndarray
    groups: np.ndarray


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
        query, place = np.nonzero(found >= 0)
        pair = np.sort(np.stack([usable[query], usable[found[query, place]]], axis=1), axis=1)
        bits = distance[query, place].astype(np.int64)
        parts.append(np.column_stack([pair, bits, np.full(len(pair), mirrored)]))
    table = np.concatenate(parts).astype(np.int64)
    table = table[np.lexsort(table.T[::-1])]  # by rows, then distance
    is_first = np.ones(len(table), bool)
    is_first[1:] = (table[1:, :2] != table[:-1, :2]).any(axis=1)
    table = table[is_first]
    num_without = len(pool) - len(usable)
    return DuplicateHands(table[:, :2], table[:, 2], table[:, 3].astype(bool), num_without)


def find_shared_footage(
    pool: HandPool, duplicates: DuplicateHands, settings: DuplicateSettings
) -> SharedFootage:
    """Find videos that share footage, and the groups that they form.

    Args:
        pool: The pool.
        duplicates: Its near-duplicate hands.
        settings: The thresholds.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    video = pool.video_index[duplicates.rows].astype(np.int64)  # sorted like the rows
    time_s = pool.time_s[duplicates.rows]
    num_frames = _frames_per_video(pool)
    pairs, place = np.unique(video, axis=0, return_inverse=True)
    order = np.argsort(place.ravel(), kind="stable")
    ends = np.searchsorted(place.ravel()[order], np.arange(len(pairs)), side="right")
    found = []
    for pair, start, end in zip(pairs, [0, *ends], ends, strict=False):
        members = order[start:end]
        is_certain = duplicates.distance[members] <= CERTAIN_DISTANCE
        for chosen, needed in (
            (members, settings.min_frames),
            (members[is_certain], min(settings.min_frames, *num_frames[pair])),
        ):
            frames, offset_s = frames_at_one_offset(time_s[chosen])
            if frames >= needed:
                found.append((*pair, frames, offset_s))
                break
    table = np.array(found, np.float64).reshape(-1, 4)
    videos = table[:, :2].astype(np.int64)
    count = len(pool.video_ids)
    graph = coo_matrix((np.ones(len(videos)), videos.T), shape=(count, count))
    groups = connected_components(graph, directed=False)[1].astype(np.int64)
    return SharedFootage(videos, table[:, 2].astype(np.int64), table[:, 3], groups)


def frames_at_one_offset(time_s: np.ndarray) -> tuple[int, float]:
    """Largest number of frames whose matches have the same time offset, within one second.

    Args:
        time_s: ``[P, 2]``, times of matches in two videos.

    Returns:
        The number of frames, counted in the video with fewer distinct times, and the median offset
        in seconds (0 if there are no matches).
    """
    offsets = time_s[:, 1] - time_s[:, 0]
    order = np.argsort(offsets, kind="stable")
    ends = np.searchsorted(offsets[order], offsets[order] + _OFFSET_WINDOW_S, side="right")
    best, best_offset = 0, 0.0
    for start, end in enumerate(ends):
        if end - start > best:
            inside = order[start:end]
            frames = min(len(np.unique(time_s[inside, side])) for side in (0, 1))
            if frames > best:
                best, best_offset = frames, float(np.median(offsets[inside]))
    return best, best_offset


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


def _frames_per_video(pool: HandPool) -> np.ndarray:
    """Number of frames with hands of each video, ``[V]``."""
    frames = np.unique(np.stack([pool.video_index, pool.frame_index], axis=1), axis=0)
    return np.bincount(frames[:, 0], minlength=len(pool.video_ids))


def group_table(pool: HandPool, footage: SharedFootage) -> str:
    """Format the group of each video as CSV: ``video_id``, ``group_id`` and ``num_videos``.

    Groups are sorted by decreasing size. The id of a group is that of its first video.
    """
    ids = pool.video_ids
    sizes = np.bincount(footage.groups)
    first = {}
    for video, group in enumerate(footage.groups):
        first.setdefault(int(group), ids[video])
    order = np.lexsort((np.arange(len(ids)), footage.groups, -sizes[footage.groups]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["video_id", "group_id", "num_videos"])
    writer.writerows(
        (ids[video], first[int(group)], sizes[group])
        for video, group in zip(order, footage.groups[order], strict=True)
    )
    return text.getvalue()


def summarize_duplicates(
    pool: HandPool, hands: DuplicateHands, footage: SharedFootage
) -> list[tuple[str, str]]:
    """Summarise what was found as names and values."""
    sizes = np.bincount(footage.groups, minlength=1)
    with_duplicate = len(np.unique(hands.rows))
    return [
        ("Hands, videos", f"{len(pool):,}, {len(pool.video_ids):,}"),
        ("Hands that cannot be compared", f"{hands.num_without_hash:,}"),
        ("Pairs of near-duplicate hands", f"{len(hands.rows):,}"),
        ("  of these with equal hashes", f"{(hands.distance == 0).sum():,}"),
        ("  of these mirrored", f"{hands.is_mirrored.sum():,}"),
        ("Hands with a near-duplicate", f"{with_duplicate:,}"),
        ("Pairs of videos that share footage", f"{len(footage.videos):,}"),
        ("Groups of such videos", f"{(sizes > 1).sum():,}"),
        ("Videos in them; in the largest group", f"{sizes[sizes > 1].sum():,}; {sizes.max():,}"),
    ]
