"""Reading the tables of users as rows of text: parquet, and CSV, also of spreadsheet programs."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_DELIMITERS = ",;\t"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_rows(
    path: str | Path, columns: Sequence[str] = (), with_others: bool = True
) -> list[dict[str, str]]:
    """Read the rows of a table as dictionaries of text; a missing value of a parquet file is ''.

    The columns of a CSV table, which are named in its first line, may be separated by commas,
    semicolons or tabs. The text is UTF-8, with or without a byte order mark, or UTF-16 with one,
    with the line ends of any system. This includes files from Excel.

    Args:
        path: The file: parquet if it is named so, else CSV.
        columns: Required columns.
        with_others: Whether to read the other columns, too.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such table, lacks a column, or has a row with too few cells.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"path must be a CSV or parquet table, but {path} is not a file. Correct the path."
        )
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, columns, with_others)
    reader = _csv_reader(path)
    names = [name.strip() for name in next(reader, [])]
    _check_columns(path, names, columns)
    rows = []
    for cells in reader:
        if not any(cells):
            continue
        if len(cells) < len(names):
            raise ValueError(
                f"every row of {path} must have {len(names)} cells, but line {reader.line_num} has "
                f"{cells}. Correct the line."
            )
        row = dict(zip(names, cells, strict=False))
        rows.append(row if with_others else {name: row[name] for name in columns})
    return rows


def cell_text(value: object) -> str:
    """Return a value of a table as text; '' for None."""
    return "" if value is None else str(value)


def decimal_point(number: str) -> str:
    """Write a number with a decimal point, also if it has a decimal comma as in some countries."""
    return number.replace(",", ".")


def _read_parquet(path: Path, columns: Sequence[str], with_others: bool) -> list[dict[str, str]]:
    try:
        _check_columns(path, pq.read_schema(path).names, columns)
        rows = pq.read_table(path, columns=None if with_others else list(columns)).to_pylist()
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path} must be a parquet file, but reading it gives: {error}. Write it again, or "
            "name a CSV table .csv."
        ) from error
    return [{name: cell_text(value) for name, value in row.items()} for row in rows]


def _check_columns(path: Path, names: Sequence[str], columns: Sequence[str]) -> None:
    if not set(columns) <= set(names):
        word = "columns" if len(columns) > 1 else "column"
        raise ValueError(
            f"{path} must have the {word} {' and '.join(columns)}, but has {list(names)}. Name its "
            "columns so."
        )


def _csv_reader(path: Path) -> Any:
    text = _decode(path)
    first_line = text.split("\n", 1)[0].strip()
    if first_line.lower().startswith("sep=") and len(first_line) == 5:  # written by Excel
        delimiter, text = first_line[4], text.partition("\n")[2]
    else:
        delimiter = max(_DELIMITERS, key=first_line.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _decode(path: Path) -> str:
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be text in UTF-8, but has other bytes ({error.reason} at byte "
            f"{error.start}). Save it as 'CSV UTF-8'."
        ) from error
