"""Quality of mined pairs, measured on synthetic hands with known 3D poses.

Axes: N hands of a pool, K ranks.
"""

from typing import Any

import numpy as np

from simhand_mm.functional.neighbors import nearest_in_other_groups
from simhand_mm.pool import HandPairs, HandPool
from simhand_mm.synthetic.ground_truth import GroundTruth


def check_pairs(
    pool: HandPool,
    pairs: HandPairs,
    pose_embeddings: np.ndarray,
    truth: GroundTruth,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure mined positives against the ground truth, and the effect of the other-video rule.

    Args:
        pool: Pool prepared from the synthetic videos.
        pairs: Pairs mined in this pool; every rank is reported.
        pose_embeddings: ``[N, D]`` embeddings in which the pairs were mined.
        truth: Ground truth of the same videos.
        seed: Seed for the random hands of other videos.

    Returns:
        ``top_mm``: rank -> mean root-aligned 3D distance (mm) between a hand and its positive of
        that rank; ``random_other_video_mm``; ``same_video_share_without_rule``: how often the
        nearest hand comes from the same video if this is allowed; ``num_hands``, of which
        ``num_matched`` have a ground truth.

    Raises:
        ValueError: If no hand of the pool is in the ground truth.
    """
    row = match_hands(pool, truth)
    if (row < 0).all():
        raise ValueError(
            f"POOL must have been prepared from the synthetic videos, but none of the {len(pool)} "
            f"hands of {pool.root} is in their ground truth. Choose the other pool or data set."
        )

    def mean_mm(positive: np.ndarray) -> float:
        gap = truth.pair_distance_mm(row, np.where(positive < 0, -1, row[positive]))
        return float(np.nanmean(gap))

    every_hand_its_own_group = np.arange(len(pool))
    nearest, _ = nearest_in_other_groups(pose_embeddings, every_hand_its_own_group, 1)
    return {
        "num_hands": len(pool),
        "num_matched": int((row >= 0).sum()),
        "top_mm": {
            int(rank): mean_mm(positive)
            for rank, positive in zip(pairs.ranks, pairs.positive_index.T, strict=True)
        },
        "random_other_video_mm": mean_mm(_random_hands_of_other_videos(pool.video_index, seed)),
        "same_video_share_without_rule": float(
            (pool.video_index[nearest[:, 0]] == pool.video_index).mean()
        ),
    }


def match_hands(pool: HandPool, truth: GroundTruth) -> np.ndarray:
    """Return the ground-truth row of each hand of a pool, ``[N]``, -1 where none matches."""
    handedness = np.where(pool.handedness_index == 1, "right", "left")
    videos = np.array(pool.video_ids)[pool.video_index]
    return truth.match(videos, pool.frame_index, pool.bbox_xyxy, handedness)


def _random_hands_of_other_videos(video_index: np.ndarray, seed: int) -> np.ndarray:
    """Draw a hand of another video for each hand, uniformly; return rows ``[N]``."""
    count = len(video_index)
    first = np.searchsorted(video_index, video_index, "left")
    size = np.searchsorted(video_index, video_index, "right") - first
    step = np.random.default_rng(seed).integers(0, np.maximum(count - size, 1))
    return (first + size + step) % count  # rows of a video are contiguous: skip them
