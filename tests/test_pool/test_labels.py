"""Labels of hands from the pool's own columns and from tables."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool.labels import read_labels
from tests.test_pretraining.conftest import write_pool


@pytest.fixture
def pool(tmp_path):
    return write_pool(tmp_path / "pool", ["a", "b"], frames=2)


def test_by_video_and_by_hand_from_csv_and_parquet(pool, tmp_path):
    (tmp_path / "v.csv").write_text("video_id,sign\nb,fist\nnot there,open\n", encoding="utf-8")
    assert read_labels(pool, ["sign"], tmp_path / "v.csv") == [["", "", "fist", "fist"]]
    rows = {"hand_id": ["a/000001/0", "b/000000/0"], "sign": [3, None], "person": ["p", "q"]}
    pq.write_table(pa.table(rows), tmp_path / "h.parquet")
    columns = read_labels(pool, ["sign", "person", "video_id"], tmp_path / "h.parquet")
    assert columns == [["", "3", "", ""], ["", "p", "q", ""], ["a", "a", "b", "b"]]


def test_own_columns_need_no_table(pool):
    assert read_labels(pool, ["handedness", "frame_index"]) == [
        ["right"] * 4,
        ["0", "1", "0", "1"],
    ]


@pytest.mark.parametrize(
    "text, message",
    [
        ("video_id,sign\nx,1\n", "none of its 1 values"),
        ("video_id,sign\na,1\na,2\n", "one sign for each video_id, but has two for 'a'"),
        ("name,sign\na,1\n", "hand_id or video_id"),
        ("video_id,other\na,1\n", "got 'sign'"),
        ("", "got 'sign'"),
    ],
)
def test_wrong_tables_are_refused(pool, tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_labels(pool, ["sign"], tmp_path / "t.csv")


def test_wrong_files_and_columns_are_refused(pool, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_labels(pool, ["sign"], tmp_path / "nowhere.csv")
    (tmp_path / "t.parquet").write_bytes(b"garbage")
    with pytest.raises(ValueError, match="parquet"):
        read_labels(pool, ["sign"], tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="single values"):
        read_labels(pool, ["keypoints_2d"])
