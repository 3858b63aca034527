"""A small pool with pairs, made without the other stages."""

import cv2
import numpy as np
import pytest

from simhand_mm.pool import DropRecord, HandPairs, HandRecord, save_pairs
from tests import pools
from tests.pools import CROP_SIZE

NUM_VIDEOS, HANDS_PER_VIDEO = 3, 4


def make_hand(video: int, frame: int) -> HandRecord:
    crop = np.full((CROP_SIZE, CROP_SIZE, 3), 60 * video + 10, np.uint8)
    return pools.make_hand(
        f"video<{video}>",
        frame,
        handedness="left" if frame % 2 else "right",
        bbox_xyxy=np.array([0, 0, 20 + frame, 10], np.float32),
        bbox_score=0.5 + 0.1 * video,
        keypoint_score=np.full(21, 0.1 * frame + 0.01 * video, np.float32),
        crop=cv2.imencode(".jpg", crop)[1].tobytes(),
    )


@pytest.fixture
def pool_dir(tmp_path):
    """Three videos with four hands each; pairs ``similar`` of ranks 1, 2 and 10, the last empty."""
    hands = {
        f"video<{video}>": [make_hand(video, frame) for frame in range(HANDS_PER_VIDEO)]
        for video in range(NUM_VIDEOS)
    }
    drops = [DropRecord(video, 9, "quality", "low_score") for video in hands for _ in range(2)]
    drops.append(DropRecord("broken", -1, "decode", "unreadable"))
    pool = pools.write_pool(tmp_path / "pool", {**hands, "broken": []}, drops)
    rows = np.arange(len(pool))
    shifted = [(rows + HANDS_PER_VIDEO * step) % len(pool) for step in (1, 2)]
    pairs = HandPairs(
        positive_index=np.stack([*shifted, np.full(len(pool), -1)], axis=1),
        distance=np.stack([rows + 1.0, rows + 2.0, np.full(len(pool), np.inf)], axis=1),
        ranks=np.array([1, 2, 10]),
        rule="similar",
        metric="test distance",
        pool_fingerprint=pool.fingerprint,
    )
    save_pairs(pool.root, "similar", pairs)
    return pool.root
