"""The report that compares predictions, and its command."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from simhand_mm.visualization.comparison_report import error_histogram
from tests.test_visualization.labelled_stills import write_predictions, write_stills

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stills(tmp_path):
    """Five stills; the second model is better on all but the first."""
    write_stills(tmp_path)
    write_predictions(tmp_path / "a.parquet", np.array([1.0, 20.0, 30.0, 40.0, 50.0]))
    write_predictions(tmp_path / "b.parquet", np.array([2.0, 10.0, 15.0, 20.0, 25.0]))
    return tmp_path


def run(stills, *arguments):
    tool = str(ROOT / "tools" / "compare_predictions.py")
    command = [sys.executable, "-W", "ignore", tool, str(stills / "poses/test.parquet"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=stills)


def test_tool_writes_numbers_and_images(stills):
    models = [f"scratch={stills}/a.parquet", f"simhand={stills}/b.parquet"]
    done = run(stills, *models, "--worst", "1", "-o", str(stills / "page.html"))
    assert done.returncode == 0, done.stderr
    # 18 of 20 labelled keypoints have errors of 28.2 mm and 14.4 mm on average.
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    assert float(rows["scratch"].split()[0]) == pytest.approx(28.2 * 18 / 20, abs=0.01)
    assert float(rows["simhand"].split()[0]) == pytest.approx(14.4 * 18 / 20, abs=0.01)
    html = (stills / "page.html").read_text()
    assert "simhand has the smaller error for 80.0% of 5 hands" in html
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert headings == [
        "Results",
        "From easy to hard",
        "Worst cases of scratch",
        "Worst cases of simhand",
        "Where simhand and scratch differ most",
    ]
    for name in ("worst 1: still 4", "simhand better 1: still 4", "simhand worse 1: still 0"):
        assert name in html


def test_tool_accepts_a_single_model(stills):
    done = run(stills, f"ours={stills}/a.parquet", "-o", str(stills / "page.html"))
    assert done.returncode == 0, done.stderr
    assert "differ most" not in (stills / "page.html").read_text()


@pytest.mark.parametrize(
    "models, message",
    [
        (["a.parquet"], "must be LABEL=FILE, but got 'a.parquet'"),
        (["a=a.parquet", "a=b.parquet"], "labels must differ, but got a, a"),
        ([], "labels must differ, but got none"),
    ],
)
def test_tool_refuses_ambiguous_labels(stills, models, message):
    done = run(stills, *models)
    assert done.returncode == 2
    assert message in done.stderr


def test_error_histogram_counts_every_hand_once():
    errors = np.array([1.0, 2.0, 2.5, 300.0, np.nan])
    svg = error_histogram({"a": errors, "b": np.full(5, np.nan)}, {"a": 0, "b": 1})
    (path,) = ElementTree.fromstring(svg).iter("path")
    points = np.array(re.findall(r"[\d.]+", path.get("d")), dtype=float).reshape(-1, 2)
    heights = points[:, 1].max() - points[::2, 1]
    np.testing.assert_allclose(heights / heights.sum(), np.histogram(
        [1.0, 2.0, 2.5, 295.5375], np.linspace(0, 295.5375, 41))[0] / 4, atol=0.01)  # fmt: skip
    assert error_histogram({"a": np.full(3, np.nan)}, {"a": 0}) is None
