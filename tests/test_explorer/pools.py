"""A small pool with pictures and pairs for the tests of the page."""

import cv2
import numpy as np

from simhand_mm.pool import HandPairs, save_pairs
from tests.pools import CROP_SIZE, make_hand, write_pool

EVIL = '<img src=x onerror="document.title=1">'


def picture(number: int) -> bytes:
    image = np.full((CROP_SIZE, CROP_SIZE, 3), (40 * number % 256, 120, 200), np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()


def explored_pool(root, num_frames=12):
    """Two videos; every third hand is a left one; the last hand has no usable keypoints."""
    hands = {
        video: [
            make_hand(
                video,
                frame,
                handedness="left" if frame % 3 == 0 else "right",
                crop=picture(frame),
                sharpness=float(frame),
                columns={"label": EVIL if frame == 1 else f"l{frame % 2}"},
            )
            for frame in range(num_frames)
        ]
        for video in ("a", "bb")  # keypoints depend on the length of the id
    }
    hands["bb"][-1].keypoints_2d[:] = 0
    return write_pool(root, hands, columns=["label"])


def add_pairs(pool, name="similar"):
    """Pair each hand with the two next ones; the first has no positive, the second only one."""
    count = len(pool)
    positive = (np.arange(count)[:, None] + [1, 2]) % count
    distance = np.tile(np.float32([0.5, 0.75]), (count, 1))
    positive[0], positive[1, 1] = -1, -1
    distance[positive < 0] = np.inf
    ranks = np.array([1, 2])
    pairs = HandPairs(positive, distance, ranks, "similar", "l2", pool.fingerprint)
    save_pairs(pool.root, name, pairs)
