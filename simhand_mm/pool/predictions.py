"""Predictions of a model for a table of poses, one row per hand: ``predictions.parquet``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.schema import ROW_SHAPES, column_to_array

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
    columns = {"sample_id": pa.array(list(predictions["sample_id"]), pa.string())}
    for name in PREDICTIONS.names[1:]:
        values = pa.array(np.asarray(predictions[name], np.float32).ravel())
        if name in ROW_SHAPES:
            values = pa.FixedSizeListArray.from_arrays(values, int(np.prod(ROW_SHAPES[name])))
        columns[name] = values
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns, schema=PREDICTIONS), temporary, compression="zstd")


def read_predictions(
    path: str | Path, columns: Sequence[str] = ("keypoints_3d",)
) -> dict[str, np.ndarray]:
    """Read columns of a table of predictions.

    Args:
        path: The ``.parquet`` file.
        columns: Columns to read in addition to ``sample_id``.

    Returns:
        ``sample_id`` as a list, and each column as an array ``[N, ...]``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a table with these columns.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"predictions must be a file, but {path} does not exist. Write it with "
            "simhand test --dump."
        )
    try:
        table = pq.read_table(path, columns=["sample_id", *columns])
        arrays = {name: column_to_array(table[name], name) for name in columns}
    except (KeyError, OSError, ValueError) as error:  # pyarrow's errors are among these
        raise ValueError(
            f"{path} must be a table of predictions with the columns sample_id, "
            f"{', '.join(columns)}, but it cannot be read: {str(error).partition(chr(10))[0]}. "
            "Write it with simhand test --dump."
        ) from error
    return {"sample_id": table["sample_id"].to_pylist(), **arrays}
