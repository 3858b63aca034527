"""One finished video: a file that is there as a whole or not at all.

A part is an Arrow file: one row per hand with its crop, and in the metadata what became of the
video, which file it came from, and what was left out of it.
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
    """Identity of the file that a video was read from; if it differs, the file changed.

    Attributes:
        name: Path below the folder of videos; '' if it is not known.
        num_bytes: Its size; -1 if there is no such file.
        modified_s: When it was last changed, in whole seconds since 1970 (finer times do not
            survive every copy); -1 if there is no such file.
    """

    name: str = ""
    num_bytes: int = -1
    modified_s: int = -1


@dataclass(frozen=True)
class VideoStatus:
    """What became of a video.

    Attributes:
        video_id: Id of the video.
        failure: Reason why nothing of it could be used, or ''.
        num_frames: Frames looked at.
        num_hands: Hands in the pool.
        num_drops: Things left out.
        seconds: Time that it took.
        problem: Reason why only a part of it could be used, or ''.
        file: See :class:`SourceFile`, as are the following ones.
        num_bytes: Size of the file.
        modified_s: When the file was last changed.
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
        """The file that the video was read from."""
        return SourceFile(self.file, self.num_bytes, self.modified_s)


def part_path(parts_dir: Path, video_id: str) -> Path:
    """File of a video; hashed, because ids may hold any character and be long."""
    return parts_dir / f"{hashlib.sha256(video_id.encode()).hexdigest()[:24]}.arrow"


def write_part(
    path: Path,
    status: VideoStatus,
    hands: Sequence[HandRecord],
    drops: Sequence[DropRecord],
    extra_columns: Sequence[str] = (),
) -> None:
    """Write a part at once.

    Args:
        path: The file.
        status: What became of the video.
        hands: Its hands.
        drops: What was left out of it.
        extra_columns: Which of the extra columns of the hands to write.

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
    """What became of the video of a part.

    Raises:
        pyarrow.ArrowInvalid: If the file is not a whole part.
    """
    with pa.memory_map(str(path)) as source:
        return VideoStatus(**json.loads(pa.ipc.open_file(source).schema.metadata[b"status"]))


def _part_schema(schema: pa.Schema) -> pa.Schema:
    """From the columns of a pool to those of a part."""
    return schema.remove(schema.get_field_index("shard")).append(pa.field("crop", pa.binary()))


def read_parts(
    paths: Sequence[Path], schema: pa.Schema = HANDS
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Hands (with crops) and drops of parts, one part at a time.

    Args:
        paths: The parts.
        schema: Columns of the pool; those that an older part lacks are empty.
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
    """Write a table for people and programs, one row per video."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(VideoStatus)])
        writer.writeheader()
        writer.writerows(asdict(status) for status in statuses)


def read_statuses(path: Path) -> dict[str, VideoStatus]:
    """The statuses of a table, by video id; columns that older tables lack have their defaults."""
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
    if name not in ROW_SHAPES:
        return value
    array = np.asarray(value, dtype=np.float32)
    if array.shape != ROW_SHAPES[name]:
        raise ValueError(
            f"{name} must have shape {ROW_SHAPES[name]}, but got {array.shape} in hand "
            f"{hand.hand_id!r}. Correct the estimator."
        )
    return array.ravel()
