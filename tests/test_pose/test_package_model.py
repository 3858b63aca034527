"""The image model in the package: its card, and what it predicts on drawn hands."""

from pathlib import Path

import cv2
import numpy as np
import torch
import yaml

from simhand_mm.executors import LocalExecutor
from simhand_mm.functional.pose_metrics import keypoint_errors_mm
from simhand_mm.pool import HandBox, read_poses
from simhand_mm.pose.inferencer import HandPose3DInferencer
from simhand_mm.synthetic import Contents, synthesize

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "simhand_mm/pose/detnet.pth"


def test_card_has_the_numbers_of_the_page():
    rows = (ROOT / "docs/demo.md").read_text().splitlines()
    (row,) = (row for row in rows if row.startswith("| image model, all 1,000 hands"))
    (result,) = yaml.safe_load(MODEL.with_suffix(".yml").read_text())["results"]
    numbers = [result[f"{protocol} MPJPE mm"] for protocol in ("root_scale", "procrustes")]
    assert [float(cell) for cell in row.split("|")[2:4]] == numbers


def test_hands_of_other_people_are_seen(tmp_path):
    """Without training the error is about 180 mm."""
    contents = Contents(
        num_videos=0, num_train_stills=0, num_test_stills=20, image_size=192, stills="any"
    )
    synthesize(tmp_path, contents, LocalExecutor())
    labels = read_poses(tmp_path / "poses/test.parquet")
    infer, hands = HandPose3DInferencer(None, MODEL), []
    for row, path in enumerate(labels["image_path"]):
        box = HandBox(labels["bbox_xyxy"][row], labels["handedness"][row])
        (hand,) = infer(cv2.imread(str(tmp_path / path)), [box])
        hands.append(hand.keypoints_3d)
    found = torch.from_numpy(np.float64(hands))
    truth = torch.from_numpy(np.float64(labels["keypoints_3d"]))
    assert keypoint_errors_mm(found, truth, "root_scale").mean() < 70
