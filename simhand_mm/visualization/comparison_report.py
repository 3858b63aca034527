"""Report that compares the predictions of several models: results, errors, images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.visualization.charts import Series, line_chart
from simhand_mm.visualization.page import Page
from simhand_mm.visualization.prediction_images import HOW_TO_READ, comparison_html
from simhand_mm.visualization.predictions import (
    Comparison,
    changed_samples,
    choose_samples,
    read_comparison,
    worst_samples,
)
from simhand_mm.visualization.results import (
    ABOUT_COLUMNS,
    MethodResult,
    format_text_table,
    keypoint_chart,
    pck_chart,
    result_table,
    run_colors,
)

_NUM_BINS = 40
_BY_QUANTILE = "Chosen by quantiles of the error averaged over the models."
_BY_ERROR = "The hands with the largest errors, in descending order."


def write_comparison_report(
    data_root: str | Path,
    poses: str | Path,
    results: Sequence[MethodResult],
    path: str | Path,
    num_worst: int,
) -> str:
    """Write an HTML report that compares models.

    Args:
        data_root: Folder that the image paths are relative to.
        poses: Poses table that all models were tested on.
        results: The models with metrics and predictions. The last one is compared with the first.
        path: The ``.html`` file.
        num_worst: Number of samples in each section of worst cases.

    Returns:
        The table of results as text for the terminal.

    Raises:
        FileNotFoundError: If a file or image is missing.
        ValueError: If the predictions do not belong to this table.
    """
    paths = {r.name: r.predictions_path for r in results if r.predictions_path is not None}
    comparison = read_comparison(data_root, poses, paths)
    metrics: Any = results[0].metrics
    names = [result.name for result in results]
    page = Page("3D hand pose: comparison of predictions", f"{', '.join(names)} on {poses}")
    page.heading("Results")
    header, rows = result_table(results)
    page.table(
        ["\nmodel", *header[1:]],
        rows,
        f"{metrics['num_hands']:,} hands. {ABOUT_COLUMNS}",
    )
    _add_charts(page, comparison, results)
    _add_images(page, comparison, "From easy to hard", choose_samples(comparison), _BY_QUANTILE)
    for name in names:
        samples = worst_samples(comparison, name, num_worst)
        _add_images(page, comparison, f"Worst cases of {name}", samples, _BY_ERROR)
    if len(names) > 1:
        samples = changed_samples(comparison, names[-1], names[0], num_worst)
        heading = f"Where {names[-1]} and {names[0]} differ most"
        _add_images(page, comparison, heading, samples, _share_of_better(comparison, names))
    page.save(path)
    return format_text_table(["\nmodel", *header[1:]], rows)


def _share_of_better(comparison: Comparison, names: Sequence[str]) -> str:
    gain = comparison.error_mm[names[0]] - comparison.error_mm[names[-1]]
    gain = gain[np.isfinite(gain)]
    return (
        f"{names[-1]} has the smaller error for {np.mean(gain > 0):.1%} of {len(gain):,} hands. "
        f"Its error is {np.mean(gain):.1f} mm smaller on average (median {np.median(gain):.1f} mm)."
    )


def _add_images(
    page: Page, comparison: Comparison, heading: str, samples: Mapping[str, int], text: str
) -> None:
    page.heading(heading)
    if not samples:
        page.paragraph("No such hand.")
        return
    page.figure(comparison_html(comparison, samples), f"{text} {HOW_TO_READ}")


def _add_charts(page: Page, comparison: Comparison, results: Sequence[MethodResult]) -> None:
    colors = run_colors([result.name for result in results])
    charts = [
        error_histogram(comparison.error_mm, colors),
        pck_chart(results, colors),
        keypoint_chart(results, colors),
    ]
    page.charts(
        charts,
        "Errors under root_scale. First: distribution of the error per hand; the last bin includes "
        "all larger errors. Then: share of the keypoints whose error is at most the threshold, and "
        "mean error of each keypoint except the wrist.",
    )


def error_histogram(error_mm: Mapping[str, np.ndarray], colors: Mapping[str, int]) -> str | None:
    """Draw the distribution of the error per hand for several models, with common bins.

    Args:
        error_mm: Model -> ``[N]`` mm; values that are not finite are ignored.
        colors: Model -> index of its colour.

    Returns:
        An ``<svg>`` element; None if no model has an error.
    """
    finite = {name: errors[np.isfinite(errors)] for name, errors in error_mm.items()}
    finite = {name: errors for name, errors in finite.items() if len(errors)}
    if not finite:
        return None
    highest = max(np.quantile(errors, 0.995) for errors in finite.values())
    edges = np.linspace(0, max(highest, 1.0), _NUM_BINS + 1)
    series = {}
    for name, errors in finite.items():
        # Errors beyond the last edge are counted in the last bin.
        counts = np.histogram(errors.clip(max=edges[-1]), edges)[0]
        stairs = np.repeat(100 * counts / len(errors), 2)
        series[name] = Series(np.repeat(edges, 2)[1:-1], stairs, colors[name])
    return line_chart(series, "Error per hand (root_scale)", "mm", "hands, %")
