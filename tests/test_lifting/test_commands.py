"""The commands, as users type them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from simhand_mm.lifting.lifter import Lifter

ROOT = Path(__file__).parents[2]


def simhand(*arguments, fails=False):
    command = [sys.executable, "-c", "from simhand_mm.cli import main; main()"]
    done = subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def test_lift_writes_a_row_per_hand_and_counts_the_others(tmp_path):
    keypoints = np.random.default_rng(0).uniform(0, 200, (3, 42)).tolist()
    keypoints[2][:30] = [None] * 30
    rows = [{"hand_id": f"h{n}", "keypoints_2d": row} for n, row in enumerate(keypoints)]
    (tmp_path / "keypoints.json").write_text(json.dumps(rows))
    said = simhand("lift", tmp_path / "keypoints.json", tmp_path / "lifted.parquet")
    assert "2 of 3 hands lifted" in said and "1 have too few keypoints" in said
    table = pq.read_table(tmp_path / "lifted.parquet")
    assert table["hand_id"].to_pylist() == ["h0", "h1", "h2"]


def test_a_pool_that_is_not_there_is_named(tmp_path):
    said = simhand("pseudo-label", tmp_path / "pool", tmp_path / "out", fails=True)
    assert "simhand prepare" in said and "Traceback" not in said


@pytest.mark.slow
def test_a_lifter_is_trained_from_synthetic_videos_and_labels_a_pool(tmp_path):
    pytest.importorskip("mediapipe")
    data, pool, weights = tmp_path / "synthetic", tmp_path / "pool", tmp_path / "lifter.pth"
    simhand("synthesize", data, "--videos", 3, "--frames", 8, "--stills-train", 10,
            "--stills-test", 10)  # fmt: skip
    said = simhand("train-lifter", data, weights, "--fps", 10, "--steps", 200, "--batch-size", 64,
                   "--people", 20, "--poses", 16)  # fmt: skip
    scores = Lifter.load(weights).meta["held_out_videos"]
    assert scores["lifted"]["root_scale"] < 60
    assert (
        "sha256" in said
        and "expected errors" in said
        and str(scores["lifted"]["root_scale"]) in said
    )
    simhand("prepare", data / "videos", pool, "--fps", 10, "--workers", 0)
    said = simhand("pseudo-label", pool, tmp_path / "out", "--weights", weights)
    assert "Poses, sizes and cameras are estimates" in said
    assert (tmp_path / "out/poses/train.parquet").is_file()
