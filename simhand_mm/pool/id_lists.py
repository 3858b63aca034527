"""Lists of hand ids: text files, CSV or parquet tables that name some hands of a pool."""

import csv
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from simhand_mm.pool.csv_tables import read_rows
from simhand_mm.pool.files import atomic_path


def read_hand_ids(path: Path) -> list[str]:
    """Read the ids of a list: one per line, or the column ``hand_id`` of a CSV or parquet table.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a table has no column ``hand_id``.
    """
    if path.suffix.lower() == ".parquet":
        names = pq.read_schema(path).names
        if "hand_id" not in names:
            raise ValueError(f"{path} must have a column hand_id, but has {names}. Rename one.")
        return pq.read_table(path, columns=["hand_id"])["hand_id"].to_pylist()
    if path.suffix.lower() == ".csv":
        return [row["hand_id"] for row in read_rows(path, ["hand_id"])]
    return list(filter(None, path.read_text(encoding="utf-8-sig").splitlines()))


def write_hand_ids(path: Path, hand_ids: Iterable[str]) -> None:
    """Write a CSV table with the column ``hand_id``, atomically."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["hand_id"])
        writer.writerows([hand_id] for hand_id in hand_ids)
