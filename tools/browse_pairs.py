"""Show mined pairs as a contact sheet: query, Top-1, 2, 3, 10, 50, 100 with distance and video.

Example:
    python tools/browse_pairs.py work_dirs/quickstart/pool --pairs similar -o pairs.html
"""

import argparse
import sys

from simhand_mm.visualization.pairs_report import write_pairs_report


def main() -> None:
    """Write the page and name it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pool", help="pool folder, made by tools/prepare_pool.py")
    parser.add_argument("--pairs", required=True, help="name of the pairs, see tools/mine_pairs.py")
    parser.add_argument("-o", "--out", default="pairs.html", help="HTML file to write")
    parser.add_argument("--png", help="PNG file to write the sheet to as well")
    parser.add_argument("--num-queries", type=int, default=12, help="rows of the sheet")
    parser.add_argument("--seed", type=int, default=0, help="chooses the queries")
    parser.add_argument("--keypoints", action="store_true", help="draw the keypoints")
    args = parser.parse_args()
    try:
        page = write_pairs_report(
            args.pool, args.pairs, args.out, args.png, args.num_queries, args.seed, args.keypoints
        )
    except (OSError, ValueError) as error:
        sys.exit(f"browse_pairs: {error}")
    print(page, *([args.png] if args.png else []), sep="\n")


if __name__ == "__main__":
    main()
