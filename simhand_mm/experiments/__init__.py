"""Plans: the experiments of a paper as data, and the commands that run them."""

from simhand_mm.experiments.plan import (
    SCRATCH,
    Data,
    Finetuning,
    Plan,
    Pretraining,
    Probing,
    Question,
    Row,
    Score,
    Step,
    load_plan,
)

__all__ = [
    "SCRATCH",
    "Data",
    "Finetuning",
    "Plan",
    "Pretraining",
    "Probing",
    "Question",
    "Row",
    "Score",
    "Step",
    "load_plan",
]
