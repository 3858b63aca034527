"""Find the hands of a folder of videos and put them into a hand pool.

    python tools/prepare_pool.py VIDEOS_DIR POOL_DIR --fps 1 --workers 8

May be killed and started again at any time: finished videos are kept. Many machines on a shared
disk: run it with --shard 0/n ... --shard n-1/n anywhere, in any order (in a Slurm array: --shard
$SLURM_ARRAY_TASK_ID/n); when all have ended, run it once without --shard to merge.
"""

import argparse
import logging
import sys
from dataclasses import fields
from pathlib import Path

from simhand_mm.executors import ExecutorSettings
from simhand_mm.options import parse_shard
from simhand_mm.preparation.finder_settings import MediaPipeRecipe
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.quality import QualityGate
from simhand_mm.preparation.run import Preparation


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("videos_dir", type=Path, help="folder that is searched for videos")
    add("pool_dir", type=Path, help="folder of the pool")
    add("--source", default="videos", help="name of the collection, a column of the pool")
    add("--fps", type=float, default=1.0, help="frames per second of video")
    add("--crop-size", type=int, default=224, help="side of the crops in px")
    add("--crop-scale", type=float, default=1.3, help="side of the crop over that of the hand")
    add("--min-hand-px", type=float, default=24.0, help="smallest hand in the frame, in px")
    add("--min-sharpness", type=float, default=0.0, help="least variance of a crop's Laplacian")
    add("--max-hands", type=int, default=4, help="hands that MediaPipe finds in an image at most")
    add("--min-score", type=float, default=0.5, help="least score of boxes and keypoints")
    add("--task-file", default="", help="model for MediaPipe's Tasks API (hand_landmarker.task)")
    add("--detections", default="", help="table of boxes made by tools/convert_boxes.py")
    add("--mmdet", nargs=2, default=(), metavar=("CONFIG", "CHECKPOINT"), help="a hand detector")
    add("--keypoint-crop-scale", type=float, default=2.5, help="what MediaPipe sees of a box")
    add("--executor", choices=("local", "ray"), default="local", help="who does the work")
    add("--workers", type=int, help="processes; one per core by default; 0: none")
    add("--shard", type=parse_shard, default=(0, 1), help="i/n: each n-th video from i; no merge")
    add("--retry-failed", action="store_true", help="do videos again that failed before")
    add("--max-failed-share", type=float, default=0.9, help="more failed videos stop the merge")
    add("--dry-run", action="store_true", help="tell what is done and to do, and do nothing")
    add("--remove-parts", action="store_true", help="free the disk space that growing would need")
    return parser.parse_args()


def main() -> None:
    """Prepare the pool and tell what came out."""
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        gate = QualityGate(args.min_score, args.min_hand_px, min_sharpness=args.min_sharpness)
        crops = CropSettings(args.source, args.fps, args.crop_size, args.crop_scale, gate)
        names = [field.name for field in fields(MediaPipeRecipe)]
        finder = MediaPipeRecipe(**{name: getattr(args, name) for name in names})
        preparation = Preparation(args.videos_dir, args.pool_dir, crops, finder)
        if args.dry_run:
            print(*(video.path for video in preparation.dry_run(args.retry_failed)), sep="\n")
            return
        executor = ExecutorSettings(args.executor, args.workers).build()
        share, remove = args.max_failed_share, args.remove_parts
        info = preparation.run(executor, args.shard, args.retry_failed, share, remove)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        sys.exit(f"prepare_pool: {error}")
    if info:
        print(f"{args.pool_dir}: {info['num_hands']} hands of {info['num_videos']} videos")
        drops = ", ".join(f"{number} {reason}" for reason, number in info["num_drops"].items())
        print("left out:", drops or "nothing")


if __name__ == "__main__":
    main()
