"""Boxes from CSV tables."""

import numpy as np
import pytest

from simhand_mm.converters.csv_boxes import convert_csv_boxes
from simhand_mm.pool import read_detections, write_detections

PLAIN = (
    b"video_id,frame_index,x1,y1,x2,y2,score,handedness\n"
    b"a/b,30,1.5,2,30,40,0.75,L\na/b,0,5,6,7,8,1,\n"
)
EXCEL = (
    b"\xef\xbb\xbfvideo_id;frame_index;x1;y1;x2;y2;score;handedness\r\n"
    b"a/b;30;1,5;2;30;40;0,75;left\r\na/b;0;5;6;7;8;;\r\n"
)


@pytest.mark.parametrize("content", [PLAIN, EXCEL], ids=["plain", "excel"])
def test_boxes_of_a_table(tmp_path, content):
    (tmp_path / "boxes.csv").write_bytes(content)
    conversion = convert_csv_boxes(tmp_path / "boxes.csv")
    assert (conversion.num_frames, sum(conversion.drops.values())) == (2, 0)
    write_detections(tmp_path / "boxes.parquet", conversion.boxes)
    first, second = read_detections(tmp_path / "boxes.parquet", "a/b")
    np.testing.assert_array_equal(first["bbox_xyxy"], [5, 6, 7, 8])
    assert (first["frame_index"], first["score"], first["handedness"]) == (0, 1.0, "")
    np.testing.assert_array_equal(second["bbox_xyxy"], [1.5, 2, 30, 40])
    assert (second["frame_index"], second["score"], second["handedness"]) == (30, 0.75, "left")


def test_bad_rows_are_counted_and_columns_are_required(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(
        "video_id,frame_index,x1,y1,x2,y2,score,handedness\n"
        "a,x,1,2,3,4,1,\na,1,1,2,,4,1,\na,1,3,2,1,4,1,\na,1,1,2,3,4,0.2,\na,1,1,2,3,4,1,both\n"
        "a,1,1,2,3,4,1,right\n",
        encoding="utf-8",
    )
    conversion = convert_csv_boxes(path)
    assert conversion.drops == {"unreadable row": 3, "box without area": 1, "low score": 1}
    assert "box 1" in conversion.examples["unreadable row"]
    assert len(conversion.boxes) == 1
    path.write_text("video_id,frame_index\na,1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="must have the columns video_id and frame_index and x1"):
        convert_csv_boxes(path)
