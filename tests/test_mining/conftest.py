"""A small pool on disk."""

import numpy as np
import pytest

from simhand_mm.pool import HandPool, HandRecord, PoolWriter

CROP_SIZE = 64


def write_pool(root, keypoints_of_videos, source="test", hands_per_frame=1):
    """Pool of videos ``{video_id: keypoints_2d [T, 21, 2] px}``, 10 frames a second."""
    writer = PoolWriter(root, {"crop_size": CROP_SIZE, "producer": "test"})
    for video, keypoints in keypoints_of_videos.items():
        hands = []
        for number, points in enumerate(keypoints):
            frame, hand = divmod(number, hands_per_frame)
            hands.append(
                HandRecord(
                    hand_id=f"{video}/{frame:06d}/{hand}",
                    video_id=video,
                    source=f"{source}-{video[:1]}",
                    frame_index=3 * frame,
                    time_s=frame / 10,
                    handedness="left" if hand else "right",
                    is_mirrored=bool(hand),
                    bbox_xyxy=np.array([0, 0, 50, 50], np.float32),
                    bbox_score=0.9,
                    keypoints_2d=points.astype(np.float32),
                    keypoint_score=np.ones(21, np.float32),
                    crop=b"jpeg",
                )
            )
        writer.write_video(video, hands, [])
    writer.finalize()
    return HandPool(root)


def random_keypoints(num_videos=12, frames=30, seed=0):
    """Videos in which a random pose moves a little."""
    rng = np.random.default_rng(seed)
    poses = rng.uniform(10, 54, (num_videos, 1, 21, 2))
    moved = poses + rng.normal(size=(num_videos, frames, 21, 2))
    return {f"{'ab'[v % 2]}{v:03d}": moved[v] for v in range(num_videos)}


@pytest.fixture
def pool(tmp_path):
    return write_pool(tmp_path / "pool", random_keypoints())
