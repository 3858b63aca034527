"""The table of hand boxes of any detector: ``detections.parquet``."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.parquet_tables import read_table

DETECTIONS = pa.schema(
    [
        ("video_id", pa.string()),
        ("frame_index", pa.int64()),
        ("bbox_xyxy", pa.list_(pa.float32(), 4)),
        ("score", pa.float32()),
        ("handedness", pa.string()),  # 'left', 'right' or '' for unknown
    ]
)
# Small, so that one video can be read without the others.
_ROW_GROUP = 20_000


@dataclass(frozen=True)
class HandBox:
    """Box of a hand in an image.

    Attributes:
        bbox_xyxy: ``[4]``, px of the image, tight around the hand; x2 and y2 exclusive.
        handedness: ``'left'`` or ``'right'``, the person's own hand, or '' if unknown.
        score: In [0, 1].
    """

    bbox_xyxy: np.ndarray
    handedness: str
    score: float = 1.0


def write_detections(path: str | Path, records: Iterable[dict[str, Any]]) -> int:
    """Write boxes, sorted by video and frame; the order within a frame is kept.

    Args:
        path: The file.
        records: Dicts with the columns of ``DETECTIONS``: ``bbox_xyxy`` ``[4]`` in px of the
            frame, x2 and y2 exclusive.

    Returns:
        The number of boxes.
    """
    records = sorted(records, key=lambda record: (record["video_id"], record["frame_index"]))
    for record in records:
        box = np.asarray(record["bbox_xyxy"], dtype=np.float64)
        if box.shape != (4,) or not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
            raise ValueError(
                f"bbox_xyxy must be x1 < x2, y1 < y2, but got {record['bbox_xyxy']} in video "
                f"{record['video_id']!r}, frame {record['frame_index']}. Drop the box."
            )
    table = pa.Table.from_pylist(
        [{**record, "bbox_xyxy": list(map(float, record["bbox_xyxy"]))} for record in records],
        schema=DETECTIONS,
    )
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, row_group_size=_ROW_GROUP)
    return len(table)


def read_detections(path: str | Path, video_id: str) -> list[dict[str, Any]]:
    """Read the boxes of one video, sorted by frame.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a table of detections.
    """
    what, advice = "a table of detections", "Create it with simhand convert-boxes."
    of_video = [("video_id", "=", video_id)]
    table = read_table(path, DETECTIONS.names, what, advice, DETECTIONS, of_video)
    if any(column.null_count for column in table.columns):
        raise ValueError(f"{path} must be {what}, but has empty fields for {video_id!r}. {advice}")
    return table.to_pylist()
