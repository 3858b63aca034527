"""The progress bar of a stage."""

import sys

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0  # of progress in a log file


def progress_bar(total: int, unit: str) -> tqdm:
    """Create the progress bar of a stage on stderr. In a log file it prints every ten seconds.

    Args:
        total: Number of steps; 0 if unknown.
        unit: Name of the steps in the plural, e.g. ``'videos'``.
    """
    seconds = 0.1 if sys.stderr.isatty() else _SECONDS_BETWEEN_LINES
    return tqdm(
        total=total or None,
        unit=f" {unit}",
        mininterval=seconds,
        dynamic_ncols=True,
        file=sys.stderr,
    )
