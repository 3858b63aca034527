"""A folder of videos -> a hand pool: what is left to do, who does it, and the merge."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from simhand_mm.pool import DropRecord, PoolWriter
from simhand_mm.preparation.executors import WorkerDied, run_local
from simhand_mm.preparation.finders import FullFrameFinder, HandFinder
from simhand_mm.preparation.keypoints import MediaPipeHands
from simhand_mm.preparation.pipeline import CropSettings, PreparedVideo, prepare_video
from simhand_mm.preparation.videos import Video, find_videos

logger = logging.getLogger(__name__)


class FinderBuilder(Protocol):
    """Picklable recipe of a hand finder."""

    def build(self) -> HandFinder:
        """Make the finder; called once in each process."""

    def record(self) -> dict[str, Any]:
        """JSON-like description for ``pool.json``: everything that changes what is found."""


@dataclass(frozen=True)
class MediaPipeFullFrame:
    """MediaPipe's palm detector and landmarks on whole frames."""

    max_hands: int = 2
    min_score: float = 0.5

    def build(self) -> HandFinder:
        """See :class:`FinderBuilder`."""
        return FullFrameFinder(MediaPipeHands(self.max_hands, self.min_score))

    def record(self) -> dict[str, Any]:
        """See :class:`FinderBuilder`."""
        from importlib.metadata import version

        return {"finder": "mediapipe", "mediapipe": version("mediapipe"), **vars(self)}


@dataclass(frozen=True)
class _VideoWork:
    """Builds the function that prepares a video and writes it to the pool."""

    pool_dir: Path
    settings: CropSettings
    finder: FinderBuilder

    def __call__(self) -> Callable[[Video], PreparedVideo]:
        writer = self.writer()
        finder = self.finder.build()

        def work(video: Video) -> PreparedVideo:
            outcome = prepare_video(video, finder, self.settings)
            writer.write_video(video.video_id, outcome.hands, outcome.drops)
            return outcome

        return work

    def writer(self) -> PoolWriter:
        settings = {**self.settings.record(), "finder": self.finder.record()}
        return PoolWriter(self.pool_dir, settings)


def prepare_pool(
    videos_dir: str | Path,
    pool_dir: str | Path,
    settings: CropSettings,
    finder: FinderBuilder,
    num_workers: int = 1,
) -> dict[str, Any]:
    """Prepare all videos of a folder that the pool does not have yet, then merge.

    Can be killed at any time and started again; the result is the same to the byte.

    Args:
        videos_dir: Folder that is searched for videos.
        pool_dir: Folder of the pool, made if needed.
        settings: How crops are made.
        finder: How hands are found.
        num_workers: Processes; 0 works in this one.

    Returns:
        The content of ``pool.json``.

    Raises:
        FileNotFoundError: If there are no videos.
        ValueError: If the pool was begun with other settings.
        RuntimeError: If there is no hand in any video.
    """
    work = _VideoWork(Path(pool_dir), settings, finder)
    videos = find_videos(videos_dir)
    writer = work.writer()
    to_do = [video for video in videos if not writer.is_done(video.video_id)]
    if len(to_do) < len(videos):
        logger.info("%d of %d videos are done already", len(videos) - len(to_do), len(videos))
    progress = _Progress(len(to_do))
    for video, outcome in run_local(to_do, work, num_workers):
        if isinstance(outcome, WorkerDied):
            drop = DropRecord(video.video_id, -1, "video", "crashed", str(outcome))
            outcome = PreparedVideo(video.video_id, failure="crashed", drops=[drop])
            writer.write_video(video.video_id, [], outcome.drops)
        progress.add(outcome)
    info = writer.finalize()
    if not info["num_hands"]:
        raise RuntimeError(
            f"No hand was found in {len(videos)} videos ({info['num_drops']}). See "
            f"{writer.root / 'drops.parquet'}; try a higher fps or a lower score."
        )
    return info


class _Progress:
    """Tells how far the work is."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._counts: Counter[str] = Counter()
        self._begun = self._told = time.monotonic()

    def add(self, outcome: PreparedVideo) -> None:
        self._counts.update(videos=1, frames=outcome.num_frames, hands=len(outcome.hands))
        if outcome.failure:
            logger.warning("%s: %s", outcome.video_id, outcome.drops[-1].detail)
        done, now = self._counts["videos"], time.monotonic()
        if now - self._told > 5 or done == self._total:
            self._told = now
            left = (now - self._begun) / done * (self._total - done)
            logger.info(
                "%d of %d videos, %d frames, %d hands, %.0f s left",
                done, self._total, self._counts["frames"], self._counts["hands"], left,
            )  # fmt: skip
