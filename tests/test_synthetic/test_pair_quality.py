"""Mined pairs against the ground truth, on pairs of known quality."""

from dataclasses import replace

import numpy as np
import pytest

from simhand_mm.pool import HandPairs
from simhand_mm.synthetic import GroundTruth
from simhand_mm.synthetic.pair_quality import _random_hands_of_other_videos, check_pairs
from tests.pools import make_hand, write_pool


@pytest.fixture
def setting(tmp_path):
    """Two videos of three frames; frame f of both shows the same pose, scaled by f."""
    rng = np.random.default_rng(0)
    shape = rng.normal(size=(21, 3))
    rows = [(video, frame) for video in ("a", "b") for frame in range(3)]
    box = np.array([0, 0, 10, 10], np.float32)
    hands = {v: [make_hand(v, frame, bbox_xyxy=box) for frame in range(3)] for v in ("a", "b")}
    pool = write_pool(tmp_path, hands)
    truth = GroundTruth(
        video_id=np.array([video for video, _ in rows]),
        frame_index=np.array([frame for _, frame in rows]),
        handedness=np.array(["right"] * 6),
        bbox_xyxy=np.tile(box, (6, 1)),
        keypoints_2d=np.zeros((6, 21, 2)),
        keypoints_3d=np.stack([shape * frame for _, frame in rows]),
        camera_matrix=np.tile(np.eye(3), (6, 1, 1)),
    )
    return pool, truth, shape


def test_check_pairs_equals_values_by_hand(setting):
    pool, truth, shape = setting
    same_frame = np.array([3, 4, 5, 0, 1, 2])
    next_frame = np.array([4, 5, -1, 1, 2, -1])
    pairs = HandPairs(
        np.stack([same_frame, next_frame], 1), np.zeros((6, 2)), np.array([1, 2]), "similar",
        "none", pool.fingerprint,
    )  # fmt: skip
    embeddings = np.array([[0.0], [1.0], [2.5], [10.0], [11.0], [12.5]], np.float32)
    result = check_pairs(pool, pairs, embeddings, truth)
    step = np.linalg.norm(shape - shape[0], axis=1).mean()
    assert result["top_mm"][1] == pytest.approx(0, abs=1e-5)
    assert result["top_mm"][2] == pytest.approx(step, rel=1e-5)
    assert result["same_video_share_without_rule"] == 1.0
    assert result["num_matched"] == result["num_hands"] == 6


def test_random_hands_are_from_another_video():
    video_index = np.repeat([0, 1, 2, 3], [3, 1, 5, 2])
    for seed in range(20):
        drawn = _random_hands_of_other_videos(video_index, seed)
        assert np.all(video_index[drawn] != video_index)


def test_a_pool_of_other_videos_is_refused(setting):
    pool, truth, _ = setting
    index = np.zeros((6, 1), np.int32)
    pairs = HandPairs(index, index, np.array([1]), "similar", "none", pool.fingerprint)
    others = replace(truth, video_id=np.array(["c"] * 6))
    with pytest.raises(ValueError, match=r"POOL must .* none of the 6 hands"):
        check_pairs(pool, pairs, np.zeros((6, 1), np.float32), others)
