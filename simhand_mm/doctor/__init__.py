"""Checks of a machine: requirements of training, and results of the GPU compared with the CPU."""

from simhand_mm.doctor.checks import CHECKS, run_check
from simhand_mm.doctor.facts import FACTS
from simhand_mm.doctor.findings import Finding, examine

__all__ = ["CHECKS", "FACTS", "Finding", "examine", "run_check"]
