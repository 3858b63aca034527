"""SynthHands, the ideal miner: pair each hand with the truly most similar one of another video.

python projects/synthhands/ideal_pairs.py POOL SYNTHETIC      writes the pairs "true-pose"
"""

import argparse

import numpy as np

from simhand_mm.functional.neighbors import nearest_in_other_groups
from simhand_mm.mining import format_report, write_simple_pairs
from simhand_mm.pool import HandPairs, HandPool
from simhand_mm.synthetic import GroundTruth
from simhand_mm.synthetic.pair_quality import match_hands


def true_pairs(pool: HandPool, truth: GroundTruth) -> HandPairs:
    """Nearest neighbours by root-relative 3D keypoints, as right hands; hands without truth none.

    Args:
        pool: Prepared from the synthetic videos.
        truth: Of the same videos.

    Returns:
        Pairs whose distance is the Euclidean one of the 63 coordinates, in mm.
    """
    row = match_hands(pool, truth)
    poses = truth.right_hand_poses.reshape(len(truth.handedness), -1)[row].astype(np.float32)
    poses[row < 0] = np.nan
    index, distance = nearest_in_other_groups(poses, pool.video_index, 1)
    return HandPairs(index, distance, np.array([1]), "true-pose", "pose_3d_mm", pool.fingerprint)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pool", help="pool prepared from the synthetic videos")
    parser.add_argument("synthetic", help="folder that simhand synthesize wrote")
    args = parser.parse_args()
    pool = HandPool(args.pool)
    pairs = true_pairs(pool, GroundTruth.load(args.synthetic))
    print(format_report(write_simple_pairs(pool, "true-pose", pairs)))


if __name__ == "__main__":
    main()
