"""Report on probing frozen features: a table for the terminal, and an HTML page."""

from pathlib import Path
from typing import Any

from simhand_mm.visualization.page import Page
from simhand_mm.visualization.results import format_text_table

_HEADER = ("features", "dimensions", "kNN, %", "linear probe, %")


def write_probe_report(result: dict[str, Any], path: str | Path) -> Path:
    """Write an HTML report on probing.

    Args:
        result: Results of ``simhand probe``.
        path: HTML file to write.

    Returns:
        The HTML file.
    """
    page = Page("Frozen features", f"{result['pool']} · fingerprint {result['fingerprint'][:12]}")
    page.heading(f"Label “{result['label']}”, groups “{result['group']}”")
    page.table(
        _HEADER,
        _rows(result),
        f"Accuracy of {result['num_classes']} classes on {result['num_hands']:,} hands: mean ± "
        f"standard deviation over {result['folds']} folds; none of the "
        f"{result['num_groups']:,} groups is in more than one fold.",
    )
    page.paragraph(
        f"kNN: vote of {result['neighbors']} neighbours, by cosine similarity of features or by "
        "Euclidean distance of keypoints. Linear probe: logistic regression on standardised "
        "features. Keypoints: 2D keypoints of the pool, centred and scaled, left hands mirrored. "
        "Random weights: the same network without training. Chance: the most frequent label of "
        "the training hands."
    )
    page.paragraph(drops_text(result))
    return page.save(path)


def format_probe(result: dict[str, Any]) -> str:
    """Format the results as text for the terminal."""
    return (
        f"{result['label']}: {result['num_classes']} classes, {result['num_hands']} hands, "
        f"{result['num_groups']} groups of {result['group']}, {result['folds']} folds\n"
        f"{drops_text(result)}\n\n{format_text_table(_HEADER, _rows(result))}"
    )


def drops_text(result: dict[str, Any]) -> str:
    """Return a sentence about the dropped hands."""
    counts = [
        f"{count:,} {reason.replace('_', ' ')}"
        for reason, count in result["drops"].items()
        if count
    ]
    return f"Dropped hands: {', '.join(counts) or 'none'}."


def _rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = [
        (row["name"], str(row["num_features"]), _percent(row["knn"]), _percent(row["linear"]))
        for row in result["rows"]
    ]
    chance = _percent(result["chance"])
    return [*rows, ("chance", "–", chance, chance)]


def _percent(summary: dict[str, Any]) -> str:
    return f"{100 * summary['mean']:.1f} ± {100 * summary['std']:.1f}"
