"""Show what is in a hand pool: statistics, drop reasons, random and worst hands, as one page.

Example:
    python tools/browse_pool.py work_dirs/quickstart/pool -o pool.html
"""

import argparse
import sys

from simhand_mm.visualization.pool_report import write_pool_report


def main() -> None:
    """Write the page and name it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pool", help="pool folder, made by tools/prepare_pool.py")
    parser.add_argument("-o", "--out", default="pool.html", help="HTML file to write")
    parser.add_argument("--num-hands", type=int, default=48, help="pictures in each gallery")
    parser.add_argument("--seed", type=int, default=0, help="chooses the random hands")
    args = parser.parse_args()
    try:
        print(write_pool_report(args.pool, args.out, args.num_hands, args.seed))
    except (OSError, ValueError) as error:
        sys.exit(f"browse_pool: {error}")


if __name__ == "__main__":
    main()
