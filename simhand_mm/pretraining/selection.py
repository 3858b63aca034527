"""Which hands of a pool are queries, and which hand is the positive of each."""

import zlib

import numpy as np
from mmengine.logging import print_log

from simhand_mm.pool import HandPool, load_pairs

SPLITS = ("all", "train", "held_out")


def select_pairs(
    pool: HandPool,
    pairs: str | None = None,
    rank: int = 1,
    split: str = "all",
    held_out: float = 0.0,
) -> np.ndarray:
    """Rows of queries and positives; what is left out is counted by reason and logged.

    A hand is left out where it is of another split, has no positive or broken keypoints, or where
    its positive is of another split or has broken keypoints.

    Args:
        pool: The pool.
        pairs: Name of its pairs; None pairs each hand with itself.
        rank: Neighbour rank of the positive.
        split: ``'all'``, ``'train'`` or ``'held_out'``.
        held_out: Share of the videos that is held out.

    Returns:
        ``[2, n]`` int64.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, but got {split!r}.")
    query = np.arange(len(pool))
    positive = query
    if pairs is not None:
        mined = load_pairs(pool.root, pairs, pool)
        positive = mined.positive_index[:, mined.column_of_rank(rank)].astype(np.int64)
    in_split = _in_split(pool, split, held_out)
    finite = np.isfinite(pool.keypoints_2d).all(axis=(1, 2))
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
    return np.stack([query[keep], positive[keep]])


def _in_split(pool: HandPool, split: str, held_out: float) -> np.ndarray:
    """``[N]`` bool. Whole videos, by a hash of their id: the same in every pool that has them."""
    if split == "all":
        return np.ones(len(pool), dtype=bool)
    hashes = np.array([zlib.crc32(name.encode()) for name in pool.video_ids], dtype=np.float64)
    is_held_out = (hashes / 2**32 < held_out)[pool.video_index]
    return is_held_out if split == "held_out" else ~is_held_out
