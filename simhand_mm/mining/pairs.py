"""Rules for positives: which hand of the pool each hand is paired with.

A rule is a function that returns :class:`~simhand_mm.pool.pairs.HandPairs`. To use a
custom rule, write its pairs with :func:`~simhand_mm.pool.pairs.save_pairs`.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simhand_mm.pool import HandPairs, HandPool, read_rows

logger = logging.getLogger(__name__)

SIMILAR_METRIC = "pose_embedding_l2"
DEFAULT_MAX_GAP_S = 1.0  # between the frames of a temporal pair


def self_pairs(pool: HandPool) -> HandPairs:
    """Pair each hand with itself: two augmentations of one crop (SimCLR, PeCLR)."""
    rows = np.arange(len(pool), dtype=np.int32)[:, None]
    return HandPairs(
        rows, np.zeros(rows.shape, np.float32), np.array([1]), "self", "none", pool.fingerprint
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
    place = np.empty(len(pool), np.int64)
    place[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(pool)]))

    candidates = np.stack([place - 1, place + 1], axis=1)  # [N, 2]: the frame before, and after
    is_inside = (candidates >= 0) & (candidates < len(starts))
    rows = first[np.where(is_inside, candidates, 0)]
    gap = np.abs(pool.time_s[rows] - pool.time_s[:, None])
    gap[~is_inside | (track[rows] != track[:, None]) | (gap > max_gap_s)] = np.inf
    choice = gap.argmin(axis=1)[:, None]
    distance = np.take_along_axis(gap, choice, axis=1)
    positive = np.where(np.isfinite(distance), np.take_along_axis(rows, choice, axis=1), -1)
    return HandPairs(
        positive.astype(np.int32),
        distance.astype(np.float32),
        np.array([1]),
        "temporal",
        "time_s",
        pool.fingerprint,
        {"max_gap_s": max_gap_s},
    )


def group_codes(pool: HandPool, group_by: str = "video_id") -> np.ndarray:
    """Return the group of each hand. Hands of the same group are never paired as similar.

    Args:
        pool: The pool.
        group_by: A column of ``hands.parquet``; hands without a value are grouped by video. Or a
            ``.csv`` file with the columns ``video_id`` and ``group_id`` (e.g. to merge several
            uploads of a video), also as written by spreadsheet programs. A video that is not in the
            file is a group by itself.

    Returns:
        ``[N]`` int32 codes.

    Raises:
        ValueError: If there is no such column, or the file has no video of the pool, or has two
            groups for a video.
        FileNotFoundError: If there is no such file.
    """
    if group_by == "video_id":
        return pool.video_index
    if group_by.lower().endswith(".csv"):
        return _codes(_groups_of_videos(Path(group_by), pool.video_ids))[pool.video_index]
    try:
        column = pool.column(group_by)
    except KeyError:
        raise ValueError(
            f"group_by must be a column of hands.parquet or a .csv file, but got {group_by!r}."
        ) from None
    values = column.to_pylist()
    if values and not isinstance(values[0], str | int | float):
        raise ValueError(f"group_by must be a column of single values, but {group_by!r} is not.")
    if None in values or "" in values:  # no value: group these hands by video
        videos = pool.column("video_id").to_pylist()
        values = [f"video {video}" if value in (None, "") else f"group {value}"
                  for value, video in zip(values, videos, strict=True)]  # fmt: skip
    return _codes(values)


def _groups_of_videos(path: Path, video_ids: Sequence[str]) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"group_by must name an existing file, but got {path}.")
    groups: dict[str, str] = {}
    for row in read_rows(path, ["video_id", "group_id"]):
        if not row["group_id"].strip():
            continue  # an empty cell means no group
        group = f"group {row['group_id']}"
        if groups.setdefault(row["video_id"], group) != group:
            raise ValueError(
                f"{path} must have one group for each video, but has two for {row['video_id']!r}. "
                "Remove one of the rows."
            )
    num_found = len(groups.keys() & set(video_ids))
    if not num_found:
        raise ValueError(
            f"{path} must have ids of videos of the pool, but none of its {len(groups)} ids is in "
            f"the pool (in the table: {list(groups)[:3]}; in the pool: {list(video_ids)[:3]}). Use "
            "the ids of the pool's videos.csv."
        )
    logger.info("%s has groups for %d of %d videos", path, num_found, len(video_ids))
    if num_found < len(groups):
        logger.warning("%d ids of %s are not in the pool", len(groups) - num_found, path)
    return [groups.get(video, f"video {video}") for video in video_ids]


def _codes(values: Sequence) -> np.ndarray:
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int32)
