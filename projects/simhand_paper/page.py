"""Write docs/reproduction.md and the metafiles of configs/ from the plan of the paper.

    simhand reproduce simhand_paper --collect
    python -m projects.simhand_paper.page work_dirs/simhand_paper/results.json

docs/simhand_paper.json keeps its results and adds the new runs. Without an argument, all pages are
written again from it.
"""

from pathlib import Path
from typing import Any

from projects.simhand_paper.model_cards import metafiles
from projects.simhand_paper.plan import PLAN
from simhand_mm.cli import run
from simhand_mm.experiments.results import merge
from simhand_mm.experiments.tables import markdown_table, question_table, write_part
from simhand_mm.pool import read_json, write_json

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "simhand_paper.json"


def parts(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name and text of each part of docs/reproduction.md that is written from the plan.

    Args:
        results: Results from ``collect_results``.
    """
    tables = [
        (q.name, f"**{q.source}: {q.title}**\n\n{question_table(results, q)}")
        for q in PLAN.questions
    ]
    return [("runs", runs_table()), *tables]


def runs_table() -> str:
    """Return a table of config and options of each pre-training and fine-tuning of the plan."""
    rows = []
    pretrainings = {row.pretraining.name: row.pretraining for row in PLAN.rows}
    finetunings = {finetuning.name: finetuning for _, finetuning in PLAN.finetuned_rows}
    for training in (*pretrainings.values(), *finetunings.values()):
        if training.config:
            options = ", ".join(f"`{option}`" for option in training.options)
            rows.append((training.name, f"`{Path(training.config).stem}`", options or "–"))
    return markdown_table(("run", "config", "options"), rows)


def write_page(results: dict[str, Any]) -> None:
    """Write numbers, tables and metafiles."""
    write_json(RESULTS, results, sort_keys=True)
    for part, text in parts(results):
        write_part(ROOT / "docs" / "reproduction.md", PLAN.name, part, text)
    synthhands = read_json(ROOT / "docs" / "synthhands.json")
    for path, text in metafiles(synthhands).items():
        path.write_text(text, encoding="utf-8")


def main(results: Path = RESULTS, /) -> None:
    """Merge the numbers and write everything.

    Args:
        results: results.json of simhand reproduce --collect.
    """
    known = read_json(RESULTS)
    write_page(merge(known, read_json(results)))


if __name__ == "__main__":
    run(main, __doc__)
