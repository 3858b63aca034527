"""Reading CSV tables, including those saved by spreadsheet programs."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

_DELIMITERS = ",;\t"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_rows(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read the rows of a table with a header as dictionaries of text.

    Columns may be separated by commas, semicolons or tabs. The text is UTF-8, with or without a
    byte order mark, or UTF-16 with one, with the line ends of any system. This includes files from
    Excel.

    Args:
        path: The file.
        columns: Required columns; the table may have others.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a CSV table, lacks a column, or has a row with too few cells.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"path must be a CSV table, but {path} is not a file. Correct the path."
        )
    text = _decode(path)
    first_line = text.split("\n", 1)[0].strip()
    if first_line.lower().startswith("sep=") and len(first_line) == 5:  # written by Excel
        delimiter, text = first_line[4], text.partition("\n")[2]
    else:
        delimiter = max(_DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip() for name in next(reader, [])]
    missing = [name for name in columns if name not in names]
    if missing:
        raise ValueError(
            f"{path} must have the columns {' and '.join(columns)}, but has {names}. Write the "
            "column names into its first line."
        )
    rows = []
    for cells in reader:
        if any(cells):
            if len(cells) < len(names):
                raise ValueError(
                    f"every row of {path} must have {len(names)} cells, but line "
                    f"{reader.line_num} has {cells}. Correct the line."
                )
            rows.append(dict(zip(names, cells, strict=False)))
    return rows


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
