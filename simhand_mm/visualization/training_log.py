"""Reads the training logs of mmengine and draws the curves of several runs."""

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from simhand_mm.visualization.charts import Series, line_chart

# Longer curves are averaged over equal intervals, which keeps pages small and lines legible.
_MAX_POINTS = 150

_logger = logging.getLogger(__name__)


def read_scalars(work_dir: str | Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all scalars that mmengine logged in a work directory.

    A resumed run has one folder per start. If two folders contain the same step, the later one
    is used. An incomplete line of an interrupted run is skipped with a warning.

    Args:
        work_dir: The folder that contains ``<time stamp>/vis_data/scalars.json``.

    Returns:
        Tag -> (steps ``[P]`` in ascending order, values ``[P]``). Steps are those of mmengine:
        iterations for training, epochs for validation in epoch-based loops.
    """
    by_tag: dict[str, dict[int, float]] = {}
    for path in sorted(Path(work_dir).glob("*/vis_data/scalars.json")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                record = json.loads(line)
                step = int(record["step"])
            except (ValueError, KeyError, TypeError) as error:
                _logger.warning(
                    "line %d of %s is not a record and is skipped: %s", number, path, error
                )
                continue
            for tag, value in record.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    by_tag.setdefault(tag, {})[step] = float(value)
    return {
        tag: (np.array(sorted(points)), np.array([points[step] for step in sorted(points)]))
        for tag, points in by_tag.items()
    }


def training_chart(
    work_dirs: Mapping[str, Path],
    tags: Iterable[str],
    colors: Mapping[str, int],
    title: str,
    x_label: str,
    y_label: str,
) -> str | None:
    """Draw one quantity of several runs.

    Args:
        work_dirs: Run -> work directory.
        tags: Possible names of the quantity; the first one that a run has logged is drawn.
        colors: Run -> index of its colour.
        title: Title of the chart.
        x_label: Meaning of a step.
        y_label: Quantity and unit.

    Returns:
        An ``<svg>`` element, or None if no run logged the quantity.
    """
    series = {}
    for run, work_dir in work_dirs.items():
        scalars = read_scalars(work_dir)
        tag = next((tag for tag in tags if tag in scalars), None)
        if tag is not None and np.isfinite(scalars[tag][1]).any():
            series[run] = Series(*_shorten(*scalars[tag]), color=colors[run])
    return line_chart(series, title, x_label, y_label) if series else None


def _shorten(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average over intervals so that at most ``_MAX_POINTS`` remain."""
    width = -(-len(steps) // _MAX_POINTS)
    starts = np.arange(0, len(steps), width)
    counts = np.diff(np.append(starts, len(steps)))
    steps, values = (np.add.reduceat(a.astype(float), starts) / counts for a in (steps, values))
    return steps, values
