"""Reading tables of 2D keypoints, writing tables of lifted poses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.functional.keypoints import NUM_KEYPOINTS, mirror_keypoints_3d
from simhand_mm.lifting.lifter import LiftedHands
from simhand_mm.pool.files import read_json
from simhand_mm.pool.parquet_tables import write_table
from simhand_mm.pool.reader import HandPool
from simhand_mm.pool.schema import array_to_column
from simhand_mm.pool.text_tables import decimal_point, read_rows

LIFTED = pa.schema(
    [
        ("hand_id", pa.string()),
        ("handedness", pa.string()),
        ("keypoints_3d", pa.list_(pa.float32(), NUM_KEYPOINTS * 3)),
        ("expected_error", pa.list_(pa.float32(), NUM_KEYPOINTS)),
        ("is_plausible", pa.bool_()),
    ],
    metadata={"unit": "wrist to middle MCP = 1; wrist at 0; axes of the camera"},
)


@dataclass(frozen=True)
class KeypointTable:
    """Hands to lift.

    Attributes:
        hand_id: ``[N]`` names; the output has the same.
        handedness: ``[N]`` 'left' or 'right'.
        keypoints_2d: ``[N, 21, 2]`` px; NaN where missing.
        camera_matrix: ``[N, 3, 3]`` px, or None.
        other_3d: ``[N, 21, 3]`` of another model, NaN where missing, or None.
    """

    hand_id: Sequence[str]
    handedness: np.ndarray
    keypoints_2d: np.ndarray
    camera_matrix: np.ndarray | None = None
    other_3d: np.ndarray | None = None


def read_keypoints(path: str | Path) -> KeypointTable:
    """Read keypoints from a pool, or from a ``.parquet``, ``.json`` or ``.csv`` file.

    Columns of a file: ``keypoints_2d``, 42 numbers (CSV: ``x0``, ``y0`` to ``x20``, ``y20``); and
    if they are there ``hand_id`` or ``sample_id``, ``handedness`` (right without it),
    ``camera_matrix``, 9 numbers, and ``other_3d``, 63 numbers. A JSON file is a list of such rows.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none of these, or a row has another number of values.
    """
    path = Path(path)
    if path.is_dir():
        return _of_pool(HandPool(path))
    if not path.is_file():
        raise FileNotFoundError(
            f"KEYPOINTS must be a pool or a file, but {path} does not exist. Correct the path."
        )
    readers = {".parquet": _rows_of_parquet, ".json": _rows_of_json, ".csv": _rows_of_csv}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise ValueError(
            f"KEYPOINTS must be a pool or end in {', '.join(readers)}, but got {path}. "
            "Convert the file."
        )
    return _of_rows(readers[suffix](path), path)


def _of_pool(pool: HandPool) -> KeypointTable:
    """Keypoints and 3D of the estimator; those of mirrored crops are mirrored back."""
    keypoints = np.array(pool.keypoints_2d, np.float64)
    flipped = pool.is_mirrored
    keypoints[flipped, :, 0] = pool.crop_size - 1 - keypoints[flipped, :, 0]
    other = np.array(pool.keypoints_3d, np.float64)
    other[flipped] = mirror_keypoints_3d(other[flipped])
    sides = np.array(["left", "right"])[pool.handedness_index]
    return KeypointTable(pool.column("hand_id").to_pylist(), sides, keypoints, other_3d=other)


def _rows_of_parquet(path: Path) -> list[dict[str, Any]]:
    wanted = ("hand_id", "sample_id", "handedness", "keypoints_2d", "camera_matrix", "other_3d")
    try:
        names = [name for name in pq.read_schema(path).names if name in wanted]
        return pq.read_table(path, columns=names).to_pylist()
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path} must be a parquet file, but reading it gives: {error}. Write it again."
        ) from error


def _rows_of_json(path: Path) -> list[dict[str, Any]]:
    rows = read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(
            f'{path} must be a list of rows, [{{"keypoints_2d": [...]}}, ...], but is not. '
            "Put the hands into one list."
        )
    return rows


def _rows_of_csv(path: Path) -> list[dict[str, Any]]:
    numbers = [f"{axis}{keypoint}" for keypoint in range(NUM_KEYPOINTS) for axis in "xy"]
    return [
        {
            # _numbers names the row of what is no number.
            "keypoints_2d": [decimal_point(row[name]) or "nan" for name in numbers],
            **{name: row[name] for name in ("hand_id", "sample_id", "handedness") if name in row},
        }
        for row in read_rows(path, numbers)
    ]


def _of_rows(rows: list[dict[str, Any]], path: Path) -> KeypointTable:
    names = [
        str(row.get("hand_id", row.get("sample_id", number))) for number, row in enumerate(rows)
    ]
    sides = np.array([str(row.get("handedness", "right")) for row in rows], dtype=str)
    columns = {
        name: _numbers(rows, name, shape, path)
        for name, shape in (("camera_matrix", (3, 3)), ("other_3d", (NUM_KEYPOINTS, 3)))
        if any(row.get(name) is not None for row in rows)
    }
    keypoints = _numbers(rows, "keypoints_2d", (NUM_KEYPOINTS, 2), path)
    return KeypointTable(names, sides, keypoints, **columns)


def _numbers(
    rows: list[dict[str, Any]], name: str, shape: tuple[int, ...], path: Path
) -> np.ndarray:
    """Return a column ``[N, *shape]``; NaN for rows without it."""
    column = np.full((len(rows), *shape), np.nan)
    for number, row in enumerate(rows):
        if row.get(name) is None:
            continue
        try:
            column[number] = np.array(row[name], np.float64).reshape(shape)
        except (TypeError, ValueError):
            raise ValueError(
                f"{name} must be {column[0].size} numbers, but row {number} of {path} has "
                f"{str(row[name])[:60]!r}. Correct the row."
            ) from None
    return column


def write_lifted(path: str | Path, table: KeypointTable, lifted: LiftedHands) -> None:
    """Write lifted poses, one row per hand, atomically."""
    columns = {
        "hand_id": list(table.hand_id),
        "handedness": table.handedness.tolist(),
        "keypoints_3d": array_to_column(lifted.keypoints_3d),
        "expected_error": array_to_column(lifted.expected_error),
        "is_plausible": lifted.is_plausible,
    }
    write_table(path, pa.table(columns, schema=LIFTED))
