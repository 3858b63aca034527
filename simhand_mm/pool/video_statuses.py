"""The status of each video: what was made of its file (``videos.csv``)."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.text_tables import read_rows


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
