"""SynthHands: draw docs/images/synthhands.png from docs/synthhands.json."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from projects.synthhands.plan import PLAN
from simhand_mm.experiments.results import errors_mm

ROWS = {question.name: question.rows for question in PLAN.questions}
COLOURS = {
    "scratch": "#7f7f7f",
    "SimCLR": "#9467bd",
    "PeCLR": "#1f77b4",
    "TempCLR": "#2ca02c",
    "SiMHand, no weights": "#d62728",
    "SiMHand": "#ff7f0e",
    "pose-aware": "#8c564b",
    "pose-aware, no mining": "#e377c2",
    "pose-aware and regression": "#17202a",
    "keypoint regression": "#17becf",
    "keypoint heatmaps": "#0b6e4f",
}


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw methods, labels, epochs of pre-training and ranks in one figure.

    Args:
        results: Results from ``collect_results``.
        path: Image file to write.
    """
    figure, axes = plt.subplots(
        1, 4, figsize=(17, 3.8), width_ratios=(2, 1, 1, 0.8), constrained_layout=True
    )
    _draw_methods(axes[0], results)
    _draw_lines(axes[1], results, "labels", "labels")
    axes[1].set_title("labelled images")
    axes[1].legend(frameon=False, fontsize="x-small")
    _draw_lines(axes[2], results, "scale", "epochs")
    axes[2].set_title("epochs of pre-training, 300 labels")
    _draw_ranks(axes[3], results)
    axes[0].set_ylabel("root_scale MPJPE (mm)")
    for axis in axes:
        axis.grid(axis="y", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _draw_methods(axis: Axes, results: dict[str, Any]) -> None:
    rows = [row for row in ROWS["methods"] if errors_mm(results, row)]
    for place, row in enumerate(rows):
        errors, colour = errors_mm(results, row), COLOURS.get(row.label, "#bcbd22")
        axis.scatter([place] * len(errors), errors, color=colour, alpha=0.6, zorder=3)
        axis.hlines(np.mean(errors), place - 0.3, place + 0.3, color=colour, linewidth=2.5)
    axis.set_xticks(range(len(rows)), [r.label.replace(" ", "\n") for r in rows], fontsize=8)
    axis.set_title("pre-training, 300 labels (one dot per run)")


def _draw_lines(axis: Axes, results: dict[str, Any], question: str, unit: str) -> None:
    """Draw the mean error of each method over a number that ends the labels of its rows.

    ``SimCLR, 100 labels`` is a point of ``SimCLR`` at 100, if ``unit`` is ``labels``.
    """
    lines: dict[str, dict[int, float]] = {}
    for row in ROWS[question]:
        method, _, end = row.label.rpartition(", ")
        errors = errors_mm(results, row)
        if end.endswith(f" {unit}") and errors:
            number = int(end.removesuffix(f" {unit}"))
            lines.setdefault(method, {})[number] = float(np.mean(errors))
    for method, means in lines.items():
        axis.plot(list(means), list(means.values()), "o-", label=method, color=COLOURS[method])
    numbers = sorted({number for means in lines.values() for number in means})
    axis.set_xscale("log")
    axis.set_xticks(numbers, [str(number) for number in numbers])
    axis.minorticks_off()


def _draw_ranks(axis: Axes, results: dict[str, Any]) -> None:
    points = [
        (int(row.label.removeprefix("Top-")), errors)
        for row in ROWS["ranks"]
        if (errors := errors_mm(results, row))
    ]
    colour = COLOURS["SiMHand, no weights"]
    for rank, errors in points:
        axis.scatter([rank] * len(errors), errors, color=colour, alpha=0.6, zorder=3)
    ranks = [rank for rank, _ in points]
    axis.plot(ranks, [np.mean(errors) for _, errors in points], color=colour)
    axis.set_xscale("log")
    axis.set_xticks(ranks, [str(rank) for rank in ranks])
    axis.minorticks_off()
    axis.set_title("SiMHand: rank of the positive")
