"""A small random pool with pairs, and a small model that trains."""

import cv2
import numpy as np
import pytest

from simhand_mm.pool import HandPairs, save_pairs
from tests import pools

CROP = 48


def write_pool(root, videos, frames=4, source="test", seed=0, crop_size=CROP, extension=".png"):
    """Write a pool of hands drawn as lines; frame ``f`` of every video shows pose ``f``."""
    rng = np.random.default_rng(seed)
    poses = rng.uniform(0.2, 0.8, (frames, 21, 2)) * crop_size
    hands = {
        video: [
            make_hand(video, frame, poses[frame], crop_size, source, rng, extension)
            for frame in range(frames)
        ]
        for video in videos
    }
    return pools.write_pool(root, hands, crop_size=crop_size)


def make_hand(video, frame, pose, size, source, rng, extension):
    keypoints = (pose + rng.normal(size=(21, 2))).astype(np.float32)
    crop = np.full((size, size, 3), rng.integers(0, 255, 3), np.uint8)
    for finger in range(5):
        chain = keypoints[[0, *range(4 * finger + 1, 4 * finger + 5)]].round().astype(int)
        cv2.polylines(crop, [chain], False, (255, 255, 255), 2)
    return pools.make_hand(
        video,
        frame,
        source=source,
        keypoints_2d=keypoints,
        crop=cv2.imencode(extension, crop)[1].tobytes(),
    )


def similar_pairs(pool, frames=4, ranks=(1, 2)):
    """Pair each hand with the same frame of the next videos; the last hand has no positive."""
    rows = np.arange(len(pool))
    positive = np.stack([(rows + frames * rank) % len(pool) for rank in ranks], axis=1)
    positive[-1] = -1
    distance = np.where(positive < 0, np.inf, 1.0)
    return HandPairs(positive, distance, np.array(ranks), "similar", "test", pool.fingerprint)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory):
    """Folder with the pools ``pool`` (8 videos of 4 hands) and ``other`` (2 videos)."""
    root = tmp_path_factory.mktemp("data")
    for name, videos in (("pool", "abcdefgh"), ("other", "xy")):
        pool = write_pool(root / name, list(videos), source=name, seed=len(videos))
        save_pairs(root / name, "similar", similar_pairs(pool))
    return root


@pytest.fixture
def model_config():
    """ResNet-18 on 32 px, as a config of HandContrastive."""
    return {
        "type": "simhand_mm.HandContrastive",
        "data_preprocessor": {
            "type": "simhand_mm.HandPairPreprocessor",
            "input_size": 32,
            "augmentation": {
                "rotation_deg": (-45, 45),
                "scale": (0.9, 1.5),
                "translation": (0, 0.1),
            },
        },
        "backbone": {"type": "ResNet", "depth": 18, "base_channels": 8, "stem_channels": 8},
        "neck": {
            "type": "NonLinearNeck",
            "in_channels": 64,
            "hid_channels": 16,
            "out_channels": 8,
            "with_bias": True,
            "with_last_bn": False,
            "norm_cfg": {"type": "BN1d"},
        },
        "head": {
            "type": "simhand_mm.EquivariantContrastiveHead",
            "loss": {
                "type": "simhand_mm.SimilarHandLoss",
                "w_pos": {"type": "linear"},
                "w_neg": {"type": "linear"},
            },
        },
    }
