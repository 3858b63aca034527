"""Reads the metrics of fine-tuned models; the table and charts of results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.functional.keypoints import FINGERS, KEYPOINT_NAMES
from simhand_mm.pool import read_json
from simhand_mm.visualization.charts import Series, line_chart
from simhand_mm.visualization.number_format import fixed, ticks
from simhand_mm.visualization.style import NUM_COLORS

# The order of the paper (Tab. 1), then ours; other runs follow by name.
KNOWN_METHODS = ("scratch", "simclr", "peclr", "tempclr", "simhand", "poseaware", "heatmap")

# The paper's protocol is root_scale. Heading, protocol, key, factor, decimals.
_COLUMNS = (
    ("root_scale\nMPJPE mm ↓", "root_scale", "mpjpe_mm", 1, 2),
    ("PCK-AUC\n20–50 % ↑", "root_scale", "pck_auc_20_50", 100, 2),
    ("PCK-AUC\n0–50 % ↑", "root_scale", "pck_auc_0_50", 100, 2),
    ("PA\nMPJPE mm ↓", "procrustes", "mpjpe_mm", 1, 2),
    ("PA official\nMPJPE mm ↓", "procrustes_official", "mpjpe_mm", 1, 2),
    ("root\nMPJPE mm ↓", "root", "mpjpe_mm", 1, 2),
    ("none\nMPJPE mm ↓", "none", "mpjpe_mm", 1, 2),
)

ABOUT_COLUMNS = (
    "root_scale, the protocol of the paper: wrists aligned, scaled to the true length from wrist "
    "to middle MCP. PA: best similarity transform. PA official: may also mirror, as in the "
    "toolkits of FreiHAND, DexYCB and HO-3D. root: wrists aligned. none: as predicted, in the "
    "camera frame. PCK-AUC is measured under root_scale."
)


@dataclass(frozen=True)
class MethodResult:
    """Results of one fine-tuned model on the test set.

    Attributes:
        name: Name of the run, usually that of its pre-training.
        metrics: Content of ``metrics.json``; None if the model has not been tested yet.
        predictions_path: Path of ``predictions.parquet``; None if it does not exist.
    """

    name: str
    metrics: dict[str, Any] | None
    predictions_path: Path | None


def find_runs(folder: str | Path) -> dict[str, Path]:
    """Return name -> work directory of the runs in a folder, known methods first."""
    folder = Path(folder)
    names = (
        sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    )
    known = [name for name in KNOWN_METHODS if name in names]
    return {name: folder / name for name in [*known, *(n for n in names if n not in known)]}


def run_colors(names: Sequence[str]) -> dict[str, int]:
    """Return run -> index of its chart colour, the same in all figures of a page."""
    return {name: number % NUM_COLORS for number, name in enumerate(names)}


def read_result(name: str, work_dir: Path) -> MethodResult:
    """Read the files of ``HandPoseMetric`` in a work directory (the least nested ones)."""
    metrics_path = _nearest(work_dir, "metrics.json")
    return MethodResult(
        name=name,
        metrics=None if metrics_path is None else read_json(metrics_path),
        predictions_path=_nearest(work_dir, "predictions.parquet"),
    )


def result_table(results: Sequence[MethodResult]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of results; dashes for a run without results."""
    header = ["\nmethod", *(heading for heading, *_ in _COLUMNS)]
    rows = []
    for result in results:
        protocols = (result.metrics or {}).get("protocols", {})
        cells = []
        for _, protocol, key, factor, decimals in _COLUMNS:
            value = protocols.get(protocol, {}).get(key)
            cells.append(fixed(None if value is None else factor * value, decimals))
        rows.append([result.name, *cells])
    return header, rows


def format_text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table for the terminal: labels left-aligned, numbers right-aligned."""
    heads = list(zip(*(cell.split("\n") for cell in header), strict=True))
    widths = [max(map(len, column)) for column in zip(*heads, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if position else cell.ljust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (*heads, *rows)
    ]
    return "\n".join([*lines[: len(heads)], "-" * len(lines[0]), *lines[len(heads) :]])


def pck_chart(results: Sequence[MethodResult], colors: dict[str, int]) -> str | None:
    """Draw the share of correct keypoints against the threshold, protocol ``root_scale``."""
    series = {
        result.name: Series(
            x=result.metrics["pck_thresholds_mm"],
            y=[100 * share for share in result.metrics["protocols"]["root_scale"]["pck_curve"]],
            color=colors[result.name],
        )
        for result in results
        if result.metrics is not None
    }
    if not series:
        return None
    title = "Correct keypoints (root_scale)"
    return line_chart(series, title, "threshold, mm", "keypoints within, %", y_range=(0, 100))


def keypoint_chart(results: Sequence[MethodResult], colors: dict[str, int]) -> str | None:
    """Draw the mean error of each keypoint, finger by finger, protocol ``root_scale``."""
    position = np.arange(25.0).reshape(5, 5)  # four keypoints, then a gap in the line
    series = {
        result.name: Series(
            position.ravel(), _error_by_finger(result.metrics).ravel(), colors[result.name]
        )
        for result in results
        if result.metrics is not None
    }
    if not series:
        return None
    y_range = (0.0, ticks(0, max(np.nanmax(line.y) for line in series.values()))[-1])
    return line_chart(
        series,
        "Error of each keypoint (root_scale)",
        "base to tip of each finger",
        "mm",
        y_range=y_range,
        x_names={5 * number + 1.5: finger for number, finger in enumerate(FINGERS)},
    )


def _error_by_finger(metrics: dict[str, Any]) -> np.ndarray:
    """Return the mean errors of each finger from base to tip, then NaN, ``[5, 5]`` mm."""
    errors = metrics["protocols"]["root_scale"]["per_keypoint_mm"]
    by_finger = np.array([errors[name] for name in KEYPOINT_NAMES[1:]], dtype=float).reshape(5, 4)
    return np.pad(by_finger, ((0, 0), (0, 1)), constant_values=np.nan)


def _nearest(folder: Path, name: str) -> Path | None:
    found = sorted(folder.rglob(name), key=lambda path: (len(path.parts), str(path)))
    return found[0] if found else None
