"""The same footage in several videos, and groups of such videos.

Two videos share footage if enough of their hands are near-duplicates at the same offset in time,
as in a re-encoded, cut, mirrored or drawn-over copy.

Axes: P pairs of hands, S pairs of videos, V videos.
"""

import csv
import io
from dataclasses import dataclass

import numpy as np

from simhand_mm.mining.duplicate_hands import CERTAIN_DISTANCE, DuplicateHands, DuplicateSettings
from simhand_mm.pool import HandPool

_OFFSET_WINDOW_S = 1.0


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
    pairs, pair_index = np.unique(video, axis=0, return_inverse=True)
    pair_index = pair_index.ravel()  # NumPy 2.0 keeps the axis
    order = np.argsort(pair_index, kind="stable")
    ends = np.searchsorted(pair_index[order], np.arange(len(pairs)), side="right")
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
