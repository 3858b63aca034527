"""Rules for positives, and groups."""

import numpy as np
import pytest

from simhand_mm.mining.groups import group_codes
from simhand_mm.mining.pairs import self_pairs, temporal_pairs
from tests.test_mining.conftest import random_keypoints, write_pool


def reference_temporal(pool, max_gap_s):
    """Nearest other frame of the same video and side; ties: the earlier one, then the lower row."""
    answer = []
    for i in range(len(pool)):
        best = (np.inf, -1)
        for j in np.lexsort((np.arange(len(pool)), pool.frame_index)):
            gap = abs(pool.time_s[i] - pool.time_s[j])
            if (
                pool.video_index[i] == pool.video_index[j]
                and pool.handedness_index[i] == pool.handedness_index[j]
                and pool.frame_index[i] != pool.frame_index[j]
                and gap <= max_gap_s
                and gap < best[0]
            ):
                best = (gap, j)
        answer.append(best)
    return answer


def gappy_pool(root):
    """One right and two left hands per frame."""
    return write_pool(root, random_keypoints(4, 12), hands_per_frame=3)


@pytest.mark.parametrize("max_gap_s", [0.05, 0.1, 1.0])
def test_temporal_pairs_equal_reference(tmp_path, max_gap_s):
    pool = gappy_pool(tmp_path)
    pairs = temporal_pairs(pool, max_gap_s)
    expected = reference_temporal(pool, max_gap_s)
    assert pairs.positive_index[:, 0].tolist() == [row for _, row in expected]
    np.testing.assert_allclose(pairs.distance[:, 0], [gap for gap, _ in expected], rtol=1e-6)
    assert (pairs.rule, pairs.metric, pairs.ranks.tolist()) == ("temporal", "time_s", [1])


def test_temporal_pairs_of_single_frames(tmp_path):
    pairs = temporal_pairs(write_pool(tmp_path, random_keypoints(3, 1)))
    assert (pairs.positive_index == -1).all() and np.isinf(pairs.distance).all()


def test_self_pairs(pool):
    pairs = self_pairs(pool)
    assert pairs.positive_index[:, 0].tolist() == list(range(len(pool)))
    assert (pairs.distance == 0).all()
    assert pairs.pool_fingerprint == pool.fingerprint


def test_group_codes(pool, tmp_path):
    np.testing.assert_array_equal(group_codes(pool), pool.video_index)
    by_source = group_codes(pool, "source")
    np.testing.assert_array_equal(by_source == by_source[0], pool.source_index == 0)
    table = tmp_path / "groups.csv"
    table.write_text("video_id,group_id\na000,same\nb001,same\n")
    groups = group_codes(pool, str(table))
    assert len(np.unique(groups)) == len(pool.video_ids) - 1
    assert len(np.unique(groups[pool.video_index <= 1])) <= 2
    rows = {name: pool.video_ids.index(name) for name in ("a000", "b001", "a002")}
    code = {name: groups[pool.video_index == video][0] for name, video in rows.items()}
    assert code["a000"] == code["b001"] != code["a002"]


def test_hands_with_empty_value_are_grouped_by_video(tmp_path):
    """Images of unknown people are not treated as images of one person."""
    persons = {"a000": "anna", "b001": "anna", "a002": "ben"}
    pool = write_pool(tmp_path, random_keypoints(5, 2), persons=persons)
    groups = group_codes(pool, "person")
    code = [groups[pool.video_index == video][0] for video in range(5)]
    names = pool.video_ids
    assert code[names.index("a000")] == code[names.index("b001")]
    assert len(set(code)) == 4 and len(np.unique(groups)) == 4


def test_bad_group_by_raises(pool, tmp_path):
    with pytest.raises(ValueError, match=r"group_by must be a column .* 'nothing'"):
        group_codes(pool, "nothing")
    with pytest.raises(ValueError, match="single values, but 'bbox_xyxy' is not"):
        group_codes(pool, "bbox_xyxy")
    with pytest.raises(FileNotFoundError, match=r"CSV or parquet table, but .*no\.csv"):
        group_codes(pool, str(tmp_path / "no.csv"))
    table = tmp_path / "groups.csv"
    table.write_text("video,group\na,b\n")
    with pytest.raises(ValueError, match="columns video_id and group_id"):
        group_codes(pool, str(table))


def test_groups_of_a_spreadsheet(pool, tmp_path):
    plain, excel = tmp_path / "plain.csv", tmp_path / "excel.CSV"
    plain.write_text("video_id,group_id\na000,1\nb001,1\na002,\na004,\n", encoding="utf-8")
    excel.write_bytes(b"\xef\xbb\xbfvideo_id;group_id\r\na000;1\r\nb001;1\r\n")
    groups = group_codes(pool, str(plain))
    np.testing.assert_array_equal(groups, group_codes(pool, str(excel)))
    assert len(np.unique(groups)) == len(pool.video_ids) - 1  # empty cells are no group


def test_group_tables_that_do_not_match_the_pool_raise(pool, tmp_path, caplog):
    table = tmp_path / "groups.csv"
    table.write_text("video_id,group_id\na0,1\nb1,1\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"none of its 2 values of video_id .* the pool: \['a000', 'a002'"
    ):
        group_codes(pool, str(table))
    table.write_text("video_id,group_id\n", encoding="utf-8")
    with pytest.raises(ValueError, match="none of its 0 values"):
        group_codes(pool, str(table))
    table.write_text("video_id,group_id\na000,1\na000,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="one group_id for each video_id, but has two for 'a000'"):
        group_codes(pool, str(table))
    table.write_text("video_id,group_id\na000,1\nnew,2\n", encoding="utf-8")
    group_codes(pool, str(table))
    assert "1 of 2 values of video_id" in caplog.text
