"""Rules for positives: which hand of the pool each hand is paired with.

A rule is a function that returns :class:`~simhand_mm.pool.pairs.HandPairs`. To use a
custom rule, write its pairs with :func:`~simhand_mm.pool.pairs.save_pairs`.
"""

import numpy as np

from simhand_mm.pool import HandPairs, HandPool

DEFAULT_MAX_GAP_S = 1.0  # between the frames of a temporal pair


def self_pairs(pool: HandPool) -> HandPairs:
    """Pair each hand with itself: two augmentations of one crop (SimCLR, PeCLR)."""
    rows = np.arange(len(pool), dtype=np.int32)[:, None]
    return HandPairs(
        positive_index=rows,
        distance=np.zeros(rows.shape, np.float32),
        ranks=np.array([1]),
        rule="self",
        metric="none",
        pool_fingerprint=pool.fingerprint,
    )


def temporal_pairs(pool: HandPool, max_gap_s: float = DEFAULT_MAX_GAP_S) -> HandPairs:
    """Pair each hand with one of the same side in the nearest other frame of its video (TempCLR).

    If two frames are equally near, the earlier one is used. If it has several such hands, the first
    row is used.

    Args:
        pool: The pool.
        max_gap_s: Maximum time between the frames in seconds. Hands without such a frame have no
            positive.

    Returns:
        Pairs whose distance is the time between the frames in seconds.
    """
    track = pool.video_index.astype(np.int64) * 2 + pool.handedness_index
    order = np.lexsort((np.arange(len(pool)), pool.frame_index, track))
    frame = np.stack([track, pool.frame_index], axis=1)[order]
    starts = np.flatnonzero(np.r_[True, (frame[1:] != frame[:-1]).any(axis=1)][: len(pool)])
    first = order[starts]  # first hand of each (video, side, frame), in order of time
    entry = np.empty(len(pool), np.int64)  # of each hand in these
    entry[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(pool)]))

    candidates = np.stack([entry - 1, entry + 1], axis=1)  # [N, 2]: the frame before, and after
    is_inside = (candidates >= 0) & (candidates < len(starts))
    rows = first[np.where(is_inside, candidates, 0)]
    gap = np.abs(pool.time_s[rows] - pool.time_s[:, None])
    gap[~is_inside | (track[rows] != track[:, None]) | (gap > max_gap_s)] = np.inf
    choice = gap.argmin(axis=1)[:, None]
    distance = np.take_along_axis(gap, choice, axis=1)
    positive = np.where(np.isfinite(distance), np.take_along_axis(rows, choice, axis=1), -1)
    return HandPairs(
        positive_index=positive.astype(np.int32),
        distance=distance.astype(np.float32),
        ranks=np.array([1]),
        rule="temporal",
        metric="time_s",
        pool_fingerprint=pool.fingerprint,
        info={"max_gap_s": max_gap_s},
    )
