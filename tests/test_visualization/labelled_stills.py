"""A few labelled stills, and predictions with known errors."""

import cv2
import numpy as np

from simhand_mm.pool import write_poses
from simhand_mm.pool import write_predictions as write_table

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
    """Write predictions with a known error at each keypoint except wrist and middle MCP."""
    order = list(range(NUM_STILLS)) if order is None else order
    pred = np.stack([make_target(sample) for sample in order]).astype(np.float64)
    is_moved = ~np.isin(np.arange(21), [0, 9])
    pred[:, is_moved, 0] += np.asarray(errors_mm)[order][:, None]
    write_table(
        path,
        {
            "sample_id": [f"still {sample}" for sample in order],
            "keypoints_3d": pred,
            "keypoints_2d": project(pred),
            "keypoint_score": np.ones((len(order), 21)),
            "error_mm": np.zeros(len(order)),
        },
    )
