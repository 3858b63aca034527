"""A small pool with pairs, made without any other stage."""

import cv2
import numpy as np
import pytest

from simhand_mm.pool import (
    DropRecord,
    HandPairs,
    HandPool,
    HandRecord,
    PoolWriter,
    save_pairs,
)

CROP_SIZE = 32
NUM_VIDEOS, HANDS_A_VIDEO = 3, 4


def make_hand(video: int, frame: int) -> HandRecord:
    rng = np.random.default_rng([video, frame])
    crop = np.full((CROP_SIZE, CROP_SIZE, 3), 60 * video + 10, np.uint8)
    return HandRecord(
        hand_id=f"video<{video}>/{frame:06d}/0",
        video_id=f"video<{video}>",
        source="test",
        frame_index=frame,
        time_s=frame / 10,
        handedness="left" if frame % 2 else "right",
        is_mirrored=bool(frame % 2),
        bbox_xyxy=np.array([0, 0, 20 + frame, 10], np.float32),
        bbox_score=0.5 + 0.1 * video,
        keypoints_2d=rng.uniform(4, 28, (21, 2)).astype(np.float32),
        keypoint_score=np.full(21, 0.1 * frame + 0.01 * video, np.float32),
        crop=cv2.imencode(".jpg", crop)[1].tobytes(),
    )


@pytest.fixture
def pool_dir(tmp_path):
    """Three videos of four hands; pairs ``similar`` of ranks 1, 2 and 10, the last one empty."""
    writer = PoolWriter(tmp_path / "pool", {"crop_size": CROP_SIZE})
    for video in range(NUM_VIDEOS):
        hands = [make_hand(video, frame) for frame in range(HANDS_A_VIDEO)]
        drops = [DropRecord(f"video<{video}>", 9, "quality", "low_score")] * 2
        writer.write_video(hands[0].video_id, hands, drops)
    writer.write_video("broken", [], [DropRecord("broken", -1, "decode", "unreadable")])
    writer.finalize()
    pool = HandPool(tmp_path / "pool")
    rows = np.arange(len(pool))
    shifted = [(rows + HANDS_A_VIDEO * step) % len(pool) for step in (1, 2)]
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
