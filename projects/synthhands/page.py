"""Write the collected results of SynthHands to docs/.

    simhand reproduce synthhands --collect
    python projects/synthhands/gradient_mass.py gradients.json work_dirs/synthhands/pretrain/*-seed0
    python -m projects.synthhands.page work_dirs/synthhands/results.json --gradients gradients.json

docs/synthhands.json keeps its results and adds the new ones. The tables of docs/synthhands.md, the
overviews in README.md, docs/reproduction.md and projects/simhand, and the figure are written from
it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from projects.synthhands.data import FULL
from projects.synthhands.plan import PLAN
from projects.synthhands.plot import draw
from simhand_mm.cli import run
from simhand_mm.experiments.plan import Question, Row
from simhand_mm.experiments.results import errors_mm, merge
from simhand_mm.experiments.tables import (
    markdown_table,
    question_table,
    spread,
    summary_table,
    write_part,
)
from simhand_mm.pool import read_json, write_json
from simhand_mm.visualization.number_format import fixed

DOCS = Path(__file__).parents[2] / "docs"


def write_page(results: dict[str, Any], docs: Path = DOCS) -> None:
    """Write the results and update the tables in the documents.

    Args:
        results: Results from ``collect_results``.
        docs: Folder of ``synthhands.md`` and ``reproduction.md``.
    """
    write_json(docs / "synthhands.json", results, sort_keys=True)
    for document, part, table in parts(results):
        write_part(docs / document, PLAN.name, part, table)
    draw(results, docs / "images" / "synthhands.png")


def parts(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return document, name and text of each part that is written from the results."""
    tables = [("synthhands.md", q.name, answer_table(results, q)) for q in PLAN.questions]
    mining = ("synthhands.md", "mining", mining_table(results))
    gradients = ("synthhands.md", "gradients", gradient_table(results.get("gradients", {})))
    overview = ("../README.md", "overview", overview_table(results))
    short = ("../projects/simhand/README.md", "short", short_table(results))
    return [
        *tables,
        mining,
        gradients,
        overview,
        short,
        ("reproduction.md", "paper", summary_table(results, PLAN)),
    ]


def answer_table(results: dict[str, Any], question: Question) -> str:
    """Return the table of a question, with the rows that have not been run below it."""
    is_run = [bool(results["runs"].get(row.run_name)) for row in question.rows]
    waiting = [row.label for row, done in zip(question.rows, is_run, strict=True) if not done]
    if len(waiting) == len(question.rows):
        return "Not run yet."
    rows = tuple(row for row, done in zip(question.rows, is_run, strict=True) if done)
    table = question_table(results, replace(question, rows=rows))
    return f"{table}\n\nNot run yet: {'; '.join(waiting)}." if waiting else table


def mining_table(results: dict[str, Any]) -> str:
    """Return a table of the true 3D distance between a hand and its positive, mm."""
    ranks = [f"Top-{rank}" for rank in FULL.ranks]
    rows = []
    for pool, check in sorted(results["data"].items(), key=lambda item: item[1]["num_hands"]):
        distances = [
            *(check["top_mm"][str(rank)] for rank in FULL.ranks),
            check["random_other_video_mm"],
        ]
        rows.append((pool, f"{check['num_hands']:,}", *(fixed(value, 1) for value in distances)))
    return markdown_table(("pool", "hands", *ranks, "random hand of another video"), rows)


def overview_table(results: dict[str, Any]) -> str:
    """Return a table of the methods: errors with few labels, and a probe on real hands."""
    questions = {question.name: question for question in PLAN.questions}
    runs = {
        row.label: results["runs"].get(row.run_name, {})
        for name in ("labels", "real-hands")
        for row in questions[name].rows
    }
    rows = []
    for row in _labels_rows():
        method = row.label.rpartition(", ")[0]
        errors = [runs[f"{method}, {number} labels"] for number in (100, 300)]
        probed = [
            runs.get(f"{method}, pre-trained on {source}", {})
            for source in ("synthetic hands", "these pictures")
        ]
        if any(errors):
            cells = [spread([e["root_scale_mpjpe_mm"] for e in run.values()], 1) for run in errors]
            cells += [spread([100 * r["linear"] for r in run.values()], 1) for run in probed]
            rows.append((method, *cells))
    labels = ("100 labels, mm ↓", "300 labels, mm ↓")
    digits = ("digits, % ↑", "digits, pre-trained on the pictures, % ↑")
    return markdown_table(("pre-training", *labels, *digits), rows)


def short_table(results: dict[str, Any]) -> str:
    """Return a table of the errors with 300 labels of three pre-trainings, for users of mmpose."""
    (question,) = PLAN.select("methods")
    rows = []
    for row in question.rows:
        if row.label in ("scratch", "SimCLR", "SiMHand, no weights"):
            errors = errors_mm(results, row)
            rows.append((row.label, str(len(errors)), spread(errors, 1)))
    return markdown_table(("pre-training", "runs", "MPJPE (mm)"), rows)


def _labels_rows() -> list[Row]:
    """Return one row of the plan for each method that is compared with several label counts."""
    return [row for row in PLAN.select("labels")[0].rows if row.label.endswith(", 100 labels")]


def gradient_table(gradients: dict[str, Any]) -> str:
    """Return a table of the gradient on the nearest 5 % of negatives, percent."""
    rows = []
    labels = {row.pretraining.name: row.label.rpartition(", ")[0] for row in _labels_rows()}
    for name, label in labels.items():
        if shares := gradients.get(name):
            cells = [shares[when][kind] for kind in ("push", "pull") for when in ("start", "end")]
            rows.append((label, *(f"{100 * cell:.1f}" for cell in cells)))
    return markdown_table(
        (
            "pre-training",
            "push, random weights",
            "push, trained",
            "pull, random weights",
            "pull, trained",
        ),
        rows,
    )


def main(results: Path, /, gradients: Path | None = None) -> None:
    """Merge the numbers and write everything.

    Args:
        results: results.json of simhand reproduce --collect.
        gradients: JSON file of gradient_mass.py.
    """
    known = read_json(DOCS / "synthhands.json")
    merged = merge(known, read_json(results))
    if gradients:
        merged["gradients"] |= read_json(gradients)
    write_page(merged)


if __name__ == "__main__":
    run(main, __doc__)
