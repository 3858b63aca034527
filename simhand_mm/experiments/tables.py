"""Tables of a plan in Markdown: published results, ours, their difference, missing runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from simhand_mm.experiments.plan import Plan, Question, Row
from simhand_mm.experiments.runs import Probing

Column: TypeAlias = tuple[str, str, int, int, str | None]
"""Heading, name in the results, factor, decimals, field of Score."""
_COLUMNS: tuple[Column, ...] = (
    ("root_scale MPJPE mm ↓", "root_scale_mpjpe_mm", 1, 1, "mpjpe_mm"),
    ("PCK-AUC 20–50 % ↑", "root_scale_auc_20_50", 100, 1, "auc"),
    ("PA MPJPE mm ↓", "procrustes_mpjpe_mm", 1, 1, None),
    ("root MPJPE mm ↓", "root_mpjpe_mm", 1, 1, None),
)
_PROBING_COLUMNS: tuple[Column, ...] = (
    ("linear probe % ↑", "linear", 100, 1, None),
    ("nearest neighbours % ↑", "knn", 100, 1, None),
)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table in Markdown; ``|`` in cells is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def question_table(results: dict[str, Any], question: Question) -> str:
    """Format the table of a question: mean ± standard deviation over the runs.

    If rows have published numbers, each is followed by ours and the difference (ours minus the
    paper's).

    Args:
        results: As returned by ``collect_results``.
        question: The question.
    """
    with_paper = any(row.paper for row in question.rows)
    is_probed = isinstance(question.rows[0].evaluation, Probing)
    columns = _PROBING_COLUMNS if is_probed else _COLUMNS
    headings = []
    for heading, *_, published in columns:
        if with_paper and published:
            headings += [f"paper: {heading}", "ours", "difference"]
        else:
            headings.append(heading)
    rows = [_table_row(results, row, columns, with_paper) for row in question.rows]
    if is_probed:
        rows += _reference_rows(results, question)
    return markdown_table([question.source, "runs", *headings, "retrieval score ↑"], rows)


def _reference_rows(results: dict[str, Any], question: Question) -> Iterator[list[str]]:
    """Yield the rows that every probing measures: random weights, keypoints and chance."""
    by_seed = {}
    for row in question.rows:
        by_seed |= results["runs"].get(row.run_name, {})
    for name in ("random weights", "2D keypoints"):
        cells = [
            spread([factor * run[name][key] for run in by_seed.values()], decimals)
            for _, key, factor, decimals, _ in _PROBING_COLUMNS
        ]
        yield [name, _num_runs(by_seed), *cells, "–"]
    chance = spread([100 * run["chance"] for run in by_seed.values()], 1)
    yield ["always the most frequent label", _num_runs(by_seed), chance, "–", "–"]


def _num_runs(runs: Mapping[str, Any]) -> str:
    return str(len(runs) or "not run")


def _table_row(
    results: dict[str, Any], row: Row, columns: Sequence[Column], with_paper: bool
) -> list[str]:
    seeds = results["runs"].get(row.run_name, {})
    cells = []
    for _, key, factor, decimals, published in columns:
        values = [factor * run[key] for run in seeds.values()]
        if not (with_paper and published):
            cells.append(spread(values, decimals))
            continue
        paper = getattr(row.paper, published) if row.paper else None
        known = paper is not None
        difference = f"{np.mean(values) - paper:+.{decimals}f}" if known and values else "–"
        cells += [f"{paper:.2f}" if known else "–", spread(values, decimals), difference]
    scores = results["pretrainings"].get(row.pretraining.name, {})
    found = [scores[seed]["retrieval_score"] for seed in seeds if seed in scores]
    score = spread([value for value in found if value is not None], 2)
    return [row.label, _num_runs(seeds), *cells, score]


def summary_table(results: dict[str, Any], plan: Plan) -> str:
    """Format a table with one line per question that fine-tunes: our error of every row."""
    rows = []
    for question in plan.questions:
        if isinstance(question.rows[0].evaluation, Probing):
            continue
        parts = []
        for row in question.rows:
            runs = results["runs"].get(row.run_name, {}).values()
            values = [run["root_scale_mpjpe_mm"] for run in runs]
            if values:
                parts.append(f"{row.label}: {spread(values, 1)} ({len(values)})")
        rows.append((question.source, question.title, "; ".join(parts) or "not run"))
    return markdown_table(
        ("paper", "question", "our root_scale MPJPE mm, mean ± s.d. (runs)"), rows
    )


def missing_runs(
    results: dict[str, Any], question: Question, seeds: Sequence[int]
) -> Iterator[str]:
    """Yield a line of text for each row that has no result for some of the seeds."""
    for row in question.rows:
        done = {name.split(" ")[0] for name in results["runs"].get(row.run_name, {})}
        if missing := [str(seed) for seed in seeds if str(seed) not in done]:
            yield f"{row.label}: seed {', '.join(missing)}"


def spread(values: list[float], decimals: int) -> str:
    """Format mean ± sample standard deviation, or only the value if there is one."""
    if not values:
        return "–"
    mean = f"{np.mean(values):.{decimals}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{decimals}f}" if len(values) > 1 else mean


def write_part(path: Path, document: str, part: str, text: str) -> None:
    """Replace the text between the two markers of a part of a document.

    Args:
        path: The document. It contains ``<!-- <document>: <part> -->`` and, further below,
            ``<!-- end of <document>: <part> -->``.
        document: First word of the markers, e.g. the name of a plan.
        part: Name of the part in the markers.
        text: The new text.

    Raises:
        ValueError: If a marker is missing.
    """
    begin, end = f"<!-- {document}: {part} -->", f"<!-- end of {document}: {part} -->"
    before, is_there, rest = path.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not (is_there and found):
        raise ValueError(f"{path} must have the lines {begin} and {end}, but lacks one. Add them.")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
