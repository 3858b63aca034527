"""Write the collected results of SynthHands to docs/.

    simhand reproduce synthhands --collect
    python projects/synthhands/gradient_mass.py gradients.json work_dirs/synthhands/pretrain/*-seed0
    python -m projects.synthhands.page work_dirs/synthhands/results.json --gradients gradients.json

docs/synthhands.json keeps its results and adds the new ones. The tables of docs/synthhands.md, the
summary in docs/reproduction.md and the figure are written from it.
"""

import json
from pathlib import Path
from typing import Any

from projects.synthhands.plan import FULL, PLAN
from projects.synthhands.plot import draw
from simhand_mm.cli import run
from simhand_mm.experiments.results import merge
from simhand_mm.experiments.tables import question_table, summary_table, write_part
from simhand_mm.pool import write_json
from simhand_mm.visualization.number_format import fixed

DOCS = Path(__file__).parents[2] / "docs"


def write_page(results: dict[str, Any], docs: Path = DOCS) -> None:
    """Write the results and update the tables in the documents.

    Args:
        results: Results from ``collect_results``.
        docs: Folder of ``synthhands.md`` and ``reproduction.md``.
    """
    write_json(docs / "synthhands.json", results, sort_keys=True, end="\n")
    for document, part, table in parts(results):
        write_part(docs / document, PLAN.name, part, table)
    draw(results, docs / "images" / "synthhands.png")


def parts(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return document, name and text of each part that is written from the results."""
    tables = [("synthhands.md", q.name, question_table(results, q)) for q in PLAN.questions]
    mining = ("synthhands.md", "mining", mining_table(results))
    gradients = ("synthhands.md", "gradients", gradient_table(results.get("gradients", {})))
    return [*tables, mining, gradients, ("reproduction.md", "paper", summary_table(results, PLAN))]


def mining_table(results: dict[str, Any]) -> str:
    """Return a table of the true 3D distance between a hand and its positive, mm."""
    ranks = [f"Top-{rank}" for rank in FULL.ranks]
    lines = [
        f"| pool | hands | {' | '.join(ranks)} | random hand of another video |",
        "| --- | --- |" + " --- |" * (len(ranks) + 1),
    ]
    for pool, check in sorted(results["data"].items()):
        distances = [
            *(check["top_mm"][str(rank)] for rank in FULL.ranks),
            check["random_other_video_mm"],
        ]
        cells = " | ".join(fixed(distance, 1) for distance in distances)
        lines.append(f"| {pool} | {check['num_hands']:,} | {cells} |")
    return "\n".join(lines)


def gradient_table(gradients: dict[str, Any]) -> str:
    """Return a table of the gradient on the nearest 5 % of negatives, percent."""
    lines = [
        "| pre-training | push, random weights | push, trained | pull, random weights "
        "| pull, trained |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, shares in sorted(gradients.items()):
        cells = [f"{100 * shares[w][kind]:.1f}" for kind in ("push", "pull") for w in shares]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(results: Path, /, gradients: Path | None = None) -> None:
    """Merge the numbers and write everything.

    Args:
        results: results.json of simhand reproduce --collect.
        gradients: JSON file of gradient_mass.py.
    """
    known = json.loads((DOCS / "synthhands.json").read_text(encoding="utf-8"))
    merged = merge(known, json.loads(results.read_text(encoding="utf-8")))
    if gradients:
        merged["gradients"] |= json.loads(gradients.read_text(encoding="utf-8"))
    write_page(merged)


if __name__ == "__main__":
    run(main, __doc__)
