"""Convert the released annotations of SiMHand (Hand100M) to a hand pool and pairs.

    simhand import-hand100m frames data/pools/ego4d-50k Hand100M_Ego4D_50k_v1-1.json

The released positives are written to pairs/hand100m.npz of the pool. An interrupted run can be
started again.
"""

import logging
import sys
from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.converters.frame_numbers import VideoFiles
from simhand_mm.converters.hand100m import Hand100MSettings, import_hand100m
from simhand_mm.executors import ExecutorSettings
from simhand_mm.options import Pool
from simhand_mm.preparation.video_files import find_videos
from simhand_mm.preparation.videos import frame_times


def main(
    frames: Path,
    pool: Pool,
    annotations: tuple[Path, ...],
    /,
    settings: Hand100MSettings,
    executor: ExecutorSettings,
    videos: Path | None = None,
) -> None:
    """Import the annotations and print a summary.

    Args:
        frames: Folder of the extracted frames, <video>/frame_000030.jpg.
        pool: Pool folder to write.
        annotations: Annotation files, one per source.
        settings: How annotations are converted.
        executor: Where the work runs.
        videos: Folder of the videos, used to find the time of each frame. Needed if the frame
            rate of the videos is not FPS, as in 100DOH, and times are used, as for temporal pairs.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    files = None
    if videos is not None:
        paths = {video.video_id: video.path for video in find_videos(videos)}
        files = VideoFiles(paths, frame_times)
    info = import_hand100m(annotations, frames, pool, settings, executor.build(), files)
    print(f"{pool}: {info['num_hands']} hands from {info['num_videos']} videos")
    print("dropped:", ", ".join(f"{n} {reason}" for reason, n in info["num_drops"].items()))


if __name__ == "__main__":
    run(main, __doc__)
