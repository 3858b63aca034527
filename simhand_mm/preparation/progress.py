"""How far the work is, and what became of the videos."""

import sys
import time
from collections import Counter
from collections.abc import Iterable
from typing import TextIO

from simhand_mm.pool import VideoStatus

_BAR_WIDTH = 30
_SECONDS_BETWEEN_LINES = 10.0


class ProgressBar:
    """A bar with the time that is left; lines now and then where there is no terminal.

    Args:
        total: Number of videos to do.
        stream: Where to write.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._total = total
        self._done = self._hands = 0
        self._begun = self._told = time.monotonic()

    def add(self, status: VideoStatus) -> None:
        """Count a video and say why it failed if it did."""
        self._done += 1
        self._hands += status.num_hands
        is_live = self._stream.isatty()
        now = time.monotonic()
        is_last = self._done == self._total
        if status.failure:
            self._write(f"failed: {status.video_id} ({status.failure})", is_live, "\n")
        if is_live or is_last or now - self._told > _SECONDS_BETWEEN_LINES:
            self._told = now
            filled = _BAR_WIDTH * self._done // self._total
            seconds_left = (now - self._begun) / self._done * (self._total - self._done)
            self._write(
                f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {self._done}/{self._total} videos, "
                f"{self._hands} hands, {_duration(seconds_left)} left",
                is_live,
                "" if is_live and not is_last else "\n",
            )

    def _write(self, text: str, is_live: bool, end: str) -> None:
        self._stream.write(("\r\x1b[K" if is_live else "") + text + end)
        self._stream.flush()


def status_table(statuses: Iterable[VideoStatus], num_waiting: int = 0) -> str:
    """A table for people: done, failed by reason, waiting."""
    statuses = list(statuses)
    groups: dict[str, list[VideoStatus]] = {"done": []}
    for status in statuses:
        name = f"failed: {status.failure}" if status.failure else "done"
        groups.setdefault(name, []).append(status)
    rows = [("videos", "number", "frames", "hands", "left out", "seconds")]
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


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
