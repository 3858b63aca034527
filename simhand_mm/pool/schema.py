"""Columns of the pool's tables. Every field is explained in docs/data_format.md."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from simhand_mm.functional.keypoints import NUM_KEYPOINTS

FORMAT_VERSION = 1

_KEYPOINTS_2D = pa.list_(pa.float32(), NUM_KEYPOINTS * 2)

HANDS = pa.schema(
    [
        ("hand_id", pa.string()),
        ("video_id", pa.string()),
        ("source", pa.string()),
        ("frame_index", pa.int64()),
        ("time_s", pa.float64()),
        ("handedness", pa.string()),
        ("is_mirrored", pa.bool_()),
        ("bbox_xyxy", pa.list_(pa.float32(), 4)),
        ("bbox_score", pa.float32()),
        ("keypoints_2d", _KEYPOINTS_2D),
        ("keypoint_score", pa.list_(pa.float32(), NUM_KEYPOINTS)),
        ("sharpness", pa.float32()),  # empty in older pools
        ("brightness", pa.float32()),  # as sharpness
        ("keypoints_3d", pa.large_list(pa.float32())),  # empty rows take no space; as sharpness
        ("shard", pa.int32()),
    ]
)

DROPS = pa.schema(
    [
        ("video_id", pa.string()),
        ("frame_index", pa.int64()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)

POSES = pa.schema(
    [
        ("sample_id", pa.string()),
        ("image_path", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("camera_matrix", pa.list_(pa.float64(), 9)),
        ("keypoints_3d", pa.list_(pa.float32(), NUM_KEYPOINTS * 3)),
        ("keypoints_2d", _KEYPOINTS_2D),
        ("keypoints_valid", pa.list_(pa.bool_(), NUM_KEYPOINTS)),
        ("bbox_xyxy", pa.list_(pa.float32(), 4)),
        ("handedness", pa.string()),
        ("subject_id", pa.string()),
        ("sequence_id", pa.string()),
        ("source", pa.string()),
    ]
)

# Shape of one row of the columns that are stored as flat fixed-size lists.
ROW_SHAPES = {
    "bbox_xyxy": (4,),
    "keypoints_2d": (NUM_KEYPOINTS, 2),
    "keypoint_score": (NUM_KEYPOINTS,),
    "keypoints_3d": (NUM_KEYPOINTS, 3),
    "keypoints_valid": (NUM_KEYPOINTS,),
    "camera_matrix": (3, 3),
}

# Columns of text, in tables of any kind.
TEXTS = {
    field.name for schema in (HANDS, POSES) for field in schema if pa.types.is_string(field.type)
}


@dataclass(frozen=True)
class HandRecord:
    """One hand crop: a row of ``hands.parquet`` and its JPEG."""

    hand_id: str
    video_id: str
    source: str
    frame_index: int
    time_s: float
    handedness: str
    is_mirrored: bool
    bbox_xyxy: np.ndarray
    bbox_score: float
    keypoints_2d: np.ndarray
    keypoint_score: np.ndarray
    crop: bytes
    sharpness: float = math.nan
    brightness: float = math.nan
    keypoints_3d: np.ndarray | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # those of pool.json: columns


@dataclass(frozen=True)
class DropRecord:
    """A dropped item and the reason. ``frame_index`` is -1 for a whole video."""

    video_id: str
    frame_index: int
    stage: str
    reason: str
    detail: str = ""


def hands_schema(columns: Iterable[str]) -> pa.Schema:
    """Return the columns of ``hands.parquet``, extra columns last.

    Raises:
        ValueError: If the name of an extra column is empty or already used.
    """
    schema = HANDS
    for name in columns:
        if not name or name in schema.names:
            raise ValueError(
                f"extra columns must have unique names, but got {name!r}, which is empty or "
                f"already used. Rename it; used names are: {', '.join(schema.names)}."
            )
        schema = schema.append(pa.field(name, pa.string()))
    return schema


def flat_row(name: str, value: object, owner: str) -> np.ndarray:
    """Return a value of a column of ``ROW_SHAPES`` as it is stored.

    Args:
        name: Name of the column.
        value: The value.
        owner: What has it, for the message.

    Raises:
        ValueError: If it does not have the shape of that column.
    """
    array = np.asarray(value)
    if array.shape != ROW_SHAPES[name]:
        raise ValueError(
            f"{name} must have shape {ROW_SHAPES[name]}, but got {array.shape} in {owner}. Correct "
            "what computes it."
        )
    return array.ravel()


def array_to_column(values: np.ndarray) -> pa.Array:
    """Return rows of numbers ``[N, ...]`` as a column of flat fixed-size lists of float32."""
    flat = pa.array(np.ascontiguousarray(values, np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, math.prod(values.shape[1:]))


def column_to_array(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """Return a numeric column as an array ``[N, *row shape]``, without a copy if possible.

    Rows that are empty are NaN. The numbers of a row may be nested in lists of any depth.

    Raises:
        ValueError: If the rows are not numbers of the shape of that column.
    """
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if name not in ROW_SHAPES:
        return array.to_numpy(zero_copy_only=False)
    shape = ROW_SHAPES[name]
    values = array
    while isinstance(values, (pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray)):
        values = values.flatten()
    if values is array or not (_is_number(values.type) or pa.types.is_null(values.type)):
        raise ValueError(
            f"{name} must have rows of shape {shape}, but is a column of {array.type}. Write the "
            "table again with the command that created it."
        )
    values = values.to_numpy(zero_copy_only=False)
    is_filled = ~np.asarray(array.is_null())
    if values.size != is_filled.sum() * math.prod(shape):
        raise ValueError(
            f"{name} must have rows of shape {shape}, but got {values.size} numbers in "
            f"{is_filled.sum()} rows. Write the table again with the command that created it."
        )
    values = values.reshape(-1, *shape)
    if is_filled.all():
        return values
    filled = np.full((len(array), *shape), np.nan, values.dtype)
    filled[is_filled] = values
    return filled


def column_to_texts(column: pa.ChunkedArray, name: str) -> list[str | None]:
    """Return a column of texts or whole numbers as texts; None where it is empty.

    Raises:
        ValueError: If it is a column of something else.
    """
    try:
        return column.cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ValueError(
            f"{name} must be a column of texts, but is one of {column.type}. Write the table again "
            "with the command that created it."
        ) from None


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
