"""Draw hands of a pool into a pool of their own.

python tools/subset_pool.py POOL_DIR OUTPUT_DIR --hands 50000 --seed 0
python tools/subset_pool.py POOL_DIR OUTPUT_DIR --balance
"""

import argparse
import sys

from simhand_mm.pool import HandPool
from simhand_mm.preparation.subset import write_subset


def main() -> None:
    """Draw and tell what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pool_dir", help="the pool to draw from")
    parser.add_argument("output_dir", help="folder of the new pool")
    parser.add_argument("--hands", type=int, help="how many; all by default")
    parser.add_argument("--balance", action="store_true", help="as many left as right hands")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    args = parser.parse_args()
    try:
        pool = HandPool(args.pool_dir)
        info = write_subset(pool, args.output_dir, args.hands, args.balance, args.seed)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"subset_pool: {error}")
    print(f"{args.output_dir}: {info['num_hands']} of {len(pool)} hands")


if __name__ == "__main__":
    main()
