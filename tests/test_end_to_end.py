"""The quickstart with very little data, and again after it has finished."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
METHODS = ("scratch", "simclr", "peclr", "simhand", "poseaware", "heatmap", "lifter")


def quickstart(work_dir: Path) -> str:
    done = subprocess.run(
        ["bash", "tools/quickstart.sh", "--tiny", str(work_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "log, result",
    [
        ("50%\r100%\ndata/pool: 12 hands of 3 videos\n", "data/pool: 12 hands of 3 videos"),
        (
            "Epoch(train) [1][5/5]  lr: 1e-3  loss_heat: 0.2000  loss: 3.5000\n"
            "Epoch(train) [2][5/5]  lr: 1e-3  loss_heat: 0.1000  loss: 2.5000\nsaved\n",
            "loss: 2.5000",
        ),
        (
            "Epoch(train) [2][5/5]  loss: 2.5000\nEpoch(val) [2][1/1]  none/mpjpe_mm: 92.5328  "
            "root_scale/mpjpe_mm: 83.2145  root_scale/pck_auc_20_50: 21.4\nbest is saved\n",
            "root_scale MPJPE 83.2145 mm",
        ),
        (
            "285 hands\nprotocol  MPJPE mm\nroot  15.78\nroot_scale    14.41  0.9\nby column\n",
            "root_scale MPJPE 14.41 mm",
        ),
    ],
)
def test_the_line_of_a_stage_ends_with_its_result(tmp_path, log, result):
    (tmp_path / "log").write_text(log)
    script = (ROOT / "tools" / "quickstart.sh").read_text()
    function = script[script.index("result_of() {") : script.index("# stage NAME")]
    command = f"set -euo pipefail\n{function}\nresult_of {tmp_path / 'log'}"
    printed = subprocess.check_output(["bash", "-c", command], text=True)
    assert printed == f"{result}\n"


@pytest.mark.slow
def test_quickstart_from_videos_to_a_table(tmp_path):
    printed = quickstart(tmp_path)
    for method in METHODS:
        assert json.loads((tmp_path / "detnet" / method / "metrics.json").read_text())
    assert "<html" in (tmp_path / "report.html").read_text()
    assert "root_scale" in printed
    # Finished stages are not repeated, and an unfinished stage is.
    model = tmp_path / "detnet" / "scratch" / "predictions.parquet"
    written = model.stat().st_mtime_ns
    (tmp_path / "stages" / "check-pairs.done").unlink()
    (tmp_path / "mining_check.json").unlink()
    again = quickstart(tmp_path)
    assert model.stat().st_mtime_ns == written
    assert (tmp_path / "mining_check.json").is_file()
    assert again.splitlines()[-5:] == printed.splitlines()[-5:]
