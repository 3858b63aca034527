"""Status of videos: which are left to do, which failed, and a summary table."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from simhand_mm.pool import VideoStatus
from simhand_mm.pool.parts import PartEntry
from simhand_mm.preparation.footage import Footage
from simhand_mm.preparation.tasks import piece_of

logger = logging.getLogger(__name__)


def status_table(statuses: Iterable[VideoStatus], num_waiting: int = 0) -> str:
    """Format a table of videos: done, used in part or failed by reason, and left to do."""
    statuses = list(statuses)
    groups: dict[str, list[VideoStatus]] = {"done": []}
    for status in statuses:
        partly = f"in part: {status.problem}" if status.problem else "done"
        name = f"failed: {status.failure}" if status.failure else partly
        groups.setdefault(name, []).append(status)
    rows: list[tuple[str, ...]] = [("videos", "number", "frames", "hands", "dropped", "seconds")]
    for name in sorted(groups):
        sums: Counter[str] = Counter()
        for status in groups[name]:
            sums.update(frames=status.num_frames, hands=status.num_hands, drops=status.num_drops)
        seconds = sum(status.seconds for status in groups[name])
        counts = (len(groups[name]), sums["frames"], sums["hands"], sums["drops"])
        rows.append((name, *map(str, counts), f"{seconds:.1f}"))
    rows.append(("to do", str(num_waiting), "", "", "", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        row[0].ljust(widths[0])
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def left_to_do(
    videos: Sequence[Footage],
    statuses: Mapping[str, VideoStatus],
    retry_failed: bool,
    stored: Mapping[str, Sequence[PartEntry]] | None = None,
) -> list[Footage]:
    """Return the videos that are not prepared yet, or whose file has changed.

    Args:
        videos: Candidates: videos, or pieces of groups of images.
        statuses: Status of the videos that are prepared in full, by id.
        retry_failed: Also return those that failed or could only be used in part.
        stored: What is stored of each video, of which some pieces may be missing.
    """
    pieces = {
        (video_id, entry.piece, entry.num_pieces): entry.status
        for video_id, entries in (stored or {}).items()
        for entry in entries
    }

    def is_left(video: Footage) -> bool:
        whole = statuses.get(video.video_id)
        if whole is not None and not _has_to_be_done(video, whole, retry_failed):
            return False
        own = pieces.get((video.video_id, *piece_of(video)))
        return own is None or _has_to_be_done(video, own, retry_failed)

    left = [video for video in videos if is_left(video)]
    for video in left:
        status = statuses.get(video.video_id)
        if status and piece_of(video)[0] == 0 and _is_changed(video, status):
            logger.info(
                "%s is prepared again: its file changed from %s to %s",
                video.video_id,
                status.source_file,
                video.source_file,
            )
    return left


def _has_to_be_done(video: Footage, status: VideoStatus, retry_failed: bool) -> bool:
    is_failed = bool(status.failure or status.problem)
    return _is_changed(video, status) or (retry_failed and is_failed)


def _is_changed(video: Footage, status: VideoStatus) -> bool:
    """Whether the file has changed since the video was prepared, as far as known."""
    before, now = status.source_file, video.source_file
    return bool(before.name) and before != now


def check_failures(statuses: Sequence[VideoStatus], max_failed_share: float) -> None:
    """Log how many videos failed or were used in part.

    Raises:
        RuntimeError: If a larger share than ``max_failed_share`` failed.
    """
    failures = Counter(status.failure for status in statuses if status.failure)
    if failures.total() > max_failed_share * len(statuses):
        raise RuntimeError(
            f"the share of failed videos must be at most {max_failed_share} (--max-failed-share), "
            f"but {failures.total()} of {len(statuses)} failed ({_counts(failures)}). Check the "
            "videos and run again with --retry-failed, or leave them out with a higher share."
        )
    partly = Counter(status.problem for status in statuses if status.problem)
    if failures or partly:
        logger.warning(
            "%d of %d videos failed (%s) and %d were used in part (%s); the pool is made of the "
            "rest. drops.parquet has the details; --retry-failed does these videos again.",
            failures.total(),
            len(statuses),
            _counts(failures),
            partly.total(),
            _counts(partly),
        )


def _counts(reasons: Counter[str]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items())) or "none"
