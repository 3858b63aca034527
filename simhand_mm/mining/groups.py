"""Groups of hands that are never paired as similar: by default, the hands of a video."""

from collections.abc import Sequence

import numpy as np

from simhand_mm.pool import HandPool, read_rows
from simhand_mm.pool.labels import look_up


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
        rows = read_rows(group_by, ["video_id", "group_id"])
        groups = look_up(rows, "video_id", "group_id", pool.video_ids, group_by)
        return _codes(_or_video(groups, pool.video_ids))[pool.video_index]
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
        values = _or_video(values, pool.column("video_id").to_pylist())
    return _codes(values)


def _or_video(groups: Sequence, video_ids: Sequence[str]) -> list[str]:
    """Name groups; a missing one is that of the video."""
    return [
        f"video {video}" if group in (None, "") else f"group {group}"
        for group, video in zip(groups, video_ids, strict=True)
    ]


def _codes(values: Sequence) -> np.ndarray:
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int32)
