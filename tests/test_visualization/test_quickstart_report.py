"""The quickstart report, with all stages and without."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simhand_mm.functional.keypoints import KEYPOINT_NAMES
from simhand_mm.visualization.quickstart_report import DEMONSTRATION_NOTE, write_report
from simhand_mm.visualization.results import (
    find_runs,
    format_text_table,
    read_result,
    result_table,
)
from tests.test_visualization.labelled_stills import NUM_STILLS, write_predictions, write_stills

ROOT = Path(__file__).parents[2]


def write_metrics(path, mpjpe_mm):
    protocol = {
        "mpjpe_mm": mpjpe_mm,
        "pck_auc_20_50": 0.5,
        "pck_auc_0_50": 0.25,
        "per_keypoint_mm": dict.fromkeys(KEYPOINT_NAMES, mpjpe_mm),
        "pck_curve": [0.0, 0.5, 1.0],
    }
    names = ("none", "root", "root_scale", "procrustes", "procrustes_official")
    content = {
        "num_hands": NUM_STILLS,
        "pck_thresholds_mm": [0.0, 40.0, 80.0],
        "protocols": {name: {**protocol, "mpjpe_mm": mpjpe_mm + i} for i, name in enumerate(names)},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def work_dir(tmp_path, pool_dir):
    """A finished work dir, without training logs; ``tmp_path / pool`` comes from ``pool_dir``."""
    write_stills(tmp_path / "synthetic")
    for name, mm in (("simhand", 10.0), ("scratch", 20.0)):
        write_metrics(tmp_path / "detnet" / name / "metrics.json", mm)
        errors_mm = mm * np.arange(NUM_STILLS)
        write_predictions(tmp_path / "detnet" / name / "predictions.parquet", errors_mm)
    check = {
        "num_hands": 12,
        "num_matched": 11,
        "top_mm": {"1": 1.25, "10": 2.0},
        "random_other_video_mm": 60.0,
        "same_video_share_without_rule": 0.875,
    }
    (tmp_path / "mining_check.json").write_text(json.dumps(check))
    return tmp_path


def test_a_rank_without_pairs_is_a_dash(work_dir):
    path = work_dir / "mining_check.json"
    check = json.loads(path.read_text())
    path.write_text(json.dumps({**check, "top_mm": {"1": 40.0, "100": None}}))
    write_report(work_dir, work_dir / "report.html")
    html = (work_dir / "report.html").read_text()
    row = html[html.index("Top-100<") :][:80]
    assert "–" in row


def test_report_shows_every_part(work_dir):
    table = write_report(work_dir, work_dir / "report.html")
    html = (work_dir / "report.html").read_text()
    assert DEMONSTRATION_NOTE in html
    assert DEMONSTRATION_NOTE in table
    for part in ("Top-10", "random hand of another video", "87.5%", "median", "quality: low_score"):
        assert part in html
    assert "not run yet" in html  # training logs


def test_report_and_terminal_show_the_same_numbers(work_dir):
    text = write_report(work_dir, work_dir / "report.html")
    html = (work_dir / "report.html").read_text()
    scratch, simhand = text.splitlines()[3:5]
    assert scratch.split() == [
        *("scratch", "22.00", "50.00", "25.00", "23.00", "24.00", "21.00", "20.00")
    ]
    assert simhand.split() == [
        "simhand",
        "12.00",
        "50.00",
        "25.00",
        "13.00",
        "14.00",
        "11.00",
        "10.00",
    ]
    for row in (scratch, simhand):
        assert "".join(f"<td>{cell}</td>" for cell in row.split()) in html


def test_report_is_deterministic(work_dir):
    pages = []
    for name in ("a.html", "b.html"):
        write_report(work_dir, work_dir / name)
        pages.append((work_dir / name).read_bytes())
    assert pages[0] == pages[1]


def test_report_of_an_empty_folder_marks_all_stages_as_not_run_yet(tmp_path):
    assert "Fine-tuning: not run yet" in write_report(tmp_path, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().count("not run yet") == 6


def test_report_of_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="work_dir must be a folder"):
        write_report(tmp_path / "nowhere", tmp_path / "report.html")


def test_runs_are_in_the_order_of_the_paper(tmp_path):
    for name in ("simhand", "another", "scratch", "peclr", "simclr"):
        (tmp_path / name).mkdir()
    assert list(find_runs(tmp_path)) == ["scratch", "simclr", "peclr", "simhand", "another"]
    assert find_runs(tmp_path / "nowhere") == {}


def test_untested_run_has_dashes(tmp_path):
    header, rows = result_table([read_result("simclr", tmp_path)])
    assert rows == [["simclr", *["–"] * 7]]
    assert "simclr" in format_text_table(header, rows)


def test_text_table_is_aligned():
    lines = format_text_table(["\nname", "a\nb"], [["x", "1.00"], ["longer", "10.00"]]).splitlines()
    assert lines == [
        "            a",
        "name        b",
        "-------------",
        "x        1.00",
        "longer  10.00",
    ]


def test_tool_prints_the_table_and_the_path_of_the_report(work_dir):
    command = [sys.executable, str(ROOT / "tools" / "report.py"), str(work_dir)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "root_scale" in done.stdout
    assert done.stdout.strip().endswith(str(work_dir / "report.html"))
