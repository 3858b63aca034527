"""Lists of hand ids: text files, CSV or parquet tables that name some hands of a pool."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.reader import HandPool
from simhand_mm.pool.text_tables import read_rows


def read_hand_ids(path: Path) -> list[str]:
    """Read the ids of a list: one per line, or the column ``hand_id`` of a CSV or parquet table.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a table has no column ``hand_id``.
    """
    if path.suffix.lower() in (".csv", ".parquet"):
        return [row["hand_id"] for row in read_rows(path, ["hand_id"], with_others=False)]
    return list(filter(None, path.read_text(encoding="utf-8-sig").splitlines()))


def find_listed_hands(path: Path, pool: HandPool) -> tuple[np.ndarray, list[str]]:
    """Find the hands of a list in a pool.

    Returns:
        Their rows ``[L]``, and the ids that are not in the pool.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has ids, but none of this pool.
    """
    ids = read_hand_ids(path)
    rows = pool.rows_of(ids)
    if len(ids) and (rows < 0).all():
        own = repr(pool.hand_id(0)) if len(pool) else "none"
        raise ValueError(
            f"{path} must name hands of {pool.root}, but none of its {len(ids)} ids does (first: "
            f"{ids[0]!r}; in the pool: {own}). Choose another file."
        )
    return rows[rows >= 0], [ids[k] for k in np.flatnonzero(rows < 0)]


def write_hand_ids(path: Path, hand_ids: Iterable[str]) -> None:
    """Write a CSV table with the column ``hand_id``, atomically."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["hand_id"])
        writer.writerows([hand_id] for hand_id in hand_ids)
