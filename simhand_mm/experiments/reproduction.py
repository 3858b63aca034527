"""``simhand reproduce``: show, print, run or collect the rows of a plan."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simhand_mm.cli import find_file
from simhand_mm.experiments.commands import Launcher, Workspace, row_jobs, shell_script
from simhand_mm.experiments.jobs import run_chains
from simhand_mm.experiments.plan import Plan, Question, load_plan
from simhand_mm.experiments.results import collect_results
from simhand_mm.experiments.tables import missing_runs, question_table
from simhand_mm.pool.files import write_json, write_text


@dataclass(frozen=True)
class Reproduction:
    """Action, and the rows it applies to. Without an action, rows and their state are listed."""

    row: str | None = None
    """Label of a row, or name of its run (default: all rows)."""

    seeds: tuple[int, ...] = (0,)
    """Seeds of pre-training and fine-tuning."""

    print: bool = False
    """Print the commands of the rows."""

    run: bool = False
    """Run the commands that are not done."""

    collect: bool = False
    """Write results.json and tables.md into the work dir, and print the tables."""

    tiny: bool = False
    """Use the plan's TINY, with very little data, to try everything quickly."""

    launcher: Launcher = "pytorch"
    """Launcher of pre-trainings for several GPUs. none: one GPU, with the same global batch."""

    partition: str = "PARTITION"
    """Slurm partition."""

    work_dir: Path | None = None
    """Folder of the results (default: work_dirs/<plan>)."""

    data: Path | None = None
    """Folder of the data (default: $SIMHAND_DATA if it is set, else the folder in the plan)."""

    def __post_init__(self) -> None:
        actions = [name for name in ("print", "run", "collect") if getattr(self, name)]
        if len(actions) > 1:
            raise ValueError(
                f"action must be one of --print, --run and --collect, but got {actions}. "
                "Choose one."
            )


def reproduce(plan: str, question: str | None = None, /, *, action: Reproduction) -> None:
    """Show, print, run or collect the rows of a plan.

    Args:
        plan: Name of a plan in projects/, or path of a Python file that defines PLAN.
        question: Name of a question of the plan (default: all).
        action: Action and rows.

    Raises:
        ValueError: If a name is unknown.
        FileNotFoundError: If there is no such plan.
        RuntimeError: If commands failed. Commands that do not depend on them were run.
    """
    loaded, folder = load_plan(plan, find_file("projects"), action.tiny)
    workspace = Workspace(
        data=action.data or Path(os.environ.get("SIMHAND_DATA") or loaded.data_root),
        work=action.work_dir or Path("work_dirs") / loaded.name,
        plan=_from_here(folder),
        launcher=action.launcher,
        partition=action.partition,
    )
    questions = loaded.select(question, action.row)
    if action.collect:
        print(collect(loaded, questions, action.seeds, workspace.work))
        return
    chains = [
        list(row_jobs(loaded, row, seed, workspace))
        for question in questions
        for seed in action.seeds
        for row in question.rows
    ]
    if action.print:
        print(shell_script([job for chain in chains for job in chain]))
    elif action.run:
        if errors := run_chains(chains):
            raise RuntimeError(
                f"{len(errors)} commands failed:\n" + "\n".join(errors) + "\nTheir errors are "
                "above and in their job.log. Fix the cause and run the same command again."
            )
    else:
        print(list_rows(loaded, questions, action.seeds, workspace))


def list_rows(
    plan: Plan, questions: Sequence[Question], seeds: Sequence[int], workspace: Workspace
) -> str:
    """List the rows of questions and the number of their seeds that are done, as text."""
    lines = []
    for question in questions:
        lines.append(f"{question.name}: {question.title} ({question.source})")
        for row in question.rows:
            chains = [row_jobs(plan, row, seed, workspace) for seed in seeds]
            done = sum(all(job.is_done for job in chain) for chain in chains)
            lines.append(f"  {row.label:<36} {row.run_name:<36} {done} of {len(seeds)} seeds done")
    return "\n".join(lines)


def collect(plan: Plan, questions: Sequence[Question], seeds: Sequence[int], work: Path) -> str:
    """Write ``results.json`` (all rows) and ``tables.md`` (these questions) into the work folder.

    Args:
        plan: The plan.
        questions: Questions of ``tables.md``.
        seeds: Seeds that are listed as missing if they have no result.
        work: The work folder.

    Returns:
        The text of ``tables.md``.
    """
    results = collect_results(plan, work)
    parts = []
    for question in questions:
        parts.append(f"## {question.title}\n\n{question_table(results, question)}\n")
        if missing := list(missing_runs(results, question, seeds)):
            parts.append("missing:\n\n" + "\n".join(f"* {line}" for line in missing) + "\n")
    text = "\n".join(parts)
    write_json(work / "results.json", results, sort_keys=True)
    write_text(work / "tables.md", text)
    return text


def _from_here(folder: Path) -> Path:
    """Return the path relative to the working directory if it is inside, else unchanged."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
