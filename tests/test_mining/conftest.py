"""A small pool on disk."""

import numpy as np
import pytest

from tests import pools

CROP_SIZE = 64


def write_pool(root, keypoints_of_videos, source="test", hands_per_frame=1, persons=None):
    """Write a pool of videos ``{video_id: keypoints_2d [T, 21, 2] px}`` at 10 fps."""
    hands = {}
    for video, keypoints in keypoints_of_videos.items():
        hands[video] = [
            pools.make_hand(
                video,
                *divmod(number, hands_per_frame),
                source=f"{source}-{video[:1]}",
                frame_index=3 * (number // hands_per_frame),
                keypoints_2d=points.astype(np.float32),
                columns={"person": (persons or {}).get(video, "")},
            )
            for number, points in enumerate(keypoints)
        ]
    columns = {"columns": ["person"]} if persons else {}
    return pools.write_pool(root, hands, crop_size=CROP_SIZE, **columns)


def random_keypoints(num_videos=12, frames=30, seed=0):
    """Videos with a random pose that moves a little."""
    rng = np.random.default_rng(seed)
    poses = rng.uniform(10, 54, (num_videos, 1, 21, 2))
    moved = poses + rng.normal(size=(num_videos, frames, 21, 2))
    return {f"{'ab'[v % 2]}{v:03d}": moved[v] for v in range(num_videos)}


@pytest.fixture
def pool(tmp_path):
    return write_pool(tmp_path / "pool", random_keypoints())
