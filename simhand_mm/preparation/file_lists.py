"""Lists of files with what is known about each: CSV or parquet tables."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simhand_mm.pool import read_rows
from simhand_mm.preparation.input_files import InputFile, state_of

LIST_SUFFIXES = (".csv", ".tsv", ".parquet")
# Columns that say something else than what becomes a column of the pool of the same name.
PATH, GROUP, FRAME_INDEX, TIME_S = OWN_COLUMNS = ("path", "group", "frame_index", "time_s")


@dataclass(frozen=True)
class FileList:
    """The rows of a list.

    Attributes:
        names: Its columns.
        files: The files; their ``columns`` are the row as text.
    """

    names: Sequence[str]
    files: Sequence[InputFile]


def read_file_list(path: Path) -> FileList:
    """Read a list: a column ``path`` and any others.

    Paths are relative to the folder of the list and may not leave it.

    Args:
        path: A CSV table (as spreadsheets write it, too) or a parquet file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such table, has no rows, or a path leaves its folder.
    """
    rows = read_rows(path, [PATH])
    if not rows:
        raise ValueError(f"{path} must list files, but has no rows. Add one row per file.")
    files = [_to_file(path, row) for row in rows]
    return FileList(list(rows[0]), files)


def _to_file(list_path: Path, row: dict[str, str]) -> InputFile:
    root = list_path.parent
    name = os.path.normpath(root / row[PATH])
    relative = os.path.relpath(name, root)
    if not row[PATH] or relative.startswith("..") or relative == ".":
        raise ValueError(
            f"paths of {list_path} must name files below its folder, but one is {row[PATH]!r}. "
            "Put the list into the folder that holds all files, and write paths relative to it."
        )
    path = root / relative
    # A missing file is counted as one that cannot be read.
    return InputFile(Path(relative).as_posix(), path, state_of(path), row)
