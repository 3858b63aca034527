"""Plans of experiments: questions, and the rows of the tables that answer them.

A plan is data. A row names what is run (`runs.py`); `commands.py` turns it into commands, `jobs.py`
runs them, `results.py` reads their results, `tables.py` formats these. docs/plans.md explains how
to write a plan.
"""

import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from simhand_mm.experiments.runs import Data, Finetuning, Pretraining, Probing

#: What commands and options may contain; ``{backbone}`` only in options of a fine-tuning.
PLACES = ("{data}", "{work}", "{plan}", "{backbone}")


@dataclass(frozen=True)
class Score:
    """A published result.

    Attributes:
        mpjpe_mm: Mean per-joint position error, mm, protocol ``root_scale``.
        auc: PCK-AUC over 20 to 50 mm, percent; None if it was not published.
    """

    mpjpe_mm: float
    auc: float | None = None


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        label: Text of the row.
        pretraining: Pre-training of the backbone.
        evaluation: Fine-tuning and test of a pose model, or probing of the frozen features.
        paper: The published result; None if there is none.

    Raises:
        ValueError: If random weights are probed, which each probing measures too, or fine-tuned
            with options that name a backbone.
    """

    label: str
    pretraining: Pretraining
    evaluation: Finetuning | Probing
    paper: Score | None = None

    def __post_init__(self) -> None:
        if self.pretraining.config:
            return
        if isinstance(self.evaluation, Probing):
            raise ValueError(
                f"pretraining of the row {self.label!r} must have a config, but got None. Each "
                "probing measures random weights too; they need no row."
            )
        if any("{backbone}" in option for option in self.evaluation.options):
            raise ValueError(
                f"pretraining of the row {self.label!r} must have a config, but got None. Its "
                "fine-tuning has options with {backbone}."
            )

    @property
    def run_name(self) -> str:
        """Name of the evaluated model, without its seed. Rows with the same name share a run."""
        return f"{self.pretraining.name}-{self.evaluation.name}"

    @property
    def data(self) -> tuple[str, ...]:
        """Names of all data that the row needs."""
        return (*self.pretraining.data, *self.evaluation.data)


@dataclass(frozen=True)
class Question:
    """A question and the table that answers it.

    Attributes:
        name: Short name.
        title: The question, as a sentence.
        source: Table or figure of the paper.
        rows: Rows of the table.
    """

    name: str
    title: str
    source: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Plan:
    """Several questions about the same data.

    Attributes:
        name: Short name; results are written to ``work_dirs/<name>``.
        data_root: ``SIMHAND_DATA`` of all commands if the user does not set it.
        data: All data that rows need.
        questions: The tables.

    Raises:
        ValueError: If a name is not unique or cannot be that of a folder, a command contains an
            unknown ``{place}``, or rows need unknown data.
    """

    name: str
    data_root: str
    data: tuple[Data, ...]
    questions: tuple[Question, ...]

    def __post_init__(self) -> None:
        _refuse_repeated("data", (data.name for data in self.data))
        _refuse_repeated("question", (question.name for question in self.questions))
        for question in self.questions:
            _refuse_repeated(f"row of {question.name}", (row.label for row in question.rows))
        for question in self.questions:
            if len({type(row.evaluation) for row in question.rows}) > 1:
                raise ValueError(
                    f"rows of {question.name} must all be fine-tuned or all be probed, but got "
                    "both. Make two questions."
                )
        _refuse_ambiguous("pretraining", {row.pretraining for row in self.rows})
        _refuse_ambiguous("evaluation", {row.evaluation for row in self.rows})
        for run in self.data:
            _check_run(run)
        for row in self.rows:
            _check_run(row.pretraining)
            _check_run(row.evaluation)
        known = {data.name for data in self.data}
        wanted = {name for data in self.data for name in data.needs}
        wanted |= {name for row in self.rows for name in row.data}
        if unknown := sorted(wanted - known):
            raise ValueError(f"data must be one of {sorted(known)}, but got {unknown}.")

    @property
    def rows(self) -> list[Row]:
        """Rows of all questions."""
        return [row for question in self.questions for row in question.rows]

    @property
    def finetuned_rows(self) -> list[tuple[Row, Finetuning]]:
        """Rows that are fine-tuned, with their fine-tuning."""
        pairs = ((row, row.evaluation) for row in self.rows)
        return [(row, tuning) for row, tuning in pairs if isinstance(tuning, Finetuning)]

    def select(self, question: str | None = None, row: str | None = None) -> list[Question]:
        """Select questions, with only the rows that match.

        Args:
            question: Name of a question (default: all).
            row: Label or run name of a row (default: all).

        Raises:
            ValueError: If nothing has that name; the message lists the names.
        """
        names = [q.name for q in self.questions]
        if question is not None and question not in names:
            raise ValueError(f"question must be one of {names}, but got {question!r}.")
        chosen = [q for q in self.questions if question in (None, q.name)]
        if row is None:
            return chosen
        found = [
            Question(q.name, q.title, q.source, rows)
            for q in chosen
            if (rows := tuple(r for r in q.rows if row in (r.label, r.run_name)))
        ]
        if not found:
            labels = [r.label for q in chosen for r in q.rows]
            raise ValueError(f"row must be one of {labels}, but got {row!r}.")
        return found


def load_plan(name: str, projects: Path, tiny: bool = False) -> tuple[Plan, Path]:
    """Read a plan.

    Args:
        name: Name of a folder of ``projects`` that contains ``plan.py``, or path of a Python file.
        projects: Folder of the package's plans.
        tiny: Read ``TINY`` of the file, the same plan on very little data, instead of ``PLAN``.

    Returns:
        The plan and the folder of its file.

    Raises:
        FileNotFoundError: If there is no such plan.
        ValueError: If the file does not define the plan.
    """
    path = Path(name) if name.endswith(".py") else projects / name / "plan.py"
    if not path.is_file():
        known = sorted(p.parent.name for p in projects.glob("*/plan.py"))
        raise FileNotFoundError(
            f"PLAN must be one of {known} or the path of a .py file, but got {name!r}."
        )
    module = _import_file(path)
    variable = "TINY" if tiny else "PLAN"
    plan = getattr(module, variable, None)
    if not isinstance(plan, Plan):
        raise ValueError(
            f"{path} must define {variable}, a simhand_mm.experiments.Plan, but got {plan!r}. "
            "See docs/plans.md."
        )
    return plan, path.parent.resolve()


def _import_file(path: Path) -> ModuleType:
    """Import a Python file as a package of its folder, so that ``from .other import x`` works."""
    name = f"plan_{path.parent.name}"
    folders = [str(path.parent)]
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    assert spec and spec.loader  # it is a .py file that exists
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _refuse_repeated(kind: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"{kind} names must differ, but got {repeated} more than once.")


def _check_run(run: Data | Pretraining | Finetuning | Probing) -> None:
    if not re.fullmatch(r"[\w.-]+", run.name):
        raise ValueError(
            f"name must be that of a folder, of letters, digits, '.', '_' and '-', but got "
            f"{run.name!r}. The label of a row may be any text."
        )
    for place in re.findall(r"\{\w+\}", str(asdict(run))):
        if place not in PLACES:
            raise ValueError(
                f"commands and options of {run.name} may contain {', '.join(PLACES)}, but contain "
                f"{place}. Correct it."
            )


def _refuse_ambiguous(kind: str, used: set) -> None:
    """Refuse different runs with the same name, because results are stored by name."""
    _refuse_repeated(kind, (item.name for item in used))
