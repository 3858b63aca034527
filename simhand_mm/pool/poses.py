"""Labelled 3D hand poses in one format for all data sets: ``<data_root>/poses/<split>.parquet``."""

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.schema import POSES, ROW_SHAPES, column_to_array


def write_poses(path: str | Path, records: list[dict[str, Any]]) -> None:
    """Write labelled poses, atomically.

    Args:
        path: The ``.parquet`` file.
        records: One dict per sample with the keys of ``schema.POSES``. ``keypoints_3d`` in mm,
            camera frame; ``keypoints_2d`` and ``bbox_xyxy`` in px of the image.

    Raises:
        ValueError: If a record lacks a field or an array has the wrong shape.
    """
    columns = {name: [_row(record, name) for record in records] for name in POSES.names}
    table = pa.table(columns, schema=POSES)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_poses(path: str | Path) -> dict[str, Any]:
    """Read labelled poses.

    Returns:
        Column name -> array ``[N, ...]`` (numeric columns) or list of str.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing or its rows have the wrong shape, or an image is outside
            the data root.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"path must be a table of labelled poses, such as poses/test.parquet, but {path} "
            f"{'is a folder' if path.is_dir() else 'does not exist'}. Write the table with simhand "
            "convert or simhand synthesize, or correct the path (in configs: data_root)."
        )
    table = pq.read_table(path)
    missing = [name for name in POSES.names if name not in table.column_names]
    if missing:
        raise ValueError(
            f"{path} must have the columns of docs/data_format.md, but lacks {missing}. "
            "Convert the data set again."
        )
    numeric = [f.name for f in POSES if f.name in ROW_SHAPES or pa.types.is_integer(f.type)]
    try:
        poses: dict[str, Any] = {
            name: column_to_array(table[name], name) if name in numeric else table[name].to_pylist()
            for name in POSES.names
        }
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    _check_image_paths(poses["image_path"], path)
    return poses


def _check_image_paths(image_paths: list[str], path: Path) -> None:
    """By name alone: symbolic links inside the root may lead anywhere, as they do in labs."""
    for row, image_path in enumerate(image_paths):
        parts = PurePosixPath(image_path)
        if parts.is_absolute() or ".." in parts.parts:
            raise ValueError(
                f"image_path must be inside the data_root, but row {row} of {path} has "
                f"{image_path!r}. Convert the data set again."
            )


def _row(record: dict[str, Any], name: str) -> Any:
    if name not in record:
        raise ValueError(
            f"record must have the field {name!r}, but has only {sorted(record)}. "
            "See docs/data_format.md."
        )
    value = record[name]
    if name not in ROW_SHAPES:
        return value
    array = np.asarray(value)
    if array.shape != ROW_SHAPES[name]:
        raise ValueError(
            f"{name} must have shape {ROW_SHAPES[name]}, but got {array.shape} in sample "
            f"{record.get('sample_id')!r}. Correct the converter."
        )
    return array.ravel()
