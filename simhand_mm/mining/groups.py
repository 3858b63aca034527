"""Groups of hands that are never paired as similar: by default, the hands of a video."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simhand_mm.pool import HandPool, read_rows

logger = logging.getLogger(__name__)


def group_codes(pool: HandPool, group_by: str = "video_id") -> np.ndarray:
    """Return the group of each hand.

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
            "group_by must be a column of hands.parquet, such as video_id or source, or a .csv "
            f"file of simhand find-duplicates, but got {group_by!r}. Correct the name."
        ) from None
    values = column.to_pylist()
    if values and not isinstance(values[0], str | int | float):
        raise ValueError(f"group_by must be a column of single values, but {group_by!r} is not.")
    if None in values or "" in values:
        videos = pool.column("video_id").to_pylist()
        values = [
            f"video {video}" if value in (None, "") else f"group {value}"
            for value, video in zip(values, videos, strict=True)
        ]
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
