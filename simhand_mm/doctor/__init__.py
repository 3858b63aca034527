"""Whether this machine computes what the project means: facts, and the CPU beside the GPU."""

from simhand_mm.doctor.checks import CHECKS, run_check
from simhand_mm.doctor.facts import FACTS
from simhand_mm.doctor.findings import Finding, examine

__all__ = ["CHECKS", "FACTS", "Finding", "examine", "run_check"]
