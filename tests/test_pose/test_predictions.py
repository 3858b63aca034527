import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import write_predictions
from simhand_mm.pose.official_forms import write_official
from simhand_mm.pose.predictions import read_keypoints

IDS = ["evaluation/00000002", "evaluation/00000000", "evaluation/00000001"]


@pytest.fixture
def hands():
    return np.random.default_rng(0).normal((0, 0, 500), 50, (3, 21, 3))


def write_table(path, hands, sample_ids=IDS):
    write_predictions(
        path,
        {
            "sample_id": sample_ids,
            "keypoints_3d": hands,
            "keypoints_2d": np.zeros((len(hands), 21, 2)),
            "keypoint_score": np.ones((len(hands), 21)),
            "error_mm": np.zeros(len(hands)),
        },
    )


@pytest.mark.parametrize("form, name", [("freihand", "pred.json"), ("dexycb", "pred.txt")])
def test_official_formats_round_trip(tmp_path, hands, form, name):
    write_official(tmp_path / name, form, IDS, hands)
    np.testing.assert_allclose(read_keypoints(tmp_path / name, IDS), hands, atol=1e-3)


def test_freihand_is_in_metres_and_image_order(tmp_path, hands):
    write_official(tmp_path / "pred.json", "freihand", IDS, hands)
    xyz, vertices = json.loads((tmp_path / "pred.json").read_text())
    np.testing.assert_allclose(xyz[2], hands[0] / 1000, atol=1e-6)
    assert np.shape(vertices) == (3, 778, 3)


def test_dexycb_has_64_numbers_per_line_in_mm(tmp_path, hands):
    write_official(tmp_path / "pred.txt", "dexycb", IDS, hands)
    lines = [line.split(",") for line in (tmp_path / "pred.txt").read_text().splitlines()]
    assert [len(line) for line in lines] == [64] * 3
    assert [line[0] for line in lines] == ["0", "1", "2"]
    np.testing.assert_allclose(np.float64(lines[2][1:4]), hands[0, 0], atol=1e-3)


def test_own_table_is_joined_by_sample_id(tmp_path, hands):
    write_table(tmp_path / "p.parquet", hands)
    found = read_keypoints(tmp_path / "p.parquet", IDS[1:])
    np.testing.assert_allclose(found, hands[1:], rtol=1e-5)
    with pytest.raises(ValueError, match=r"lacks 1 of 1, first 'other'"):
        read_keypoints(tmp_path / "p.parquet", ["other"])


def test_incomplete_and_damaged_files_are_refused(tmp_path, hands):
    with pytest.raises(ValueError, match="every image once"):
        write_official(tmp_path / "pred.json", "freihand", IDS[:2], hands[:2])
    with pytest.raises(ValueError, match="official image number"):
        write_official(tmp_path / "pred.json", "freihand", ["train/hand_a"], hands[:1])
    (tmp_path / "pred.json").write_text("[[[[0.1, 0.2, 0.3], [0.1")
    with pytest.raises(ValueError, match=r"pred\.json must be \[\[xyz"):
        read_keypoints(tmp_path / "pred.json", IDS)
    (tmp_path / "pred.json").write_text(json.dumps([np.zeros((3, 20, 3)).tolist(), []]))
    with pytest.raises(ValueError, match="21 keypoints in metres"):
        read_keypoints(tmp_path / "pred.json", IDS)
    (tmp_path / "pred.txt").write_text("0," + ",".join(["1"] * 60))
    with pytest.raises(
        ValueError, match=r"line 1 of .* must have 64 numbers, .* but has 61 fields"
    ):
        read_keypoints(tmp_path / "pred.txt", IDS)
    with pytest.raises(FileNotFoundError, match=r"none\.json does not exist"):
        read_keypoints(tmp_path / "none.json", IDS)
    (tmp_path / "pred.csv").touch()
    with pytest.raises(ValueError, match=r"must be one of"):
        read_keypoints(tmp_path / "pred.csv", IDS)


def test_wrong_keypoint_count_is_refused_even_if_the_total_is_divisible_by_21(tmp_path):
    (tmp_path / "pred.json").write_text(json.dumps([np.ones((21, 20, 3)).tolist(), []]))
    with pytest.raises(ValueError, match="21 keypoints in metres"):
        read_keypoints(tmp_path / "pred.json", IDS)


def test_text_among_the_numbers_is_refused_with_the_line(tmp_path, hands):
    write_official(tmp_path / "pred.txt", "dexycb", IDS, hands)
    text = (tmp_path / "pred.txt").read_text().replace("\n1,", "\none,")
    (tmp_path / "pred.txt").write_text(text)
    with pytest.raises(ValueError, match=r"line 2 of .*pred\.txt must have 64 numbers"):
        read_keypoints(tmp_path / "pred.txt", IDS)


def test_other_tables_are_refused(tmp_path):
    pq.write_table(pa.table({"sample_id": IDS}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"other\.parquet must be a table .* --dump"):
        read_keypoints(tmp_path / "other.parquet", IDS)
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match=r"cut\.parquet must be a table"):
        read_keypoints(tmp_path / "cut.parquet", IDS)


def test_nan_keypoints_are_refused_with_file_and_sample(tmp_path, hands):
    hands[2, 5, 1] = np.nan
    write_table(tmp_path / "p.parquet", hands)
    with pytest.raises(ValueError, match=r"p\.parquet must .* 1 of 3 .* 'evaluation/00000001'"):
        read_keypoints(tmp_path / "p.parquet", IDS)


@pytest.mark.parametrize(
    "form, name, factor", [("freihand", "a.json", 1e3), ("dexycb", "a.txt", 1e-3)]
)
def test_wrong_units_are_refused(tmp_path, hands, form, name, factor):
    write_official(tmp_path / name, form, IDS, factor * hands)
    with pytest.raises(
        ValueError, match=r"in metres \(\.json\) or mm \(others\), .* bone measures"
    ):
        read_keypoints(tmp_path / name, IDS)


def test_tiny_hands_in_our_own_format_are_read(tmp_path, hands):
    write_table(tmp_path / "p.parquet", 0.01 * hands)
    np.testing.assert_allclose(read_keypoints(tmp_path / "p.parquet", IDS), 0.01 * hands, rtol=1e-6)


def columns_of(hands, **changes):
    return {"sample_id": IDS, "keypoints_3d": [hand.ravel() for hand in hands], **changes}


@pytest.mark.parametrize("name", ["p.parquet", "p.PARQUET"])
def test_tables_of_other_programs_are_read(tmp_path, hands, name):
    """pandas and others nest the numbers, and make integers of ids that look like some."""
    nested = pa.array([hand.tolist() for hand in hands])
    tables = {
        "nested": columns_of(hands, keypoints_3d=nested),
        "large": columns_of(hands, keypoints_3d=nested.cast(pa.large_list(nested.type.value_type))),
        "ids": columns_of(hands, sample_id=pa.array([5, 7, 9])),
        "codes": columns_of(hands, sample_id=pa.array(IDS).dictionary_encode()),
    }
    for kind, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / name)
        ids = ["5", "7", "9"] if kind == "ids" else IDS
        np.testing.assert_allclose(read_keypoints(tmp_path / name, ids), hands)


def test_ids_that_are_missing_or_there_twice_are_refused(tmp_path, hands):
    path = tmp_path / "p.parquet"
    for ids, wrong in (
        ([*IDS[:2], IDS[0]], f"'{IDS[0]}' is in 2 rows"),
        ([*IDS[:2], None], "none"),
    ):
        pq.write_table(pa.table(columns_of(hands, sample_id=ids)), path)
        with pytest.raises(ValueError, match=rf"sample_id must .*/p\.parquet, but .*{wrong}"):
            read_keypoints(path, IDS[:1])
    write_official(tmp_path / "pred.txt", "dexycb", IDS, hands)
    text = (tmp_path / "pred.txt").read_text()
    (tmp_path / "pred.txt").write_text(text + "\n" + text.splitlines()[1])
    with pytest.raises(
        ValueError, match="one line per image, but line 5 is another one of image 1"
    ):
        read_keypoints(tmp_path / "pred.txt", IDS)


@pytest.mark.parametrize("column", [pa.array(["a"] * 3), pa.array([["a"] * 63] * 3)])
def test_columns_without_numbers_are_refused(tmp_path, hands, column):
    pq.write_table(pa.table(columns_of(hands, keypoints_3d=column)), tmp_path / "p.parquet")
    with pytest.raises(
        ValueError, match=r"p\.parquet must .* rows of shape \(21, 3\), but is a col"
    ):
        read_keypoints(tmp_path / "p.parquet", IDS)


@pytest.mark.parametrize("name", ["labels.txt", "labels.json", "labels.parquet"])
def test_files_of_other_kinds_are_named_whatever_the_ids(tmp_path, name):
    """An id without an official number says nothing about what is wrong with the file."""
    for content in (b"some text", b"PAR1\xae\xff\x00"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} must .*\. (Use the format|Write it)"):
            read_keypoints(tmp_path / name, ["train/hand a"])
