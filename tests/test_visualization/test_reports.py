"""The reports on pools and pairs, and their commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from simhand_mm.pool import HandPool, load_pairs
from simhand_mm.visualization.contact_sheet import choose_queries, sheet_cells, sheet_image
from simhand_mm.visualization.pairs_report import shown_ranks, write_pairs_report
from simhand_mm.visualization.pool_report import drop_counts, hands_per_video, write_pool_report
from tests.pools import write_pool

ROOT = Path(__file__).parents[2]


def test_pool_report_shows_counts_and_hands(pool_dir, tmp_path):
    html = write_pool_report(pool_dir, tmp_path / "pool.html", num_hands=5).read_text()
    assert html.count("<img") == 10
    assert "5 random hands of 12 (seed 0)" in html
    assert "6 / 6" in html  # left / right
    assert "quality: low_score" in html
    assert "Videos without any hand: 1 (broken)." in html
    assert "video&lt;0&gt;" in html


def test_pool_report_is_deterministic(pool_dir, tmp_path):
    pages = [write_pool_report(pool_dir, tmp_path / name).read_bytes() for name in ("a", "b")]
    assert pages[0] == pages[1]


def test_a_broken_crop_is_crossed_out_with_a_warning(pool_dir, tmp_path, monkeypatch):
    """In both reports; the other hands are shown."""
    read = HandPool.read_crop
    monkeypatch.setattr(
        HandPool, "read_crop", lambda self, row: b"" if row == 3 else read(self, row)
    )
    name = re.escape(HandPool(pool_dir).hand_id(3))
    with pytest.warns(UserWarning, match=f"image of {name} cannot be decoded"):
        html = write_pool_report(pool_dir, tmp_path / "pool.html", num_hands=12).read_text()
    assert html.count("<img") == 24
    with pytest.warns(UserWarning, match=f"image of {name} cannot be decoded"):
        write_pairs_report(pool_dir, "similar", tmp_path / "pairs.html", num_queries=12)


def test_worst_hands_come_first(pool_dir, tmp_path):
    html = write_pool_report(pool_dir, tmp_path / "pool.html", num_hands=1).read_text()
    worst = html[html.index("Hands</h2>") :].split("<figure")[2]
    assert "video&lt;0&gt;" in worst
    assert "0.50, 0.00" in worst  # frame 0 of video 0 has the lowest score


def test_drop_counts_by_stage_and_reason(pool_dir):
    assert drop_counts(HandPool(pool_dir)) == [
        ("quality", "low_score", 6, 3),
        ("decode", "unreadable", 1, 1),
    ]


def test_hands_per_video(pool_dir):
    assert hands_per_video(HandPool(pool_dir)).tolist() == [4, 4, 4]


def test_empty_pool_has_a_report(tmp_path):
    write_pool(tmp_path / "pool", {})
    html = write_pool_report(tmp_path / "pool", tmp_path / "pool.html").read_text()
    assert "The pool is empty" in html
    assert "Nothing was dropped" in html


def test_pairs_report_shows_query_and_ranks(pool_dir, tmp_path):
    png = tmp_path / "pairs.png"
    html = write_pairs_report(
        pool_dir, "similar", tmp_path / "pairs.html", png, num_queries=2, keypoints=True
    ).read_text()
    assert html.count("<img") == 2 * 3
    assert "<th>Top-10</th>" in html
    assert "d = " in html
    assert cv2.imread(str(png)).std() > 0


def test_sheet_cells_follow_the_requested_ranks(pool_dir):
    pairs = load_pairs(pool_dir, "similar")
    (row,) = sheet_cells(pairs, np.array([3]), [2, 1])
    assert [cell.row for cell in row] == [3, 11, 7]
    assert [cell.distance for cell in row] == [None, 5.0, 4.0]


def test_queries_are_seeded_and_have_positives(pool_dir):
    pairs = load_pairs(pool_dir, "similar")
    pairs.positive_index[:6] = -1
    queries = choose_queries(pairs, 4, seed=1)
    np.testing.assert_array_equal(queries, choose_queries(pairs, 4, seed=1))
    assert queries.min() >= 6
    assert len(choose_queries(pairs, 100, seed=1)) == 6


def test_sheet_image_leaves_missing_neighbours_white(pool_dir):
    pool, pairs = HandPool(pool_dir), load_pairs(pool_dir, "similar")
    image = sheet_image(pool, pairs, np.array([0]), [1, 10], tile_px=96)
    gap, head = 96 // 16, 96 // 6
    tiles = [
        image[head + 10 : head + 86, gap + c * 102 + 10 : gap + c * 102 + 86] for c in range(3)
    ]
    assert tiles[0].max() < 250
    assert tiles[1].max() < 250
    assert tiles[2].min() == 255


def test_shown_ranks_are_the_mined_ranks_of_the_paper(pool_dir):
    assert shown_ranks(load_pairs(pool_dir, "similar")) == [1, 2, 10]


@pytest.mark.parametrize("tool", ["browse_pool.py", "browse_pairs.py"])
def test_tools_write_a_page_and_print_its_path(pool_dir, tmp_path, tool):
    out = tmp_path / "page.html"
    extra = ["--pairs", "similar"] if tool == "browse_pairs.py" else []
    command = [sys.executable, str(ROOT / "tools" / tool), str(pool_dir), "-o", str(out), *extra]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == str(out)
    assert out.is_file()


def test_tools_report_errors_without_a_traceback(pool_dir, tmp_path):
    shutil.rmtree(pool_dir / "pairs")
    for tool, extra in (("browse_pool.py", ["/nowhere"]), ("browse_pairs.py", [str(pool_dir)])):
        arguments = [*extra, *(["--pairs", "top1"] if tool == "browse_pairs.py" else [])]
        command = [sys.executable, str(ROOT / "tools" / tool), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert "must" in done.stderr
