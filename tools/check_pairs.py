"""Measure mined pairs against the true 3D poses of the synthetic videos."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from simhand_mm.pool import HandPool, atomic_path, load_pairs
from simhand_mm.synthetic import GroundTruth
from simhand_mm.synthetic.pair_quality import check_pairs


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool_dir", help="pool prepared from the synthetic videos")
    parser.add_argument("synthetic_dir", help="folder of tools/synthesize_hands.py")
    parser.add_argument("--pairs", default="similar", help="name of the pairs")
    parser.add_argument("--out", default="mining_check.json", help="JSON file to write")
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_args()
    try:
        pool = HandPool(args.pool_dir)
        pairs = load_pairs(args.pool_dir, args.pairs, pool)
        embeddings = np.load(Path(args.pool_dir) / "pose_embeddings.npy")
        truth = GroundTruth.load(args.synthetic_dir)
    except (OSError, ValueError) as error:
        sys.exit(f"check_pairs: {error}")
    result = check_pairs(pool, pairs, embeddings, truth)
    with atomic_path(args.out) as temporary:
        temporary.write_text(json.dumps(result, indent=2), encoding="utf-8")
    print("mean 3D distance of a hand from its positive, wrists together (mm):")
    for rank, distance in result["top_mm"].items():
        print(f"  Top-{rank:<21} {distance:6.1f}")
    print(f"  {'random, other video':<25} {result['random_other_video_mm']:6.1f}")
    share = result["same_video_share_without_rule"]
    print(f"without the other-video rule {share:.1%} of the nearest hands are of the same video")


if __name__ == "__main__":
    main()
