"""Small pools of random hands for the tests of all stages."""

import numpy as np

from simhand_mm.pool import HandPool, HandRecord, PoolWriter

CROP_SIZE = 32


def make_hand(video_id, frame, number=0, **fields):
    """Make hand ``number`` of a frame at 10 fps, right if first; ``fields`` override values."""
    rng = np.random.default_rng([len(video_id), frame, number])
    handedness = fields.get("handedness", "left" if number else "right")
    values = {
        "hand_id": f"{video_id}/{frame:06d}/{number}",
        "video_id": video_id,
        "source": "test",
        "frame_index": frame,
        "time_s": frame / 10,
        "handedness": handedness,
        "is_mirrored": handedness == "left",
        "bbox_xyxy": rng.uniform(0, 100, 4).astype(np.float32),
        "bbox_score": 0.5,
        "keypoints_2d": rng.uniform(0, CROP_SIZE, (21, 2)).astype(np.float32),
        "keypoint_score": np.ones(21, np.float32),
        "crop": f"jpeg {video_id} {frame} {number}".encode(),
    }
    return HandRecord(**{**values, **fields})


def write_pool(root, hands, drops=(), **settings):
    """Write a finished pool of ``{video_id: hands}``."""
    writer = PoolWriter(root, {"crop_size": CROP_SIZE, "producer": "test", **settings})
    for video_id, records in hands.items():
        writer.write_video(video_id, records, [d for d in drops if d.video_id == video_id])
    writer.finalize()
    return HandPool(root)


def make_pose(name):
    """Make a row of a poses table."""
    return {
        "sample_id": name,
        "image_path": "image.png",
        "width": 8,
        "height": 8,
        "camera_matrix": np.eye(3),
        "keypoints_3d": np.ones((21, 3)),
        "keypoints_2d": np.ones((21, 2)),
        "keypoints_valid": np.ones(21, bool),
        "bbox_xyxy": np.array([0, 0, 8, 8]),
        "handedness": "right",
        "subject_id": "",
        "sequence_id": "",
        "source": "test",
    }
