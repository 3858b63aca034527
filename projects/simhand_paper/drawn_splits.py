"""Add validation tables to a synthetic labelled set, as a replacement for those of the paper.

python projects/simhand_paper/drawn_splits.py DATA_ROOT
"""

import argparse
import shutil
from pathlib import Path


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data_root", type=Path, help="data set made by simhand synthesize")
    poses = parser.parse_args().data_root / "poses"
    for split in ("val", "holdout"):
        shutil.copy(poses / "test.parquet", poses / f"{split}.parquet")


if __name__ == "__main__":
    main()
