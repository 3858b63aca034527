"""Sampler whose order does not depend on the number of processes, and that can be resumed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import Sampler

from simhand_mm.registry import DATA_SAMPLERS, HOOKS


@DATA_SAMPLERS.register_module()
class VideoBalancedSampler(Sampler[int]):
    """Shuffles hands, optionally balanced over sources and limited per video.

    The order depends on seed and epoch only. Process r of W takes every W-th hand, starting with
    the r-th, so the global batch of a step is the same for any W with the same global batch size.
    An epoch may start in the middle, see :meth:`skip`. Up to W - 1 hands at the end of the order
    are dropped, so that all processes get equally many; they differ from epoch to epoch.

    Args:
        dataset: Dataset with ``video_index`` and ``source_index`` (``[len(dataset)]`` each) if
            ``max_per_video`` or ``balance_sources`` is set.
        seed: Seed of the order.
        shuffle: Whether to shuffle. Without shuffling and balancing, the order is that of the
            dataset.
        balance_sources: Draw equally many hands of each source (Ego&Exo): hands of small sources
            are repeated, large sources are subsampled. The length stays that of the dataset.
        max_per_video: Maximum number of hands of a video in a global batch. Excess hands are
            dropped; they differ from epoch to epoch.
        batch_size: Pairs per process and step. Required with ``max_per_video``, and must equal
            that of the data loader.

    Raises:
        ValueError: If ``max_per_video`` is set without ``batch_size`` or shuffling, or is too low
            to fill a batch.
    """

    def __init__(
        self,
        dataset: Any,
        seed: int | None = 0,
        shuffle: bool = True,
        balance_sources: bool = False,
        max_per_video: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        if max_per_video is not None and (batch_size is None or not shuffle):
            raise ValueError(
                "batch_size must be set and shuffle must be True if max_per_video is set, but got "
                f"batch_size={batch_size} and shuffle={shuffle}. Set sampler.batch_size."
            )
        self.rank, self.world_size = get_dist_info()
        self.seed, self.shuffle, self.batch_size = seed or 0, shuffle, batch_size
        self.size = len(dataset)
        self.source_index = np.asarray(dataset.source_index) if balance_sources else None
        self.max_per_video = max_per_video
        self.video_index = None if max_per_video is None else np.asarray(dataset.video_index)
        self.epoch, self._skipped = 0, 0
        self._length = len(self._order()) // self.world_size

    def __len__(self) -> int:
        """Number of hands of this process in a whole epoch."""
        return self._length

    def __iter__(self) -> Iterator[int]:
        order = self._order()[: self._length * self.world_size]
        skipped, self._skipped = self._skipped, 0
        return iter(order[self.rank :: self.world_size][skipped:].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which determines the next order."""
        self.epoch = epoch

    def skip(self, count: int) -> None:
        """Skip the first ``count`` hands of this process, in the next iteration only."""
        self._skipped = count

    def _order(self) -> np.ndarray:
        """Rows of the dataset in the order of the current epoch, for all processes."""
        generator = np.random.default_rng([self.seed, self.epoch])
        rows = np.arange(self.size)
        if self.source_index is not None:
            rows = _balance(rows, self.source_index, generator)
        if self.shuffle:
            rows = generator.permutation(rows)
        if self.video_index is not None and self.max_per_video is not None:
            batch = (self.batch_size or 1) * self.world_size
            rows = _spread(rows, self.video_index, batch, self.max_per_video, generator)
        return rows


@HOOKS.register_module()
class ResumeEpochHook(Hook):
    """Continues an interrupted epoch at the iteration of the checkpoint.

    Without this hook, a resumed run restarts the epoch. Works with VideoBalancedSampler and
    checkpoints by iteration (``CheckpointHook(by_epoch=False)``).
    """

    def __init__(self) -> None:
        self._is_first_epoch = True

    def before_train_epoch(self, runner: Runner) -> None:
        """Skip the hands that the interrupted epoch has used already.

        Raises:
            ValueError: If the batch size, number of processes or pool is not that of the
                checkpoint, or the batch sizes of sampler and loader differ.
        """
        loader = runner.train_dataloader
        sampler = loader.sampler
        is_first_epoch, self._is_first_epoch = self._is_first_epoch, False
        if not isinstance(sampler, VideoBalancedSampler):
            return
        if sampler.max_per_video is not None and sampler.batch_size != loader.batch_size:
            raise ValueError(
                f"sampler.batch_size must be that of train_dataloader, {loader.batch_size}, but "
                f"got {sampler.batch_size}. Set both to the same number."
            )
        done = runner.iter - runner.epoch * len(loader)
        if not is_first_epoch or not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        if not 0 <= done <= len(loader):
            raise ValueError(
                f"a resumed run must be within epoch {runner.epoch + 1} of {len(loader)} steps, "
                f"but {runner.iter} steps were done in total. Resume with the batch size, number "
                "of processes and pool of the checkpoint."
            )
        if done > 0:
            runner.logger.info(f"Resuming epoch {runner.epoch + 1} after {done} iterations.")
            sampler.skip(done * (loader.batch_size or 1))


def _balance(rows: np.ndarray, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Resample rows so that each code has ``len(rows) // num_codes`` of them."""
    sources = np.unique(codes)
    share = len(rows) // len(sources)
    drawn = []
    for source in sources:
        own = rows[codes == source]
        repeats, rest = divmod(share, len(own))
        drawn += [np.tile(own, repeats), generator.permutation(own)[:rest]]
    return np.concatenate(drawn)


def _spread(
    rows: np.ndarray, video_of: np.ndarray, batch: int, most: int, generator: np.random.Generator
) -> np.ndarray:
    """Distribute shuffled rows over whole batches with at most ``most`` rows of a video in each.

    Rows are sorted by video and dealt to the B batches in turn. So a video of c rows has at most
    ceil(c / B) in each batch, and c is limited to ``most * B``.
    """
    # Shuffle the videos, otherwise the same ones would always share a batch.
    names, video = np.unique(video_of[rows], return_inverse=True)
    video = generator.permutation(len(names))[video]
    rows = rows[np.argsort(video, kind="stable")]
    counts = np.bincount(video)
    position = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    batches = len(rows) // batch
    while batches and np.minimum(counts, most * batches).sum() < batches * batch:
        batches -= 1
    if not batches:
        raise ValueError(
            f"max_per_video must allow at least one batch of {batch}, but with {most} per video "
            f"the {len(names)} videos fill none. Increase it or lower the batch size."
        )
    rows = rows[position < most * batches]
    # Drop excess rows at random, not only those of the last video.
    kept = np.sort(generator.permutation(len(rows))[: batches * batch])
    dealt = rows[kept].reshape(batch, batches).T  # [batches, batch]
    generator.permuted(dealt, axis=1, out=dealt)
    return dealt[generator.permutation(batches)].ravel()
