"""Hand boxes from a CSV table, also as written by spreadsheet programs.

Columns: ``video_id``, ``frame_index``, ``x1``, ``y1``, ``x2``, ``y2`` (px, x2 and y2 exclusive).
Optional columns: ``score``, ``handedness``.
"""

from pathlib import Path

from simhand_mm.converters.boxes import DEFAULT_MIN_SCORE, BoxConversion, parse_side
from simhand_mm.pool.text_tables import decimal_point, read_rows

_CORNERS = ("x1", "y1", "x2", "y2")


def convert_csv_boxes(path: str | Path, min_score: float = DEFAULT_MIN_SCORE) -> BoxConversion:
    """Read a table of boxes.

    Args:
        path: The table.
        min_score: Boxes with a lower score are dropped; without the column every score is 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a table, or a column is missing.
    """
    conversion = BoxConversion(min_score)
    frames = set()
    rows = read_rows(path, ["video_id", "frame_index", *_CORNERS])
    for number, row in enumerate(rows, start=1):
        place = f"{path}, box {number}"
        try:
            frame = (row["video_id"], int(row["frame_index"]))
            box = [float(decimal_point(row[name])) for name in _CORNERS]
            score = float(decimal_point(row.get("score") or "1"))
            side = parse_side(row["handedness"]) if row.get("handedness") else ""
        except ValueError as error:
            conversion.drop("unreadable row", f"{place}: {error}")
            continue
        frames.add(frame)
        conversion.add(frame, box, score, side, place)
    conversion.num_frames = len(frames)
    return conversion
