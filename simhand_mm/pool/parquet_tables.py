"""Tables of this package as parquet files: poses, predictions, detections and others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.schema import TEXTS, column_to_array, column_to_texts


def write_table(path: str | Path, table: pa.Table) -> None:
    """Write a table, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(
    path: str | Path,
    columns: Sequence[str],
    what: str,
    advice: str,
    schema: pa.Schema | None = None,
    filters: Any = None,
) -> pa.Table:
    """Read columns of a table.

    Args:
        path: The file.
        columns: Names of the columns.
        what: What the file must be, for messages, e.g. ``a table of detections``.
        advice: What to do if it is not.
        schema: Types to which the columns are converted.
        filters: See :func:`pyarrow.parquet.read_table`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a table with these columns.
    """
    path = Path(path)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"path must be {what}, but {path} {problem}. {advice}")
    try:
        lacking = set(columns) - set(pq.read_schema(path).names)
        if lacking:
            raise pa.ArrowInvalid(f"it lacks {', '.join(sorted(lacking))}")
        return pq.read_table(path, columns=list(columns), schema=schema, filters=filters)
    except (pa.ArrowException, OSError) as error:
        raise _not_readable(path, what, error, advice) from error


def read_columns(
    path: str | Path, columns: Sequence[str], what: str, advice: str
) -> dict[str, Any]:
    """Read columns of a table as arrays and lists.

    Args:
        path: The file.
        columns: Names of the columns.
        what: See :func:`read_table`.
        advice: See :func:`read_table`.

    Returns:
        Name -> array ``[N, ...]`` of a column of numbers, or list of str.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a table with these columns, or rows have another shape.
    """
    table = read_table(path, columns, what, advice)
    try:
        return {name: _values(table[name], name) for name in columns}
    except ValueError as error:
        raise _not_readable(path, what, error, advice) from error


def _values(column: pa.ChunkedArray, name: str) -> Any:
    return (column_to_texts if name in TEXTS else column_to_array)(column, name)


def _not_readable(path: str | Path, what: str, error: Exception, advice: str) -> ValueError:
    reason = str(error).partition("\n")[0].rstrip(".")
    return ValueError(f"{path} must be {what}, but it cannot be read: {reason}. {advice}")
