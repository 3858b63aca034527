"""The table of protocols for a file of predictions, against references."""

import numpy as np
import pytest

from simhand_mm.pool import read_poses, write_poses, write_predictions
from simhand_mm.pose.evaluation import evaluate_file, format_table
from simhand_mm.pose.official_forms import write_official
from simhand_mm.pose.predictions import read_keypoints
from tests.references.procrustes import pa_mpjpe


@pytest.fixture
def files(records, tmp_path):
    """A poses table and a FreiHAND file of predictions; every other hand is flipped in depth."""
    rng = np.random.default_rng(0)
    pred = []
    for number, record in enumerate(records):
        record["sample_id"] = f"evaluation/{number:08d}"
        flip = [1, 1, -1] if number % 2 else [1, 1, 1]
        root = record["keypoints_3d"][:1]
        noise = rng.normal(0, 8, (21, 3))
        pred.append((record["keypoints_3d"] - root) * flip + root + noise)
    write_poses(tmp_path / "test.parquet", records)
    names = [record["sample_id"] for record in records]
    write_official(tmp_path / "pred.json", "freihand", names, np.array(pred))
    return tmp_path / "test.parquet", tmp_path / "pred.json", names


def test_pa_mpjpe_of_a_file_equals_scipy_under_both_rules(files):
    poses, predictions, names = files
    results = evaluate_file(poses, predictions)
    pred = read_keypoints(predictions, names)
    target = read_poses(poses)["keypoints_3d"]
    ours = pa_mpjpe(pred, target, may_reflect=False)
    official = pa_mpjpe(pred, target, may_reflect=True)
    assert abs(results["procrustes"]["mpjpe_mm"] - ours) < 1e-9
    assert abs(results["procrustes_official"]["mpjpe_mm"] - official) < 1e-9
    assert official < ours - 5  # flipped hands: the rules differ


def test_table_explains_both_procrustes_protocols(files):
    poses, predictions, _ = files
    results = evaluate_file(poses, predictions)
    text = format_table(results)
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
    for protocol, result in results.items():
        assert float(lines[protocol][0]) == pytest.approx(result["mpjpe_mm"], abs=0.006)
        assert float(lines[protocol][1]) == pytest.approx(result["mpjpe_columns_mm"], abs=0.006)
    assert "reflections too, as in the toolkits of FreiHAND, DexYCB and HO-3D" in text


def test_column_means_separate_left_and_right_hands(files):
    poses, predictions, names = files
    table = read_poses(poses)
    left = np.array(table["handedness"]) == "left"
    table["keypoints_valid"][np.flatnonzero(left)[1:], 4] = False  # one left thumb tip is labelled
    rows = [{name: column[n] for name, column in table.items()} for n in range(len(left))]
    write_poses(poses, rows)
    result = evaluate_file(poses, predictions)["root"]
    pred, target = read_keypoints(predictions, names), np.float64(table["keypoints_3d"])
    errors = np.linalg.norm((pred - pred[:, :1]) - (target - target[:, :1]), axis=-1)
    errors[~table["keypoints_valid"]] = np.nan
    columns = [np.nanmean(errors[side], axis=0) for side in (left, ~left)]
    assert abs(result["mpjpe_columns_mm"] - np.mean(columns)) < 1e-9
    assert abs(result["mpjpe_mm"] - np.nanmean(errors)) < 1e-9


def test_only_the_hands_of_another_file_are_evaluated(files, tmp_path):
    poses, predictions, names = files
    count = len(names) // 2
    some = {
        "sample_id": names[:count],
        "keypoints_3d": np.zeros((count, 21, 3)),
        "keypoints_2d": np.zeros((count, 21, 2)),
        "keypoint_score": np.ones((count, 21)),
        "error_mm": np.zeros(count),
    }
    write_predictions(tmp_path / "some.parquet", some)
    every, half = (
        evaluate_file(poses, predictions, hands_of)["root_scale"]["per_sample_mm"]
        for hands_of in (None, tmp_path / "some.parquet")
    )
    np.testing.assert_allclose(half, every[:count])
    write_predictions(
        tmp_path / "others.parquet", {**some, "sample_id": [f"? {k}" for k in range(count)]}
    )
    with pytest.raises(ValueError, match="hands_of must have hands of"):
        evaluate_file(poses, predictions, tmp_path / "others.parquet")
