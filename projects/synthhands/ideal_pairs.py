"""SynthHands: ideal pairs, the hands of other videos with the most similar true 3D pose.

python projects/synthhands/ideal_pairs.py POOL SYNTHETIC      writes the pairs "true-pose"
"""

from pathlib import Path

import numpy as np

from simhand_mm.cli import run
from simhand_mm.functional.neighbors import nearest_in_other_groups
from simhand_mm.mining import format_report, write_simple_pairs
from simhand_mm.options import Pool
from simhand_mm.pool import HandPairs, HandPool
from simhand_mm.synthetic import GroundTruth
from simhand_mm.synthetic.pair_quality import match_hands


def true_pairs(pool: HandPool, truth: GroundTruth) -> HandPairs:
    """Find nearest neighbours by root-relative 3D keypoints, with left hands mirrored.

    Hands without ground truth have no positive.

    Args:
        pool: Pool prepared from the synthetic videos.
        truth: Ground truth of the same videos.

    Returns:
        Pairs; the distance is the Euclidean distance of the 63 coordinates, in mm.
    """
    row = match_hands(pool, truth)
    poses = truth.right_hand_poses.reshape(len(truth.handedness), -1)[row].astype(np.float32)
    poses[row < 0] = np.nan
    index, distance = nearest_in_other_groups(poses, pool.video_index, 1)
    return HandPairs(index, distance, np.array([1]), "true-pose", "pose_3d_mm", pool.fingerprint)


def main(pool: Pool, synthetic: Path, /) -> None:
    """Write the pairs and print the report.

    Args:
        pool: Pool prepared from the synthetic videos.
        synthetic: Data set made by simhand synthesize.
    """
    hands = HandPool(pool)
    pairs = true_pairs(hands, GroundTruth.load(synthetic))
    print(format_report(write_simple_pairs(hands, "true-pose", pairs)))


if __name__ == "__main__":
    run(main, __doc__)
