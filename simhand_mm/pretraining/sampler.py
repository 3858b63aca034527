"""An order of hands that is the same however many processes share it, and that can be resumed."""

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
    """Shuffles hands, evenly over videos and sources if asked to.

    The order depends on seed and epoch only. Process r of W takes every W-th hand of it, so the
    global batch of a step is the same for any W with the same global batch size. An epoch may
    start in its middle, see :meth:`skip`. Hands that do not fill a round of all processes are left
    out; they are others in each epoch.

    Args:
        dataset: With ``video_index`` and ``source_index``, ``[len(dataset)]`` each, where needed.
        seed: Of the order.
        shuffle: Whether to shuffle; without it and without balancing the order is that of the
            dataset.
        balance_sources: Draw as many hands of each source (Ego&Exo): a smaller source is gone
            through several times, a larger one in part. The length stays that of the dataset.
        max_per_video: At most so many hands of a video in a global batch. Hands of a video beyond
            that are left out of the epoch; they are others in each epoch.
        batch_size: Pairs a process and step, needed with ``max_per_video``; must be that of the
            data loader.
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
                "batch_size must be given and shuffle be True to limit hands per video, but got "
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
        """Hands of this process in a whole epoch."""
        return self._length

    def __iter__(self) -> Iterator[int]:
        order = self._order()[: self._length * self.world_size]
        skipped, self._skipped = self._skipped, 0
        return iter(order[self.rank :: self.world_size][skipped:].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def skip(self, count: int) -> None:
        """Leave out the first hands of this process, in the next pass only."""
        self._skipped = count

    def _order(self) -> np.ndarray:
        """Rows of the dataset in the order of the epoch, for all processes."""
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
    """Lets an epoch that was interrupted go on where the checkpoint was written.

    Without it a resumed run would begin the epoch anew. Works with VideoBalancedSampler and
    checkpoints by iteration (``CheckpointHook(by_epoch=False)``).
    """

    def __init__(self) -> None:
        self._is_first_epoch = True

    def before_train_epoch(self, runner: Runner) -> None:
        """Skip the hands that were seen, in the epoch that was interrupted."""
        loader = runner.train_dataloader
        sampler = loader.sampler
        is_first_epoch, self._is_first_epoch = self._is_first_epoch, False
        if not isinstance(sampler, VideoBalancedSampler):
            return
        if sampler.max_per_video is not None and sampler.batch_size != loader.batch_size:
            raise ValueError(
                f"sampler.batch_size must be that of train_dataloader, {loader.batch_size}, but "
                f"got {sampler.batch_size}. Set both."
            )
        done = runner.iter - runner.epoch * len(loader)
        if not is_first_epoch or not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        if not 0 <= done <= len(loader):
            raise ValueError(
                f"a resumed run must be within epoch {runner.epoch + 1} of {len(loader)} steps, "
                f"but {runner.iter} steps were done in all. Resume with the batch size, number of "
                "processes and pool of the checkpoint."
            )
        if done > 0:
            runner.logger.info(f"Resuming epoch {runner.epoch + 1} after {done} iterations.")
            sampler.skip(done * (loader.batch_size or 1))


def _balance(rows: np.ndarray, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """As many rows of each code, as many as before in total (less what does not divide)."""
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
    """Deal shuffled rows out to whole batches so that none holds more of a video than allowed.

    Sorted by video and dealt out like cards, a video of c rows gives each of the B batches
    ceil(c / B) at most; c is limited to ``most * B``.
    """
    # Videos in a new order each time, else the same ones would always meet.
    names, video = np.unique(video_of[rows], return_inverse=True)
    video = generator.permutation(len(names))[video]
    rows = rows[np.argsort(video, kind="stable")]
    counts = np.bincount(video)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    batches = len(rows) // batch
    while batches and np.minimum(counts, most * batches).sum() < batches * batch:
        batches -= 1
    if not batches:
        raise ValueError(
            f"max_per_video must allow at least one batch of {batch}, but with {most} the "
            f"{len(names)} videos fill none. Raise it or lower the batch size."
        )
    rows = rows[place < most * batches]
    # Rows in excess are dropped one here and one there, not all of the last video.
    kept = np.sort(generator.permutation(len(rows))[: batches * batch])
    dealt = rows[kept].reshape(batch, batches).T  # [batches, batch]
    generator.permuted(dealt, axis=1, out=dealt)
    return dealt[generator.permutation(batches)].ravel()
