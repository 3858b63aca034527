"""Predictions of a model for a table of poses, one row per hand: ``predictions.parquet``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.pool.parquet_tables import read_columns, write_table
from simhand_mm.pool.schema import ROW_SHAPES, array_to_column

# keypoints_3d: mm, camera frame. keypoints_2d: px of the image.
PREDICTIONS = pa.schema(
    [
        ("sample_id", pa.string()),
        ("keypoints_3d", pa.list_(pa.float32(), NUM_KEYPOINTS * 3)),
        ("keypoints_2d", pa.list_(pa.float32(), NUM_KEYPOINTS * 2)),
        ("keypoint_score", pa.list_(pa.float32(), NUM_KEYPOINTS)),
        ("error_mm", pa.float32()),
    ]
)


def write_predictions(path: str | Path, predictions: Mapping[str, Any]) -> None:
    """Write a table of predictions, atomically.

    Args:
        path: The ``.parquet`` file.
        predictions: ``sample_id``, ``keypoints_3d [N, 21, 3]`` in mm, camera frame,
            ``keypoints_2d [N, 21, 2]`` in px of the image, ``keypoint_score [N, 21]`` and
            ``error_mm [N]`` under the protocol ``root_scale``.
    """
    columns = {
        "sample_id": list(predictions["sample_id"]),
        "error_mm": np.asarray(predictions["error_mm"], np.float32),
        **{
            name: array_to_column(np.reshape(predictions[name], (-1, *ROW_SHAPES[name])))
            for name in ("keypoints_3d", "keypoints_2d", "keypoint_score")
        },
    }
    write_table(path, pa.table(columns, schema=PREDICTIONS))


def read_predictions(
    path: str | Path, columns: Sequence[str] = ("keypoints_3d",), optional: Sequence[str] = ()
) -> dict[str, Any]:
    """Read columns of a table of predictions.

    Args:
        path: The ``.parquet`` file.
        columns: Columns to read in addition to ``sample_id``.
        optional: Further columns, which are NaN if the file lacks them.

    Returns:
        ``sample_id`` as a list, and each column as an array ``[N, ...]``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a table with these columns, or an id is missing or there twice.
    """
    what, advice = (
        "a table of predictions",
        "Write it with simhand test --dump (others: docs/protocols.md).",
    )
    table = read_columns(path, ["sample_id", *columns], what, advice)
    check_sample_ids(table["sample_id"], path)
    names = pq.read_schema(path).names
    table |= read_columns(path, [name for name in optional if name in names], what, advice)
    for name in set(optional) - set(names):
        table[name] = np.full((len(table["sample_id"]), *ROW_SHAPES[name]), np.nan, np.float32)
    return table


def check_sample_ids(sample_ids: Sequence[str | None], path: str | Path) -> None:
    """Check that each row has an id of its own, without which rows cannot be matched.

    Args:
        sample_ids: The ids of a table.
        path: The table, for the message.

    Raises:
        ValueError: If an id is missing, or there twice.
    """
    (most, count), *_ = Counter(sample_ids).most_common(1) or [("", 0)]
    if None in sample_ids or count > 1:
        wrong = f"{most!r} is in {count} rows" if count > 1 else "a row has none"
        raise ValueError(
            f"sample_id must be another one in each row of {path}, but {wrong}. Give every row an "
            "id of its own."
        )
