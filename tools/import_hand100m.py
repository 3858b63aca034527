"""Turn the annotations that the authors of SiMHand released into a hand pool and pairs.

    python tools/import_hand100m.py Hand100M_Ego4D_50k_v1-1.json --images FRAMES_DIR --pool POOL_DIR

The pool then has pairs/hand100m.npz, the released positives.
"""

import argparse
import sys

from simhand_mm.converters.hand100m import import_hand100m
from simhand_mm.executors import ExecutorSettings


def main() -> None:
    """Import and tell what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotations", nargs="+", help="one file of each source")
    parser.add_argument("--images", required=True, help="folder of <video>/frame_000030.jpg")
    parser.add_argument("--pool", required=True, help="folder of the pool")
    parser.add_argument("--crop-size", type=int, default=224, help="side of the crops in px")
    parser.add_argument("--executor", choices=("local", "ray"), default="local", help="who works")
    parser.add_argument("--workers", type=int, help="processes; one per core by default")
    args = parser.parse_args()
    try:
        executor = ExecutorSettings(args.executor, args.workers).build()
        info = import_hand100m(args.annotations, args.images, args.pool, args.crop_size, executor)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        sys.exit(f"import_hand100m: {error}")
    print(f"{args.pool}: {info['num_hands']} hands of {info['num_videos']} videos")
    print("left out:", ", ".join(f"{n} {reason}" for reason, n in info["num_drops"].items()))


if __name__ == "__main__":
    main()
