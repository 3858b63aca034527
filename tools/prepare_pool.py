"""Find the hands of videos or images and put them into a hand pool.

    simhand prepare my_videos data/pool --fps 1 --workers 8
    simhand prepare frames data/pool --numbers-per-second 30
    simhand prepare gestures data/pool --levels person/label --group person
    simhand prepare list.csv data/pool

The first finds the videos of a folder. The second finds folders of extracted frames,
frames/<video>/frame_000030.jpg. The third finds gestures/<person>/<label>/*.png and writes the
columns person and label. A list has a column path, and may have group, frame_index, time_s, source,
and others, which become columns of the pool. --dry-run says what counts as one video.

May be killed and started again at any time: finished videos are kept. Several machines with a
shared disk: run it with --shard 0/n ... --shard n-1/n anywhere, in any order (in a Slurm array:
--shard $SLURM_ARRAY_TASK_ID/n). When all have ended, run it once without --shard to merge.

A bad video never ends the run: it is named, counted, and left out of the pool, and the exit code is
0. The exit code is 1, and nothing is merged, where more videos failed than --max-failed-share, no
hand was found, or the pool cannot be written; it is 2 for a wrong command line.
"""

import logging
import sys
from dataclasses import replace
from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.executors import ExecutorSettings
from simhand_mm.options import Pool, Shard
from simhand_mm.preparation.finder_settings import MediaPipeRecipe
from simhand_mm.preparation.footage import FootageSettings
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation, RunPolicy


def main(
    input: Path,
    pool: Pool,
    /,
    crops: CropSettings,
    footage: FootageSettings,
    finder: MediaPipeRecipe,
    executor: ExecutorSettings,
    policy: RunPolicy,
    shard: Shard = (0, 1),
    dry_run: bool = False,
) -> None:
    """Prepare the pool and print what came out.

    Args:
        input: Folder that is searched for videos or images; or a video, an image, or a list of
            files (CSV or parquet with a column path).
        pool: Folder of the pool.
        crops: How crops are made.
        footage: What is taken from the input.
        finder: How hands are found.
        executor: Who does the work.
        policy: What to do with failed videos and finished parts.
        shard: Prepare each N-th video from the I-th on, and do not merge.
        dry_run: Print what is done and the videos that are left, and do nothing.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    finder = replace(finder, min_score=crops.gate.min_score)
    preparation = Preparation(input, pool, crops, finder, footage)
    if dry_run:
        print(*(video.title for video in preparation.dry_run(policy.retry_failed)), sep="\n")
    elif info := preparation.run(executor.build(), shard, policy):
        print(f"{pool}: {info['num_hands']} hands of {info['num_videos']} videos")
        drops = ", ".join(f"{number} {reason}" for reason, number in info["num_drops"].items())
        print("left out:", drops or "nothing")


if __name__ == "__main__":
    run(main, __doc__)
