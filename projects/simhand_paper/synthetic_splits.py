"""Add validation tables to a synthetic labelled set, as a replacement for those of the paper.

python projects/simhand_paper/synthetic_splits.py DATA_ROOT
"""

import shutil
from pathlib import Path

from simhand_mm.cli import run


def main(data_root: Path, /) -> None:
    """Copy the table of the test split.

    Args:
        data_root: Data set made by simhand synthesize.
    """
    poses = data_root / "poses"
    for split in ("val", "holdout"):
        shutil.copy(poses / "test.parquet", poses / f"{split}.parquet")


if __name__ == "__main__":
    run(main, __doc__)
