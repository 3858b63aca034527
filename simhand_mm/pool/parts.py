"""A part: the file of one or several finished videos, written atomically.

A part is an Arrow file with one row per hand, including its crop. Its metadata contain the status
of each video, the identity of its file, and what was dropped. A large group of images is split
into pieces, each with a part of its own; many small ones share a part.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.schema import (
    DROPS,
    HANDS,
    ROW_SHAPES,
    DropRecord,
    HandRecord,
    flat_row,
    hands_schema,
)
from simhand_mm.pool.video_statuses import VideoStatus

_MAX_OPEN_PARTS = 64


@dataclass(frozen=True)
class FinishedVideo:
    """What becomes of a video, or of a piece of one.

    Attributes:
        status: Its status.
        hands: Its hands.
        drops: What was dropped, with reasons.
        piece: Number of the piece, from 0.
        num_pieces: Number of pieces of the video.
    """

    status: VideoStatus
    hands: Sequence[HandRecord]
    drops: Sequence[DropRecord]
    piece: int = 0
    num_pieces: int = 1


@dataclass(frozen=True)
class PartEntry:
    """Where a finished video, or a piece of one, is stored.

    Attributes:
        status: Its status.
        piece: Number of the piece, from 0.
        num_pieces: Number of pieces of the video.
        path: The part.
        first_hand: Its first row in the part.
        first_drop: Its first drop in the part.
        generation: Of several entries of the same piece, that of the latest run is valid.
    """

    status: VideoStatus
    piece: int
    num_pieces: int
    path: Path
    first_hand: int
    first_drop: int
    generation: int


def part_path(parts_dir: Path, videos: Sequence[FinishedVideo]) -> Path:
    """Path of a part; hashed, because ids may be long and contain any character."""
    names = [
        f"{video.status.video_id}\0{video.piece}" if video.piece else video.status.video_id
        for video in videos
    ]
    return parts_dir / f"{hashlib.sha256(chr(0).join(names).encode()).hexdigest()[:24]}.arrow"


def write_part(
    path: Path,
    videos: Sequence[FinishedVideo],
    extra_columns: Sequence[str] = (),
    generation: int = 0,
) -> None:
    """Write a part atomically.

    Args:
        path: The file.
        videos: The videos.
        extra_columns: Names of the extra columns to write.
        generation: See :class:`PartEntry`.

    Raises:
        OSError: If the disk is full or read-only.
    """
    hands = [
        hand
        for video in videos
        for hand in sorted(video.hands, key=lambda hand: (hand.frame_index, hand.hand_id))
    ]
    schema = _part_schema(hands_schema(extra_columns))
    columns = {name: [_value(hand, name) for hand in hands] for name in schema.names}
    metadata = {
        "videos": json.dumps([[asdict(v.status), v.piece, v.num_pieces] for v in videos]),
        "drops": json.dumps([asdict(drop) for video in videos for drop in video.drops]),
        "generation": str(generation),
    }
    schema = schema.with_metadata(metadata)
    table = pa.table(columns, schema=schema)
    with atomic_path(path) as temporary, pa.OSFile(str(temporary), "wb") as sink:
        with pa.ipc.new_file(sink, schema) as writer:
            writer.write_table(table)


def read_entries(path: Path) -> list[PartEntry]:
    """Read what a part holds.

    Raises:
        pyarrow.ArrowInvalid: If the file is not a complete part.
    """
    with pa.memory_map(str(path)) as source:
        metadata = pa.ipc.open_file(source).schema.metadata
    if b"status" in metadata:  # older parts hold one video
        videos = [[json.loads(metadata[b"status"]), 0, 1]]
    else:
        videos = json.loads(metadata[b"videos"])
    generation = int(metadata.get(b"generation", 0))
    entries, first_hand, first_drop = [], 0, 0
    for values, piece, num_pieces in videos:
        status = VideoStatus(**values)
        entries.append(
            PartEntry(status, piece, num_pieces, path, first_hand, first_drop, generation)
        )
        first_hand += status.num_hands
        first_drop += status.num_drops
    return entries


def valid_entries(entries: Iterable[PartEntry]) -> dict[str, list[PartEntry]]:
    """Return the valid entries of each video, sorted by id and piece.

    Of several entries of a piece, the latest is valid. Pieces of a group that has changed since
    they were made are not.
    """
    newest: dict[tuple[str, int], PartEntry] = {}
    latest: dict[str, PartEntry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.generation, entry.path)):
        newest[entry.status.video_id, entry.piece] = entry
        latest[entry.status.video_id] = entry
    valid: dict[str, list[PartEntry]] = {}
    for (video_id, _), entry in sorted(newest.items()):
        now = latest[video_id]
        if (entry.num_pieces, entry.status.source_file) == (now.num_pieces, now.status.source_file):
            valid.setdefault(video_id, []).append(entry)
    return valid


def joined_status(entries: Sequence[PartEntry]) -> VideoStatus | None:
    """Status of a video, from its valid entries; None if pieces are missing."""
    if len(entries) < entries[0].num_pieces:
        return None
    if len(entries) == 1:
        return entries[0].status
    statuses = [entry.status for entry in entries]
    failures = [status.failure for status in statuses]
    problems = [status.problem or status.failure for status in statuses]
    return replace(
        statuses[0],
        failure=failures[0] if all(failures) else "",
        problem="" if all(failures) else next(filter(None, problems), ""),
        num_frames=sum(status.num_frames for status in statuses),
        num_hands=sum(status.num_hands for status in statuses),
        num_drops=sum(status.num_drops for status in statuses),
        seconds=sum(status.seconds for status in statuses),
    )


def _part_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a part for the schema of a pool."""
    return schema.remove(schema.get_field_index("shard")).append(pa.field("crop", pa.binary()))


def read_hands(entries: Sequence[PartEntry], schema: pa.Schema = HANDS) -> Iterator[pa.Table]:
    """Yield the hands of each entry, with crops.

    Args:
        entries: The entries, in the order in which they are read.
        schema: Columns of the pool; columns that an older part lacks are empty.
    """
    schema = _part_schema(schema)
    opened: dict[Path, pa.Table] = {}
    for entry in entries:
        if entry.path not in opened:
            if len(opened) >= _MAX_OPEN_PARTS:
                del opened[next(iter(opened))]
            opened[entry.path] = _read_table(entry.path, schema)
        yield opened[entry.path].slice(entry.first_hand, entry.status.num_hands)


def read_drops(entries: Sequence[PartEntry]) -> Iterator[pa.Table]:
    """Yield the drops of each entry that has some."""
    opened: dict[Path, list[Any]] = {}
    for entry in entries:
        if not entry.status.num_drops:
            continue
        if entry.path not in opened:
            if len(opened) >= _MAX_OPEN_PARTS:
                del opened[next(iter(opened))]
            with pa.memory_map(str(entry.path)) as source:
                metadata = pa.ipc.open_file(source).schema.metadata
            opened[entry.path] = json.loads(metadata[b"drops"])
        end = entry.first_drop + entry.status.num_drops
        yield pa.Table.from_pylist(opened[entry.path][entry.first_drop : end], schema=DROPS)


def _read_table(path: Path, schema: pa.Schema) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        hands = pa.ipc.open_file(source).read_all()
    for field in schema:
        if field.name not in hands.column_names:
            hands = hands.append_column(field, pa.nulls(len(hands), field.type))
    return hands.select(schema.names).replace_schema_metadata(None)


def _value(hand: HandRecord, name: str) -> Any:
    if name not in HANDS.names and name != "crop":
        return hand.columns.get(name, "")
    value = getattr(hand, name)
    if name not in ROW_SHAPES or value is None:
        return value
    return flat_row(name, np.asarray(value, np.float32), f"hand {hand.hand_id!r}")
