"""A part: the file of one finished video, written atomically.

A part is an Arrow file with one row per hand, including its crop. Its metadata contain the status
of the video, the identity of its file, and what was dropped.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simhand_mm.pool.csv_tables import read_rows
from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.schema import (
    DROPS,
    HANDS,
    ROW_SHAPES,
    DropRecord,
    HandRecord,
    hands_schema,
)


@dataclass(frozen=True)
class SourceFile:
    """Identity of the file from which a video was read; if it differs, the file has changed.

    Attributes:
        name: Path relative to the folder of videos; '' if unknown.
        num_bytes: Size of the file; -1 if it does not exist.
        modified_s: Modification time in whole seconds since 1970 (copying may lose fractions of
            a second); -1 if the file does not exist.
    """

    name: str = ""
    num_bytes: int = -1
    modified_s: int = -1


@dataclass(frozen=True)
class VideoStatus:
    """Status of a prepared video.

    Attributes:
        video_id: Id of the video.
        failure: Reason why the video could not be used at all, or ''.
        num_frames: Number of frames processed.
        num_hands: Number of hands in the pool.
        num_drops: Number of dropped items.
        seconds: Processing time.
        problem: Reason why only a part of the video could be used, or ''.
        file: Path of its file, see :class:`SourceFile`.
        num_bytes: Size of the file.
        modified_s: Modification time of the file.
    """

    video_id: str
    failure: str = ""
    num_frames: int = 0
    num_hands: int = 0
    num_drops: int = 0
    seconds: float = 0.0
    problem: str = ""
    file: str = ""
    num_bytes: int = -1
    modified_s: int = -1

    @property
    def source_file(self) -> SourceFile:
        """The file from which the video was read."""
        return SourceFile(self.file, self.num_bytes, self.modified_s)


def part_path(parts_dir: Path, video_id: str) -> Path:
    """Path of a part; hashed, because ids may be long and contain any character."""
    return parts_dir / f"{hashlib.sha256(video_id.encode()).hexdigest()[:24]}.arrow"


def write_part(
    path: Path,
    status: VideoStatus,
    hands: Sequence[HandRecord],
    drops: Sequence[DropRecord],
    extra_columns: Sequence[str] = (),
) -> None:
    """Write a part atomically.

    Args:
        path: The file.
        status: Status of the video.
        hands: Its hands.
        drops: What was dropped, with reasons.
        extra_columns: Names of the extra columns to write.

    Raises:
        OSError: If the disk is full or read-only.
    """
    hands = sorted(hands, key=lambda hand: (hand.frame_index, hand.hand_id))
    schema = _part_schema(hands_schema(extra_columns))
    columns = {name: [_value(hand, name) for hand in hands] for name in schema.names}
    metadata = {
        "status": json.dumps(asdict(status)),
        "drops": json.dumps([asdict(drop) for drop in drops]),
    }
    schema = schema.with_metadata(metadata)
    table = pa.table(columns, schema=schema)
    with atomic_path(path) as temporary, pa.OSFile(str(temporary), "wb") as sink:
        with pa.ipc.new_file(sink, schema) as writer:
            writer.write_table(table)


def read_status(path: Path) -> VideoStatus:
    """Read the status of the video in a part.

    Raises:
        pyarrow.ArrowInvalid: If the file is not a complete part.
    """
    with pa.memory_map(str(path)) as source:
        return VideoStatus(**json.loads(pa.ipc.open_file(source).schema.metadata[b"status"]))


def _part_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a part for the schema of a pool."""
    return schema.remove(schema.get_field_index("shard")).append(pa.field("crop", pa.binary()))


def read_parts(
    paths: Sequence[Path], schema: pa.Schema = HANDS
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield hands (with crops) and drops, one part at a time.

    Args:
        paths: The parts.
        schema: Columns of the pool; columns that an older part lacks are empty.
    """
    schema = _part_schema(schema)
    for path in paths:
        with pa.memory_map(str(path)) as source:
            hands = pa.ipc.open_file(source).read_all()
            drops = json.loads(hands.schema.metadata[b"drops"])
            for field in schema:
                if field.name not in hands.column_names:
                    hands = hands.append_column(field, pa.nulls(len(hands), field.type))
            hands = hands.select(schema.names).replace_schema_metadata(None)
            yield hands, pa.Table.from_pylist(drops, schema=DROPS)


def write_statuses(path: Path, statuses: Sequence[VideoStatus]) -> None:
    """Write a CSV table with one row per video."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(VideoStatus)])
        writer.writeheader()
        writer.writerows(asdict(status) for status in statuses)


def read_statuses(path: Path) -> dict[str, VideoStatus]:
    """Read a table of statuses by video id; columns that older tables lack get their defaults."""
    kinds: dict[str, Any] = {f.name: type(f.default) for f in fields(VideoStatus)[1:]}
    return {
        row["video_id"]: VideoStatus(
            row["video_id"],
            **{name: kind(row[name]) for name, kind in kinds.items() if name in row},
        )
        for row in read_rows(path, ["video_id"])
    }


def _value(hand: HandRecord, name: str) -> Any:
    if name not in HANDS.names and name != "crop":
        return hand.columns.get(name, "")
    value = getattr(hand, name)
    if name not in ROW_SHAPES or value is None:
        return value
    array = np.asarray(value, dtype=np.float32)
    if array.shape != ROW_SHAPES[name]:
        raise ValueError(
            f"{name} must have shape {ROW_SHAPES[name]}, but got {array.shape} in hand "
            f"{hand.hand_id!r}. Correct the estimator."
        )
    return array.ravel()
