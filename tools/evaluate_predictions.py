"""Measure anyone's file of 3D predictions under every protocol."""

import argparse

from simhand_mm.pool import read_poses
from simhand_mm.pose.evaluation import evaluate_poses, format_table
from simhand_mm.pose.predictions import read_keypoints


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("poses", help="the split's poses/<split>.parquet")
    parser.add_argument(
        "predictions",
        help="predictions.parquet of tools/test.py --dump, FreiHAND's pred.json (metres) or "
        "DexYCB's .txt (mm); camera frame, left hands as left hands",
    )
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_args()
    poses = read_poses(args.poses)
    pred = read_keypoints(args.predictions, poses["sample_id"])
    evaluation = evaluate_poses(pred, poses["keypoints_3d"], poses["keypoints_valid"])
    print(f"{len(pred)} hands\n{format_table(evaluation)}")


if __name__ == "__main__":
    main()
