"""Draw hands: videos to mine in and labelled stills to train and test on."""

import argparse
import sys

from simhand_mm.executors import ExecutorSettings
from simhand_mm.synthetic import synthesize


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output_dir", help="folder of the data set; a begun one is finished")
    parser.add_argument("--videos", type=int, default=80, help="number of videos")
    parser.add_argument("--frames", type=int, default=24, help="frames of each video, 10 a second")
    parser.add_argument("--stills-train", type=int, default=300, help="labelled training stills")
    parser.add_argument("--stills-test", type=int, default=300, help="labelled test stills")
    parser.add_argument("--image-size", type=int, default=128, help="side of the stills in px")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes")
    parser.add_argument("--executor", choices=("local", "ray"), default="local", help="who works")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 works in this one")
    return parser.parse_args()


def main() -> None:
    """Draw the data set and tell what came out."""
    args = parse_args()
    try:
        summary = synthesize(
            args.output_dir,
            num_videos=args.videos,
            num_frames=args.frames,
            num_train_stills=args.stills_train,
            num_test_stills=args.stills_test,
            seed=args.seed,
            image_size=args.image_size,
            executor=ExecutorSettings(args.executor, args.workers).build(),
        )
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        sys.exit(f"synthesize_hands: {error}")
    rows = ", ".join(f"{count} in {name}" for name, count in summary["num_rows"].items())
    print(f"{args.output_dir}: {args.videos} videos; labelled hands: {rows}")


if __name__ == "__main__":
    main()
