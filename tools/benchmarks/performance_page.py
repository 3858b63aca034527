"""Describes the machine of a benchmark and writes tables to docs/performance.md."""

import os
import platform
import re
from pathlib import Path

import numpy as np


def machine() -> str:
    """Describe the machine and its load."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = cpu.group(1) if cpu else platform.processor()
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return f"{name}, {cores} cores, {memory:.0f} GiB, NumPy {np.__version__}; load {load:.1f}"
