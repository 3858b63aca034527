"""Sample hands of a pool and write them to a new pool.

    simhand subset data/pool data/pool-50k --hands 50000
    simhand subset data/pool data/pool-balanced --balance
    simhand subset data/pool data/pool-sharp --where "sharpness > 50 and source == 'ego4d'"
    simhand subset data/pool data/pool-clean --exclude hand_ids.txt

IDs and crops do not change. Conditions compare columns of the pool (docs/data_format.md) with
constants by == != < <= > >= in, not in, and are combined by and, or, not.
"""

import logging
import sys
from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.pool import HandPool
from simhand_mm.preparation.subset import Selection, write_subset


def main(pool: Path, output: Path, /, selection: Selection) -> None:
    """Write the new pool and print a summary.

    Args:
        pool: Pool to sample from.
        output: Folder of the new pool.
        selection: Which hands are selected.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    source = HandPool(pool)
    info = write_subset(source, output, selection)
    print(f"{output}: {info['num_hands']} of {len(source)} hands")


if __name__ == "__main__":
    run(main, __doc__)
