"""Find the hands of a folder of videos and put them into a hand pool.

    python tools/prepare_pool.py VIDEOS_DIR POOL_DIR --fps 1 --workers 8

May be killed and started again at any time: finished videos are kept.
"""

import argparse
import logging
import os
import sys

from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import MediaPipeFullFrame, prepare_pool


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("videos_dir", help="folder that is searched for videos")
    parser.add_argument("pool_dir", help="folder of the pool")
    parser.add_argument("--source", default="videos", help="name of the collection")
    parser.add_argument("--fps", type=float, default=1.0, help="frames per second of video")
    parser.add_argument("--crop-size", type=int, default=224, help="side of the crops in px")
    parser.add_argument(
        "--crop-scale", type=float, default=1.3, help="side of the crop over that of the hand"
    )
    parser.add_argument("--max-hands", type=int, default=2, help="hands found in a frame at most")
    parser.add_argument("--min-score", type=float, default=0.5, help="of the palm detector")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="processes; 0 works in this one"
    )
    return parser.parse_args()


def main() -> None:
    """Prepare the pool and tell what came out."""
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        info = prepare_pool(
            args.videos_dir,
            args.pool_dir,
            CropSettings(args.source, args.fps, args.crop_size, args.crop_scale),
            MediaPipeFullFrame(args.max_hands, args.min_score),
            num_workers=args.workers,
        )
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        sys.exit(f"prepare_pool: {error}")
    print(f"{info['num_hands']} hands of {info['num_videos']} videos in {args.pool_dir}")
    print(f"left out: {info['num_drops']}")


if __name__ == "__main__":
    main()
