import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from simhand_mm.functional.keypoints import KEYPOINT_NAMES
from simhand_mm.functional.pose_metrics import PROTOCOLS
from simhand_mm.pose import HandPoseMetric
from simhand_mm.pose.predictions import read_keypoints
from tests.references.pose_metrics import auc_reference, errors_reference


def outputs(records, scale=1.0, noise_mm=0.0):
    """Model outputs for records: root-relative mm and image px."""
    rng = np.random.default_rng(0)
    samples = []
    for record in records:
        hand = record["keypoints_3d"] + rng.normal(0, 1, (21, 3)) * noise_mm
        samples.append(
            {
                "sample_id": record["sample_id"],
                "camera_matrix": record["camera_matrix"],
                "pred_instances": {
                    "keypoints_3d": scale * (hand - hand[:1])[None],
                    "keypoints": record["keypoints_2d"][None],
                    "keypoint_scores": np.ones((1, 21)),
                },
                "gt_instances": {
                    "keypoints_3d": record["keypoints_3d"][None],
                    "keypoints_visible": record["keypoints_valid"][None].astype(np.float32),
                },
            }
        )
    return samples


def evaluate(samples, **options):
    metric = HandPoseMetric(**options)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_perfect_prediction_is_placed_in_the_camera(records):
    """The wrist is not predicted; it follows from the 2D keypoints and the camera."""
    metrics = evaluate(outputs(records))
    for protocol in PROTOCOLS:
        assert metrics[f"{protocol}/mpjpe_mm"] < 1e-6
        assert metrics[f"{protocol}/pck_auc_20_50"] == 1.0


def test_wrong_scale_affects_none_and_root_only(records):
    metrics = evaluate(outputs(records, scale=1.2))
    assert metrics["root_scale/mpjpe_mm"] < 1e-6
    assert metrics["procrustes/mpjpe_mm"] < 1e-6
    # 1.2 times as large and as far: 20 % of 600 mm.
    assert metrics["none/mpjpe_mm"] == pytest.approx(120, rel=0.05)
    assert metrics["root/mpjpe_mm"] > 5


def test_metrics_equal_reference(records):
    records[3]["keypoints_valid"][[4, 15]] = False
    samples = outputs(records, noise_mm=10.0)
    metrics = evaluate(samples)
    pred = [sample["pred_instances"]["keypoints_3d"][0] for sample in samples]
    target = [record["keypoints_3d"] for record in records]
    valid = [record["keypoints_valid"] for record in records]
    for protocol in ("root", "root_scale", "procrustes", "procrustes_official"):
        errors = errors_reference(pred, target, protocol, valid)
        assert metrics[f"{protocol}/mpjpe_mm"] == pytest.approx(np.mean(errors), abs=1e-9)
        expected = auc_reference(errors, 0, 50, 100)
        assert metrics[f"{protocol}/pck_auc_0_50"] == pytest.approx(expected, abs=1e-9)


def test_files(records, tmp_path):
    records[0]["keypoints_valid"][4] = False
    samples = outputs(records, noise_mm=10.0)
    metrics = evaluate(samples, output_dir=str(tmp_path), save_predictions=True)
    saved = json.loads((tmp_path / "metrics.json").read_text())
    assert saved["num_hands"] == 8
    root_scale = saved["protocols"]["root_scale"]
    assert root_scale["mpjpe_mm"] == metrics["root_scale/mpjpe_mm"]
    assert list(root_scale["per_keypoint_mm"]) == list(KEYPOINT_NAMES)
    assert root_scale["per_keypoint_mm"]["wrist"] == 0
    assert len(root_scale["pck_curve"]) == len(saved["pck_thresholds_mm"])
    table = pq.read_table(tmp_path / "predictions.parquet").to_pydict()
    ids = [record["sample_id"] for record in records]
    assert table["sample_id"] == ids
    points = np.reshape(table["keypoints_2d"][2], (21, 2))
    np.testing.assert_allclose(points, records[2]["keypoints_2d"], rtol=1e-5)
    weighted = np.average(table["error_mm"], weights=[20] + [21] * 7)
    assert weighted == pytest.approx(metrics["root_scale/mpjpe_mm"], rel=1e-5)
    pred = read_keypoints(tmp_path / "predictions.parquet", ids[::-1])
    np.testing.assert_allclose(pred[0], np.reshape(table["keypoints_3d"][7], (21, 3)))


def test_works_in_mmengine_evaluator(records):
    evaluator = Evaluator({"type": "simhand_mm.HandPoseMetric"})
    samples = []
    for output in outputs(records):
        sample = PoseDataSample(metainfo={"sample_id": output["sample_id"]})
        sample.set_metainfo({"camera_matrix": output["camera_matrix"]})
        sample.pred_instances = InstanceData(**output["pred_instances"])
        sample.gt_instances = InstanceData(**output["gt_instances"])
        samples.append(sample)
    evaluator.process(samples)
    assert evaluator.evaluate(8)["root/mpjpe_mm"] < 1e-6
