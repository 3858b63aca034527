"""Detect the hands in videos or images and write them to a hand pool.

    simhand prepare my_videos data/pool --fps 1 --workers 8
    simhand prepare frames data/pool --numbers-per-second 30
    simhand prepare gestures data/pool --levels person/label --group person
    simhand prepare list.csv data/pool
    simhand prepare shards data/pool --group person

The first command reads the videos in a folder. The second reads folders of extracted frames,
frames/<video>/frame_000030.jpg. The third reads gestures/<person>/<label>/*.png and writes the
columns person and label. A list must have a column path and can have group, frame_index, time_s and
source; all other columns become columns of the pool. The last command reads tar or zip archives of
images, such as WebDataset shards, in place. --dry-run shows what is treated as one video.

An interrupted run can be started again at any time: finished videos are kept. On several machines
with a shared disk, run it with --shard 0/n ... --shard n-1/n in any order (in a Slurm array:
--shard $SLURM_ARRAY_TASK_ID/n). Finally run it once without --shard to merge.

A video that cannot be read does not stop the run: it is reported, counted and dropped, and the exit
code is 0. The exit code is 1, and nothing is merged, if the share of failed videos is larger than
--max-failed-share, no hand was found, or the pool cannot be written. It is 2 for a wrong command
line.
"""

import logging
import sys
from dataclasses import replace
from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.executors import ExecutorSettings
from simhand_mm.options import Pool, Shard
from simhand_mm.preparation.finder_settings import MediaPipeRecipe
from simhand_mm.preparation.inputs import FootageSettings
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
    """Prepare the pool and print a summary.

    Args:
        input: Folder that is searched for videos, images or archives of images (tar, zip); or one
            of these, or a list of files (CSV or parquet with a column path).
        pool: Pool folder to write.
        crops: How frames are sampled and crops are made.
        footage: Which files are read and how they are grouped.
        finder: How hands are detected.
        executor: Where the work runs.
        policy: How failed videos and finished parts are handled.
        shard: Prepare every N-th video, starting with the I-th, and do not merge.
        dry_run: Print the state of the run and the remaining videos, and do nothing else.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    finder = replace(finder, min_score=crops.gate.min_score)
    preparation = Preparation(input, pool, crops, finder, footage)
    if dry_run:
        print(*(video.title for video in preparation.dry_run(policy.retry_failed)), sep="\n")
    elif info := preparation.run(executor.build(), shard, policy):
        print(f"{pool}: {info['num_hands']} hands from {info['num_videos']} videos")
        drops = ", ".join(f"{number} {reason}" for reason, number in info["num_drops"].items())
        print("dropped:", drops or "nothing")


if __name__ == "__main__":
    run(main, __doc__)
