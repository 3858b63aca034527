"""Plans: the experiments of a paper as data, and the commands that run them."""

from simhand_mm.experiments.plan import Plan, Question, Row, Score, load_plan
from simhand_mm.experiments.runs import SCRATCH, Data, Finetuning, Pretraining, Probing, Step

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
