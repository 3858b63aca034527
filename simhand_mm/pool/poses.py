"""Labelled 3D hand poses in one format for all data sets: ``<data_root>/poses/<split>.parquet``."""

from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from simhand_mm.pool.parquet_tables import read_columns, write_table
from simhand_mm.pool.schema import POSES, ROW_SHAPES, flat_row


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
    write_table(path, pa.table(columns, schema=POSES))


def read_poses(path: str | Path) -> dict[str, Any]:
    """Read labelled poses.

    Returns:
        Column name -> array ``[N, ...]`` (numeric columns) or list of str.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a table, a column is missing or its rows have the wrong shape,
            an id or image is missing, or an image is outside the data root.
    """
    advice = (
        "Write the table with simhand convert or simhand synthesize, or correct the path (in "
        "configs: data_root)."
    )
    what = "a table of labelled poses, such as poses/test.parquet"
    poses = read_columns(path, POSES.names, what, advice)
    for name in ("sample_id", "image_path"):
        if None in poses[name]:
            raise ValueError(
                f"{name} must be filled, but row {poses[name].index(None)} of {path} has none. "
                "Convert the data set again."
            )
    _check_image_paths(poses["image_path"], path)
    return poses


def _check_image_paths(image_paths: list[str], path: str | Path) -> None:
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
    return flat_row(name, value, f"sample {record['sample_id']!r}") if name in ROW_SHAPES else value
