"""Tables of users as rows of text: parquet, and CSV, also as spreadsheets write it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import read_rows

ROWS = [{"video_id": "é; a", "group_id": "1"}, {"video_id": "b, c", "group_id": "2"}]
PLAIN = 'video_id,group_id\né; a,1\n"b, c",2\n'
SEMICOLONS = (
    PLAIN.replace('"b, c",2', "b, c;2").replace("é; a,1", '"é; a";1').replace("_id,", "_id;")
)


TABS = PLAIN.replace("é; a,", "é; a\t").replace('"b, c",', "b, c\t").replace("_id,", "_id\t")
MORE = PLAIN.replace("group_id", "group_id,more").replace(",1", ",1,x").replace(",2", ",2,y")


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n").encode("utf-8-sig"),
        SEMICOLONS.replace("\n", "\r\n").encode("utf-8-sig"),
        b"sep=;\r\n" + SEMICOLONS.encode(),
        TABS.encode("utf-16"),
        PLAIN.replace("video_id,", "video_id , ").encode() + b"\n\n",
        MORE.encode(),
    ],
    ids=["plain", "bom", "crlf", "excel", "sep", "utf16", "blanks", "more"],
)
def test_tables_of_spreadsheets(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    rows = read_rows(path, ["video_id", "group_id"])
    assert [{name: row[name] for name in ROWS[0]} for row in rows] == ROWS


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "must have the columns video_id and group_id"),
        (b"video,group\na,b\n", r"columns video_id and group_id, but has \['video', 'group'\]"),
        (b"video_id,group_id\na,b\nc\n", r"must have 2 cells, but line 3 has \['c'\]"),
        ("video_id,group_id\né,1\n".encode("latin-1"), "must be text in UTF-8"),
    ],
)
def test_wrong_tables_are_named(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_rows(path, ["video_id", "group_id"])
    with pytest.raises(FileNotFoundError, match="is not a file"):
        read_rows(tmp_path / "none.csv", [])


def test_parquet(tmp_path):
    path = tmp_path / "table.parquet"
    columns = {"hand_id": ["a", "b"], "label": [3, None], "more": [True, False]}
    pq.write_table(pa.table(columns), path)
    first = {"hand_id": "a", "label": "3", "more": "True"}
    assert read_rows(path) == [first, {"hand_id": "b", "label": "", "more": "False"}]
    assert read_rows(path, ["label"], with_others=False) == [{"label": "3"}, {"label": ""}]
    with pytest.raises(ValueError, match=r"must have the column path, but has \['hand_id'"):
        read_rows(path, ["path"])
    path.write_bytes(b"garbage")
    with pytest.raises(ValueError, match="must be a parquet file, but reading it gives"):
        read_rows(path)
