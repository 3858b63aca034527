"""Write the HTML report of a quickstart folder and print its table of results.

simhand report work_dirs/quickstart
"""

from pathlib import Path
from typing import Annotated

from simhand_mm.cli import run
from simhand_mm.options import Html, OptionalOut


def main(work_dir: Path, /, out: Annotated[OptionalOut, Html] = None) -> None:
    """Write the report and print the table of results.

    Args:
        work_dir: Work directory of tools/quickstart.sh.
        out: HTML file to write; by default WORK_DIR/report.html.
    """
    from simhand_mm.visualization.quickstart_report import write_report

    path = out or work_dir / "report.html"
    print(write_report(work_dir, path), f"Report: {path}", sep="\n\n")


if __name__ == "__main__":
    run(main, __doc__)
