"""The whole chain as a newcomer runs it, with next to no data; and again, after it was finished."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
METHODS = ("scratch", "simclr", "peclr", "simhand")


def quickstart(work_dir: Path) -> str:
    done = subprocess.run(
        ["bash", "tools/quickstart.sh", "--tiny", str(work_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_quickstart_from_videos_to_a_table(tmp_path):
    printed = quickstart(tmp_path)
    for method in METHODS:
        assert json.loads((tmp_path / "detnet" / method / "metrics.json").read_text())
    assert "<html" in (tmp_path / "report.html").read_text()
    assert "root_scale" in printed
    # Finished stages are not redone, and an unfinished one is.
    model = tmp_path / "detnet" / "scratch" / "predictions.parquet"
    written = model.stat().st_mtime_ns
    (tmp_path / "stages" / "check-pairs.done").unlink()
    (tmp_path / "mining_check.json").unlink()
    again = quickstart(tmp_path)
    assert model.stat().st_mtime_ns == written
    assert (tmp_path / "mining_check.json").is_file()
    assert again.splitlines()[-5:] == printed.splitlines()[-5:]
