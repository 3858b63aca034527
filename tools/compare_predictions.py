"""Set the predictions of several models side by side: table, error histograms, pictures.

Example:
    python tools/compare_predictions.py data/FreiHAND_pub_v2/poses/test.parquet \
        scratch=work_dirs/a/predictions.parquet simhand=work_dirs/b/predictions.parquet
"""

import argparse
from pathlib import Path

from simhand_mm.pose.evaluation import as_metrics, evaluate_file
from simhand_mm.visualization.comparison_report import write_comparison_report
from simhand_mm.visualization.results import MethodResult


def labelled_file(text: str) -> tuple[str, Path]:
    """``LABEL=FILE``."""
    label, separator, path = text.partition("=")
    if not (label and separator and path):
        raise argparse.ArgumentTypeError(f"must be LABEL=predictions.parquet, but got {text!r}")
    return label, Path(path)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("poses", type=Path, help="the split's <data root>/poses/<split>.parquet")
    parser.add_argument(
        "predictions",
        type=labelled_file,
        nargs="+",
        metavar="LABEL=FILE",
        help="predictions.parquet of tools/test.py --dump; the last is set against the first",
    )
    parser.add_argument(
        "--data-root", type=Path, help="of the pictures; by default two above POSES"
    )
    parser.add_argument("--worst", type=int, default=4, help="rows of each section of worst cases")
    parser.add_argument("-o", "--out", type=Path, default=Path("work_dirs/comparison.html"))
    args = parser.parse_args()
    labels = [label for label, _ in args.predictions]
    if len(set(labels)) < len(labels):
        parser.error(f"labels must differ, but got {', '.join(labels)}")
    return args


def main() -> None:
    """Run the command line."""
    args = parse_args()
    results = [
        MethodResult(label, as_metrics(evaluate_file(args.poses, path)), path)
        for label, path in args.predictions
    ]
    data_root = args.data_root or args.poses.parent.parent
    print(write_comparison_report(data_root, args.poses, results, args.out, args.worst))
    print(f"\nPage: {args.out}")


if __name__ == "__main__":
    main()
