"""Labels of hands and of videos: columns of the pool, or a table provided by the user."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from simhand_mm.pool.reader import HandPool
from simhand_mm.pool.text_tables import cell_text, read_rows

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
    rows = [] if table is None else read_rows(table)
    in_table = list(rows[0]) if rows else []
    names = [name for name in columns if name in in_table and name not in _KEYS]
    found = {}
    if names:
        key = next((key for key in _KEYS if key in in_table), None)
        if key is None:
            raise ValueError(
                f"{table} must have a column hand_id or video_id, but has {in_table}. Add one."
            )
        ids = [cell_text(value) for value in pool.column(key).to_pylist()]
        found = {name: look_up(rows, key, name, ids, str(table)) for name in names}
    return [found[name] if name in found else _own_column(pool, name, table) for name in columns]


def look_up(
    rows: Sequence[dict[str, str]], key: str, column: str, ids: Sequence[str], table: str
) -> list[str]:
    """Look the values of a column up in a table of a user.

    Args:
        rows: Rows of the table.
        key: Column with the ids.
        column: Column with the values.
        ids: Ids to look up, those of the pool.
        table: Name of the table, for messages.

    Returns:
        The value of each id; '' for ids that are not in the table.

    Raises:
        ValueError: If the table has two values for an id, or none of the ids.
    """
    values: dict[str, str] = {}
    for row in rows:
        value = row[column].strip()
        if values.setdefault(row[key], value) != value:
            raise ValueError(
                f"{table} must have one {column} for each {key}, but has two for {row[key]!r}. "
                "Remove one of the rows."
            )
    num_found = len(values.keys() & set(ids))
    if not num_found:
        raise ValueError(
            f"{table} must contain hands of the pool, but none of its {len(values)} values of "
            f"{key} is in the pool (in the table: {list(values)[:3]}; in the pool: "
            f"{list(dict.fromkeys(ids))[:3]}). Write the ids as in the pool's videos.csv."
        )
    level = logging.INFO if num_found == len(values) else logging.WARNING
    found = (num_found, len(values), key, table)
    logger.log(level, "%d of %d values of %s of %s are in the pool", *found)
    return [values.get(name, "") for name in ids]


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
    return [cell_text(value).strip() for value in column.to_pylist()]
