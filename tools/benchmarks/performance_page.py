"""What every benchmark says beside its numbers, and how its tables get into docs/performance.md."""

import os
import platform
import re
from pathlib import Path

import numpy as np


def machine() -> str:
    """What it ran on, and how busy that was."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = cpu.group(1) if cpu else platform.processor()
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return f"{name}, {cores} cores, {memory:.0f} GiB, NumPy {np.__version__}; load {load:.1f}"


def write_part(path: Path, benchmark: str, part: str, text: str) -> None:
    """Replace what lies between the markers of a part of a benchmark in a document.

    Args:
        path: The document. It has ``<!-- <benchmark>: <part> -->`` and, farther down,
            ``<!-- end of <benchmark>: <part> -->``.
        benchmark: Name of the benchmark in the markers.
        part: Name of the table in the markers.
        text: What comes between them.

    Raises:
        ValueError: If the document lacks a marker.
    """
    begin, end = f"<!-- {benchmark}: {part} -->", f"<!-- end of {benchmark}: {part} -->"
    before, is_there, rest = path.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not (is_there and found):
        raise ValueError(f"{path} must have the lines {begin} and {end}.")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
