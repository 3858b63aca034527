"""Selection of the queries of a pool and their positives."""

import logging
import zlib
from collections.abc import Iterable

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
    hand_ids: Iterable[str] | None = None,
) -> np.ndarray:
    """Select rows of queries and positives. Dropped hands are counted by reason and logged.

    A hand is dropped if it is of another split or not chosen, has no positive or has keypoints that
    are not finite, or if its positive is of another split, not chosen or has such keypoints.

    Args:
        pool: The pool.
        pairs: Name of its pairs; None pairs each hand with itself.
        rank: Neighbour rank of the positive.
        split: ``'all'``, ``'train'`` or ``'held_out'``.
        held_out: Fraction of the videos that is held out.
        hand_ids: The hands that are chosen; ids of hands that are not in the pool are ignored.

    Returns:
        Rows of queries and of positives, ``[2, n]`` int64.

    Raises:
        ValueError: If ``split`` is unknown.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, but got {split!r}.")
    query = np.arange(len(pool))
    positive = query
    if pairs is not None:
        mined = load_pairs(pool.root, pairs, pool)
        positive = mined.positive_index[:, mined.column_of_rank(rank)].astype(np.int64)
    in_split = _in_split(pool, split, held_out)
    chosen = _are_chosen(pool, hand_ids)
    finite = np.isfinite(pool.keypoints_2d).all(axis=(1, 2))
    reasons = {
        "of_other_split": ~in_split,
        "not_chosen": ~chosen,
        "without_positive": positive < 0,
        "with_broken_keypoints": ~(finite & finite[positive]),
        "with_positive_of_other_split": ~in_split[positive],
        "with_positive_not_chosen": ~chosen[positive],
    }
    keep, drops = drop_by_reason(reasons)
    if not keep.all():
        counts = {reason: count for reason, count in drops.items() if count}
        is_bad = 2 * drops["without_positive"] > len(pool)
        print_log(
            f"{pool.root}: {keep.sum()} hands are queries, dropped: {counts}",
            "current",
            logging.WARNING if is_bad else logging.INFO,
        )
    return np.stack([query[keep], positive[keep]])


def drop_by_reason(reasons: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, int]]:
    """Drop hands, and count each for its first reason.

    Args:
        reasons: For each reason, which hands it concerns, ``[N]`` bool.

    Returns:
        Which hands are kept, ``[N]`` bool, and the number of dropped ones by reason.
    """
    keep = ~np.logical_or.reduce(list(reasons.values()))
    first = np.argmax(list(reasons.values()), axis=0)[~keep]
    return keep, {reason: int((first == n).sum()) for n, reason in enumerate(reasons)}


def _in_split(pool: HandPool, split: str, held_out: float) -> np.ndarray:
    """``[N]`` bool. Videos are split as a whole, by a hash of their id: alike in all pools."""
    if split == "all":
        return np.ones(len(pool), dtype=bool)
    hashes = np.array([zlib.crc32(name.encode()) for name in pool.video_ids], dtype=np.float64)
    is_held_out = (hashes / 2**32 < held_out)[pool.video_index]
    return is_held_out if split == "held_out" else ~is_held_out


def _are_chosen(pool: HandPool, hand_ids: Iterable[str] | None) -> np.ndarray:
    """``[N]`` bool."""
    if hand_ids is None:
        return np.ones(len(pool), dtype=bool)
    ids = set(hand_ids)
    return np.array([pool.hand_id(row) in ids for row in range(len(pool))], dtype=bool)
