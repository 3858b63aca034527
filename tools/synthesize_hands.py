"""Render hands: videos for mining, and labelled still images for training and testing.

    simhand synthesize data/synthetic --videos 80

An interrupted run can be started again: finished parts are kept.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.executors import ExecutorSettings
from simhand_mm.synthetic import Contents, synthesize


def main(
    output: Path,
    /,
    contents: Contents,
    executor: ExecutorSettings = ExecutorSettings(workers=0),  # noqa: B008 (frozen)
) -> None:
    """Render the data set and print a summary.

    Args:
        output: Folder of the data set.
        contents: Size and seed of the data set.
        executor: Where the rendering runs.
    """
    summary = synthesize(output, contents, executor.build())
    rows = ", ".join(f"{count} in {name}" for name, count in summary["num_rows"].items())
    print(f"{output}: {contents.num_videos} videos; labelled hands: {rows}")


if __name__ == "__main__":
    run(main, __doc__)
