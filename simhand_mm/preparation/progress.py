"""What became of the videos, as a table for people."""

from collections import Counter
from collections.abc import Iterable

from simhand_mm.pool import VideoStatus


def status_table(statuses: Iterable[VideoStatus], num_waiting: int = 0) -> str:
    """A table for people: done, used in part or failed by reason, waiting."""
    statuses = list(statuses)
    groups: dict[str, list[VideoStatus]] = {"done": []}
    for status in statuses:
        partly = f"in part: {status.problem}" if status.problem else "done"
        name = f"failed: {status.failure}" if status.failure else partly
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
