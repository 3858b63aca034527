import cv2
import numpy as np
import pytest

from simhand_mm.functional.camera import project
from simhand_mm.functional.keypoints import PARENTS
from simhand_mm.pool import write_poses

IMAGE_SIZE = (160, 120)


def random_hand(rng):
    """A tree of bones of 25 to 90 mm, 500 mm in front of the camera; [21, 3] mm."""
    hand = np.zeros((21, 3))
    for child in range(1, 21):
        direction = rng.normal(0, 1, 3) * (1, 1, 0.4)
        length = 90 if child % 4 == 1 else 25
        hand[child] = hand[PARENTS[child]] + length * direction / np.linalg.norm(direction)
    return hand + np.array([20, -10, 600])


def random_record(rng, name, handedness="right"):
    hand = random_hand(rng)
    camera = np.array([[210.0, 0, 79], [0, 190, 61], [0, 0, 1]])
    points = project(hand, camera)
    return {
        "sample_id": name,
        "image_path": f"images/{name}.jpg",
        "width": IMAGE_SIZE[0],
        "height": IMAGE_SIZE[1],
        "camera_matrix": camera,
        "keypoints_3d": hand,
        "keypoints_2d": points,
        "keypoints_valid": np.ones(21, bool),
        "bbox_xyxy": np.concatenate([points.min(0), points.max(0) + 1]),
        "handedness": handedness,
        "subject_id": "s",
        "sequence_id": "q",
        "source": "test",
    }


@pytest.fixture
def records():
    rng = np.random.default_rng(0)
    return [random_record(rng, f"hand_{i}", "left" if i % 2 else "right") for i in range(8)]


@pytest.fixture
def data_root(tmp_path, records):
    """A labelled set of 8 random hands with images of noise."""
    rng = np.random.default_rng(1)
    (tmp_path / "images").mkdir()
    for record in records:
        noise = rng.integers(0, 255, (IMAGE_SIZE[1], IMAGE_SIZE[0], 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / record["image_path"]), noise)
    for split in ("train", "test"):
        write_poses(tmp_path / f"poses/{split}.parquet", records)
    return tmp_path
