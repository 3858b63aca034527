"""Draw hands of a pool into a pool of their own.

    simhand subset data/pool data/pool-50k --hands 50000
    simhand subset data/pool data/pool-balanced --balance

Ids and crops stay the same.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.pool import HandPool
from simhand_mm.preparation.subset import Draw, write_subset


def main(pool: Path, output: Path, /, draw: Draw) -> None:
    """Draw and print what came out.

    Args:
        pool: Pool to draw from.
        output: Folder of the new pool.
        draw: Which hands.
    """
    source = HandPool(pool)
    info = write_subset(source, output, draw)
    print(f"{output}: {info['num_hands']} of {len(source)} hands")


if __name__ == "__main__":
    run(main, __doc__)
