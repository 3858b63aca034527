"""Labels of the hands in a pool: columns of the pool, or a table provided by the user."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool.csv_tables import read_rows
from simhand_mm.pool.reader import HandPool

logger = logging.getLogger(__name__)

_KEYS = ("hand_id", "video_id")


def read_labels(
    pool: HandPool, columns: Sequence[str], table: str | Path | None = None
) -> list[list[str]]:
    """Read text labels of each hand; empty if a hand has none.

    Args:
        pool: The pool.
        columns: Column names, in the table or in ``hands.parquet``.
        table: CSV or parquet table with ``hand_id`` or ``video_id``, and one column per
            label. CSV files from spreadsheet programs are accepted.

    Returns:
        A list of N values per column.

    Raises:
        FileNotFoundError: If the table does not exist.
        ValueError: If a column is missing, the table contains no hand of the pool, or two values
            for one hand.
    """
    rows = [] if table is None else _read_table(Path(table))
    in_table = set(rows[0]) - set(_KEYS) if rows else set()
    looked_up = [name for name in columns if name in in_table]
    found = _look_up(pool, Path(table), rows, looked_up) if table and looked_up else {}
    return [found[name] if name in found else _own_column(pool, name, table) for name in columns]


def _read_table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise FileNotFoundError(
            f"table must be a CSV or parquet file, but {path} is not a file. Correct the path."
        )
    if path.suffix.lower() != ".parquet":
        return read_rows(path, [])
    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"table must be a parquet file, but reading {path} gives: {error}. Write it again, or "
            "name a CSV file .csv."
        ) from error
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _look_up(
    pool: HandPool, path: Path, rows: list[dict[str, str]], names: list[str]
) -> dict[str, list[str]]:
    key = next((key for key in _KEYS if key in rows[0]), None)
    if key is None:
        raise ValueError(
            f"{path} must have a column hand_id or video_id, but has {list(rows[0])}. Add one."
        )
    values: dict[str, tuple[str, ...]] = {}
    for row in rows:
        value = tuple(row[name].strip() for name in names)
        if values.setdefault(row[key], value) != value:
            raise ValueError(
                f"{path} must have one row per {key}, but has two different ones for "
                f"{row[key]!r}. Remove one of them."
            )
    keys = [_text(value) for value in pool.column(key).to_pylist()]
    num_found = len(values.keys() & set(keys))
    if not num_found:
        raise ValueError(
            f"{path} must contain hands of the pool, but none of its {len(values)} values of {key} "
            f"is in the pool (in the table: {list(values)[:3]}; in the pool: {keys[:3]}). Write "
            "the ids as in the pool's videos.csv."
        )
    logger.info("%s: %d of %d values of %s are in the pool", path, num_found, len(values), key)
    nothing = ("",) * len(names)
    of_hands = zip(*(values.get(k, nothing) for k in keys), strict=True)
    return {name: list(column) for name, column in zip(names, of_hands, strict=True)}


def _own_column(pool: HandPool, name: str, table: str | Path | None) -> list[str]:
    try:
        column = pool.column(name)
    except KeyError:
        place = "hands.parquet" if table is None else f"{table} or hands.parquet"
        raise ValueError(
            f"column must be one of {place}, but got {name!r}. Correct the name, or pass a table "
            "with this column."
        ) from None
    if pa.types.is_nested(column.type) and not pa.types.is_dictionary(column.type):
        raise ValueError(f"column must have single values, but {name!r} has {column.type}.")
    return [_text(value) for value in column.to_pylist()]


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
