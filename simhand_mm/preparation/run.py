"""A preparation run: videos and images to a hand pool, distributed over processes and merged."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simhand_mm.executors import Executor, WorkerDied, progress_bar
from simhand_mm.pool import PoolWriter, VideoStatus
from simhand_mm.pool.parts import PartEntry
from simhand_mm.preparation.finder_settings import FinderRecipe
from simhand_mm.preparation.footage import Footage, find_footage, pool_settings
from simhand_mm.preparation.inputs import FootageSettings, Input, read_input
from simhand_mm.preparation.pipeline import CropSettings, failed_video, prepare_video
from simhand_mm.preparation.statuses import check_failures, left_to_do, status_table
from simhand_mm.preparation.tasks import Task, to_pieces, to_tasks

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunPolicy:
    """Handling of failed videos and of the parts of finished ones.

    Attributes:
        retry_failed: Prepare videos again that failed or could only be used in part. Videos whose
            file has changed are always prepared again.
        max_failed_share: Stop before merging if a larger fraction of the videos failed.
        remove_parts: Delete the parts after merging; no videos can then be added to the pool.
    """

    retry_failed: bool = False
    max_failed_share: float = 0.9
    remove_parts: bool = False


@dataclass(frozen=True)
class Preparation:
    """The preparation of one input into one pool.

    It may be killed at any time and run again. The bytes of the pool do not depend on which process
    prepares which video, when, or how often.

    Attributes:
        source: Folder that is searched for videos, images or archives, one of them, or a list.
        pool_dir: Folder of the pool; created if missing.
        settings: Settings of the crops.
        finder: How hands are found.
        footage: What is taken from the input.
    """

    source: Path
    pool_dir: Path
    settings: CropSettings
    finder: FinderRecipe
    footage: FootageSettings = FootageSettings()  # noqa: RUF009 (frozen)

    def run(
        self,
        executor: Executor,
        shard: tuple[int, int] = (0, 1),
        policy: RunPolicy = RunPolicy(),  # noqa: B008 (frozen)
    ) -> dict[str, Any] | None:
        """Prepare the videos that are not in the pool yet, then merge.

        Args:
            executor: Runs the work.
            shard: ``(i, n)`` prepares every n-th video, starting with the i-th, and does not merge;
                a run without shards merges after all shards have ended.
            policy: What to do with failed videos and finished parts.

        Returns:
            The content of ``pool.json``; None for a shard.

        Raises:
            FileNotFoundError: If there are no videos.
            ValueError: If the pool was started with other settings.
            RuntimeError: If too many videos failed, no hand was found, or another process is
                preparing the pool.
            OSError: If the pool cannot be written. Finished work is kept.
        """
        index, count = shard
        files = read_input(self.source, self.footage)
        # Of a new pool first, so that wrong options are not recorded as its settings.
        is_new = not (self.pool_dir / "settings.json").is_file()
        new = self._find_footage(files, {}) if is_new else []
        writer = PoolWriter(self.pool_dir, self._pool_settings(files))
        with writer.lock(shared=count > 1):
            statuses, stored = writer.statuses(), writer.entries()
            videos = new or self._find_footage(files, statuses)
            pieces = to_pieces(videos, self.settings.fps)[index::count]
            to_do = left_to_do(pieces, statuses, policy.retry_failed, stored)
            if to_do:
                writer.check_can_grow()
            num_left = len({video.video_id for video in to_do})
            logger.info("%d of %d videos are left to do", num_left, len(videos))
            self._prepare(to_do, executor, writer, stored)
            statuses = writer.statuses()
            logger.info("%s", status_table(statuses.values()))
            if count > 1:
                return None
            check_failures([statuses[video.video_id] for video in videos], policy.max_failed_share)
            info = writer.finalize()
            if advice := _advice_on_boxes(info, self.finder):
                logger.warning("%s", advice)
            if policy.remove_parts:
                writer.remove_parts()
        if not info["num_hands"]:
            raise RuntimeError(
                f"No hand was found in {len(videos)} videos ({info['num_drops']}). "
                f"{self.pool_dir / 'drops.parquet'} has the details; try a higher --fps or a lower "
                "--min-score."
            )
        return info

    def dry_run(self, retry_failed: bool = False) -> list[Footage]:
        """Return the videos that a run would prepare; writes nothing, and logs what is finished."""
        statuses = {}
        files = read_input(self.source, self.footage)
        if (self.pool_dir / "settings.json").is_file():
            statuses = PoolWriter(self.pool_dir, self._pool_settings(files)).statuses()
        # A group of which some pieces are finished is listed as a whole.
        to_do = left_to_do(self._find_footage(files, statuses), statuses, retry_failed)
        logger.info("%s", status_table(statuses.values(), len(to_do)))
        return to_do

    def _find_footage(self, files: Input, statuses: dict[str, VideoStatus]) -> list[Footage]:
        recorded = {video_id: status.file for video_id, status in statuses.items()}
        return find_footage(files, self.footage, self.settings.fps, recorded)

    def _pool_settings(self, files: Input) -> dict[str, Any]:
        return {
            **self.settings.record(),
            **pool_settings(files, self.footage),
            "finder": self.finder.record(),
        }

    def _prepare(
        self,
        footage: list[Footage],
        executor: Executor,
        writer: PoolWriter,
        stored: Mapping[str, Sequence[PartEntry]],
    ) -> None:
        generations = (entry.generation for entries in stored.values() for entry in entries)
        generation = 1 + max(generations, default=-1)
        worker = _WorkerRecipe(
            self.settings,
            self.finder,
            self.pool_dir,
            writer.settings,
            generation,
            executor.threads_per_worker,
        )
        num_hands = 0
        with progress_bar(len(footage), "videos") as progress:
            for task, found in _run_tasks(to_tasks(footage), executor, worker):
                if isinstance(found, WorkerDied):
                    failed = failed_video(task[0], "crashed", str(found))
                    writer.write_videos([failed], generation)
                    found = [failed.status]
                for status in found:
                    _report(status, progress)
                    num_hands += status.num_hands
                progress.set_postfix_str(f"{num_hands} hands", refresh=False)
                progress.update(len(task))


def _run_tasks(
    tasks: list[Task], executor: Executor, worker: Callable[[], Callable[[Task], list[VideoStatus]]]
) -> Iterator[tuple[Task, list[VideoStatus] | WorkerDied]]:
    """Run tasks; if a worker died, run its videos one by one, to see which one it was."""
    crashed: list[Task] = []
    for task, found in executor(tasks, worker):
        if isinstance(found, WorkerDied) and len(task) > 1:
            crashed += [(video,) for video in task]
        else:
            yield task, found
    if crashed:
        yield from _run_tasks(crashed, executor, worker)


@dataclass(frozen=True)
class _WorkerRecipe:
    """Builds, in each process, the function that prepares a video and writes it to the pool."""

    settings: CropSettings
    finder: FinderRecipe
    pool_dir: Path
    pool_settings: dict[str, Any]
    generation: int
    num_threads: int

    def __call__(self) -> Callable[[Task], list[VideoStatus]]:
        writer = PoolWriter(self.pool_dir, self.pool_settings)
        finder = self.finder.build()

        def work(task: Task) -> list[VideoStatus]:
            found = [
                prepare_video(video, finder, self.settings, self.num_threads) for video in task
            ]
            try:
                writer.write_videos(found, self.generation)
            except ValueError as error:  # wrong arrays of an estimator must not stop the others
                if len(task) > 1:
                    return [status for video in task for status in work((video,))]
                found = [failed_video(task[0], "error", str(error))]
                writer.write_videos(found, self.generation)
            return [video.status for video in found]

        return work


def _report(status: VideoStatus, progress: Any) -> None:
    if status.failure or status.problem:
        what = "failed" if status.failure else "used in part"
        reason = status.failure or status.problem
        progress.write(f"{what}: {status.video_id} ({reason})", file=sys.stderr)


def _advice_on_boxes(info: dict[str, Any], finder: FinderRecipe) -> str:
    """Return advice if most boxes of a table contain no hand, else ''."""
    num_empty = info["num_drops"].get("no_keypoints", 0)
    if num_empty <= info["num_hands"] or not finder.record().get("detections"):
        return ""
    return (
        f"WARNING: no hand was found in {num_empty} of {num_empty + info['num_hands']} boxes. "
        "Their frame numbers must count the frames of the videos from 0. If they count extracted "
        "frames, convert them again: simhand convert-boxes --frame-offset, and "
        "--frame-step or --frame-fps."
    )
