"""SynthHands, the page: tables and picture of docs/synthhands.md from docs/synthhands.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from performance_page import write_part
from synthhands_plan import QUESTIONS, RANKS, Question
from synthhands_plot import draw
from synthhands_results import errors_mm

# Heading, name in the runs, factor, decimals.
COLUMNS = (
    ("root_scale MPJPE mm ↓", "root_scale_mpjpe_mm", 1, 1),
    ("PCK-AUC 20–50 % ↑", "root_scale_auc_20_50", 100, 1),
    ("PA MPJPE mm ↓", "procrustes_mpjpe_mm", 1, 1),
    ("root MPJPE mm ↓", "root_mpjpe_mm", 1, 1),
)


def write_page(results: dict[str, Any], docs: Path) -> None:
    """Write the numbers and put their tables into the documents.

    Args:
        results: As ``collect_results`` gives them.
        docs: Folder of ``synthhands.md`` and ``reproduction.md``.
    """
    path = docs / "synthhands.json"
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    for question in QUESTIONS:
        table = "\n".join(question_table(results, question))
        write_part(docs / "synthhands.md", "synthhands", question.name, table)
    write_part(docs / "synthhands.md", "synthhands", "mining", "\n".join(mining_table(results)))
    summary = "\n".join(paper_table(results))
    write_part(docs / "reproduction.md", "synthhands", "paper", summary)
    draw(results, docs / "images" / "synthhands.png")


def question_table(results: dict[str, Any], question: Question) -> Iterator[str]:
    """Rows of a question: mean ± standard deviation over the seeds."""
    headings = [heading for heading, *_ in COLUMNS]
    yield f"| {question.paper} | seeds | {' | '.join(headings)} | retrieval score ↑ |"
    yield "| --- |" + " --- |" * (len(COLUMNS) + 2)
    for cell in question.cells:
        seeds = results["runs"].get(cell.run_name, {})
        cells = [
            spread([factor * run[key] for run in seeds.values()], decimals)
            for _, key, factor, decimals in COLUMNS
        ]
        scores = results["pretrainings"].get(cell.pretraining.name, {})
        score = spread([scores[s]["retrieval_score"] for s in seeds if s in scores], 2)
        yield f"| {cell.label} | {len(seeds) or 'not run'} | {' | '.join(cells)} | {score} |"


def mining_table(results: dict[str, Any]) -> Iterator[str]:
    """True 3D distance between a hand and its positive."""
    ranks = [f"Top-{rank}" for rank in RANKS]
    yield f"| pool | hands | {' | '.join(ranks)} | random hand of another video |"
    yield "| --- | --- |" + " --- |" * (len(ranks) + 1)
    for pool, check in results["mining"].items():
        distances = [
            *(check["top_mm"][str(rank)] for rank in RANKS),
            check["random_other_video_mm"],
        ]
        cells = " | ".join(f"{distance:.1f}" for distance in distances)
        yield f"| {pool} | {check['num_hands']:,} | {cells} |"


def paper_table(results: dict[str, Any]) -> Iterator[str]:
    """One row a table of the paper: our numbers on SynthHands."""
    yield "| paper | question | SynthHands, root_scale MPJPE mm, mean ± s.d. (seeds) |"
    yield "| --- | --- | --- |"
    for question in QUESTIONS:
        parts = [
            f"{cell.label}: {spread(errors, 1)} ({len(errors)})"
            for cell in question.cells
            if (errors := errors_mm(results, cell))
        ]
        yield f"| {question.paper} | {question.title} | {'; '.join(parts) or 'not run'} |"


def spread(values: list[float], decimals: int) -> str:
    """Mean ± standard deviation of a sample; the value alone where there is one."""
    if not values:
        return "–"
    mean = f"{np.mean(values):.{decimals}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{decimals}f}" if len(values) > 1 else mean
