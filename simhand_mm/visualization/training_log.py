"""Reading what mmengine logs while it trains, and drawing several runs together."""

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from simhand_mm.visualization.charts import Series, line_chart

# Longer curves are averaged over equal stretches, so that a page stays small and lines legible.
_MAX_POINTS = 150

_logger = logging.getLogger(__name__)


def read_scalars(work_dir: str | Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all scalars that mmengine logged below a work dir.

    A resumed run leaves a folder per start; where two logged the same step, the later one counts.
    A line that a killed run left unfinished is passed over with a warning.

    Args:
        work_dir: The folder that holds ``<time stamp>/vis_data/scalars.json``.

    Returns:
        Tag -> (steps ``[P]`` in rising order, values ``[P]``). The step is mmengine's: iterations
        for what training logs, epochs for validation in epoch-based loops.
    """
    by_tag: dict[str, dict[int, float]] = {}
    for path in sorted(Path(work_dir).glob("*/vis_data/scalars.json")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                record = json.loads(line)
                step = int(record["step"])
            except (ValueError, KeyError, TypeError) as error:
                _logger.warning("line %d of %s is no record: %s", number, path, error)
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
        work_dirs: Run -> work dir.
        tags: Names of the quantity; of each run the first one that it logged is drawn.
        colors: Run -> number of its colour.
        title: What is shown.
        x_label: What a step is.
        y_label: Quantity and unit.

    Returns:
        An ``<svg>`` element, or None where no run logged the quantity.
    """
    series = {}
    for run, work_dir in work_dirs.items():
        scalars = read_scalars(work_dir)
        tag = next((tag for tag in tags if tag in scalars), None)
        if tag is not None and np.isfinite(scalars[tag][1]).any():
            series[run] = Series(*_shorten(*scalars[tag]), color=colors[run])
    return line_chart(series, title, x_label, y_label) if series else None


def _shorten(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average over stretches so that at most ``_MAX_POINTS`` remain."""
    width = -(-len(steps) // _MAX_POINTS)
    starts = np.arange(0, len(steps), width)
    counts = np.diff(np.append(starts, len(steps)))
    steps, values = (np.add.reduceat(a.astype(float), starts) / counts for a in (steps, values))
    return steps, values
