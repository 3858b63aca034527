"""Measure anyone's file of 3D predictions under every protocol."""

import argparse

from simhand_mm.pose.evaluation import evaluate_file, format_table


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
    evaluation = evaluate_file(args.poses, args.predictions)
    num_hands = len(evaluation["root_scale"]["per_sample_mm"])
    print(f"{num_hands} hands\n{format_table(evaluation)}")


if __name__ == "__main__":
    main()
