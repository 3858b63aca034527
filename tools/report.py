"""Write the report of a quickstart folder and print its table of results.

Example:
    python tools/report.py work_dirs/quickstart
"""

import argparse
import sys
from pathlib import Path

from simhand_mm.visualization.quickstart_report import write_report


def main() -> None:
    """Write the page and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work_dir", type=Path, help="folder of tools/quickstart.sh")
    parser.add_argument("-o", "--out", type=Path, help="default: WORK_DIR/report.html")
    args = parser.parse_args()
    out = args.out or args.work_dir / "report.html"
    try:
        table = write_report(args.work_dir, out)
    except (OSError, ValueError) as error:
        sys.exit(f"report: {error}")
    print(table, f"Report: {out}", sep="\n\n")


if __name__ == "__main__":
    main()
