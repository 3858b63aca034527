"""The report of the whole chain, with all of its parts and without."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from simhand_mm.functional.keypoints import KEYPOINT_NAMES
from simhand_mm.pool import write_poses
from simhand_mm.visualization.predictions import choose_samples, read_comparison
from simhand_mm.visualization.quickstart_report import DEMONSTRATION_NOTE, write_report
from simhand_mm.visualization.results import (
    find_runs,
    format_text_table,
    read_result,
    result_table,
)

ROOT = Path(__file__).parents[2]
NUM_STILLS, IMAGE_SIZE = 5, 48
CAMERA = np.array([[60.0, 0, 24], [0, 60, 24], [0, 0, 1]])


def make_target(sample):
    rng = np.random.default_rng(sample)
    return (rng.uniform(-80, 80, (21, 3)) + np.array([0, 0, 400])).astype(np.float32)


def project(keypoints_3d):
    points = keypoints_3d @ CAMERA.T
    return (points[..., :2] / points[..., 2:]).astype(np.float32)


def write_stills(data_root):
    records = []
    for sample in range(NUM_STILLS):
        target = make_target(sample)
        path = data_root / "images" / f"{sample}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((IMAGE_SIZE, IMAGE_SIZE, 3), 40 * sample, np.uint8))
        records.append(
            {
                "sample_id": f"still {sample}",
                "image_path": f"images/{sample}.jpg",
                "width": IMAGE_SIZE,
                "height": IMAGE_SIZE,
                "camera_matrix": CAMERA,
                "keypoints_3d": target,
                "keypoints_2d": project(target),
                "keypoints_valid": np.arange(21) != 20,
                "bbox_xyxy": np.array([8, 8, 40, 40], np.float32),
                "handedness": "right",
                "subject_id": "s",
                "sequence_id": "q",
                "source": "test",
            }
        )
    for split in ("train", "test"):
        write_poses(data_root / "poses" / f"{split}.parquet", records)


def write_predictions(path, errors_mm, order=None):
    """Predictions that miss each keypoint but the wrist and the middle MCP by a known distance."""
    from simhand_mm.pose.predictions import write_predictions as write

    order = list(range(NUM_STILLS)) if order is None else order
    pred = np.stack([make_target(sample) for sample in order]).astype(np.float64)
    is_moved = ~np.isin(np.arange(21), [0, 9])
    pred[:, is_moved, 0] += np.asarray(errors_mm)[order][:, None]
    write(
        path,
        {
            "sample_id": [f"still {sample}" for sample in order],
            "keypoints_3d": pred,
            "keypoints_2d": project(pred),
            "keypoint_score": np.ones((len(order), 21)),
            "error_mm": np.zeros(len(order)),
        },
    )


def write_metrics(path, mpjpe_mm):
    protocol = {
        "mpjpe_mm": mpjpe_mm,
        "pck_auc_20_50": 0.5,
        "pck_auc_0_50": 0.25,
        "per_keypoint_mm": dict.fromkeys(KEYPOINT_NAMES, mpjpe_mm),
        "pck_curve": [0.0, 0.5, 1.0],
    }
    names = ("none", "root", "root_scale", "procrustes")
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
    assert scratch.split() == ["scratch", "22.00", "50.00", "25.00", "23.00", "21.00", "20.00"]
    assert simhand.split() == ["simhand", "12.00", "50.00", "25.00", "13.00", "11.00", "10.00"]
    for row in (scratch, simhand):
        assert "".join(f"<td>{cell}</td>" for cell in row.split()) in html


def test_report_is_deterministic(work_dir):
    pages = []
    for name in ("a.html", "b.html"):
        write_report(work_dir, work_dir / name)
        pages.append((work_dir / name).read_bytes())
    assert pages[0] == pages[1]


def test_report_of_an_empty_folder_says_not_run_yet(tmp_path):
    assert "Fine-tuning: not run yet" in write_report(tmp_path, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().count("not run yet") == 6


def test_report_of_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="work_dir must be a folder"):
        write_report(tmp_path / "nowhere", tmp_path / "report.html")


def test_runs_come_in_the_order_of_the_paper(tmp_path):
    for name in ("simhand", "another", "scratch", "peclr", "simclr"):
        (tmp_path / name).mkdir()
    assert list(find_runs(tmp_path)) == ["scratch", "simclr", "peclr", "simhand", "another"]
    assert find_runs(tmp_path / "nowhere") == {}


def test_untested_run_has_dashes(tmp_path):
    header, rows = result_table([read_result("simclr", tmp_path)])
    assert rows == [["simclr", *["–"] * 6]]
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


def test_comparison_joins_by_sample_id_and_leaves_out_unlabelled_keypoints(tmp_path):
    write_stills(tmp_path)
    errors_mm = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    write_predictions(tmp_path / "a.parquet", errors_mm, order=[3, 1, 0, 2])
    write_predictions(tmp_path / "b.parquet", errors_mm)
    models = {name: tmp_path / f"{name}.parquet" for name in ("a", "b")}
    comparison = read_comparison(tmp_path, "test", models)
    assert comparison.sample_ids == ["still 0", "still 1", "still 2", "still 3"]
    expected = errors_mm[:4] * 18 / 20  # keypoint 20 has no label; wrist and middle MCP are exact
    for model in models:
        np.testing.assert_allclose(comparison.error_mm[model], expected, atol=1e-3)
    assert np.isnan(comparison.target_2d[:, 20]).all()


def test_shown_samples_are_quantiles_of_the_mean_error(tmp_path):
    write_stills(tmp_path)
    write_predictions(tmp_path / "a.parquet", np.array([5.0, 1.0, 3.0, 2.0, 4.0]))
    samples = choose_samples(read_comparison(tmp_path, "test", {"a": tmp_path / "a.parquet"}))
    assert (samples["best"], samples["median"], samples["worst"]) == (1, 2, 0)


def test_predictions_of_another_set_are_refused(tmp_path):
    write_stills(tmp_path)
    write_predictions(tmp_path / "a.parquet", np.zeros(NUM_STILLS), order=[0])
    write_poses(tmp_path / "poses" / "other.parquet", [])
    with pytest.raises(ValueError, match="predictions must be of other"):
        read_comparison(tmp_path, "other", {"a": tmp_path / "a.parquet"})


def test_tool_prints_the_table_and_where_the_report_is(work_dir):
    command = [sys.executable, str(ROOT / "tools" / "report.py"), str(work_dir)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "root_scale" in done.stdout
    assert done.stdout.strip().endswith(str(work_dir / "report.html"))
