"""SynthHands: the questions of the paper on synthetic hands that anyone can render.

A row is a pre-training (or none) on a pool, fine-tuned on a number of labelled stills. The results
and their discussion are in docs/synthhands.md.
"""

from simhand_mm.experiments import Plan

from . import further_questions, paper_questions
from .data import FULL, TINY_SIZE, Size, digits_data, pool_data, stills_data
from .methods import Runs, start_data

QUESTIONS = (
    paper_questions.methods_question,
    paper_questions.labels_question,
    paper_questions.weights_question,
    further_questions.start_question,
    paper_questions.ranks_question,
    paper_questions.pool_question,
    paper_questions.weak_question,
    further_questions.budget_question,
    further_questions.targets_question,
    further_questions.pose_aware_question,
    further_questions.scale_question,
    further_questions.width_question,
    further_questions.temperature_question,
    further_questions.real_hands_question,
    further_questions.choices_question,
    further_questions.rates_question,
)


def make_plan(size: Size) -> Plan:
    """Make the plan in one size."""
    pools = (pool_data(size, pool) for pool in size.videos)
    data = (stills_data(size), digits_data(), *pools, start_data(size))
    runs = Runs(size)
    return Plan(size.name, f"data/{size.name}", data, tuple(make(runs) for make in QUESTIONS))


PLAN = make_plan(FULL)
TINY = make_plan(TINY_SIZE)
