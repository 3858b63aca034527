"""Benchmarks of several parts: turns with a peer, and a table for each part."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from performance_page import machine

from simhand_mm.experiments.tables import write_part

Part = Callable[[argparse.Namespace], Iterator[str]]


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds, and core-seconds of all threads of this process."""
    wall, core = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - core


def take_turns(works: dict[str, Callable[[], object]], turns: int) -> dict[str, np.ndarray]:
    """Least wall and least core-seconds ``[2]`` of each work.

    The least counts, because other load on the machine can only make a turn slower.
    """
    seconds = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            seconds[name].append(seconds_of(work))
    return {name: np.min(measured, axis=0) for name, measured in seconds.items()}


def run_parts(benchmark: str, parts: dict[str, Part], args: argparse.Namespace) -> None:
    """Print the lines of each part as they come, and put them into a document if asked to.

    Args:
        benchmark: Its name in the markers of the document.
        parts: What it can measure.
        args: Has ``parts``, the wanted ones or none for all, and ``write``, a document or None.
    """
    unknown = sorted(set(args.parts) - parts.keys())
    if unknown:
        sys.exit(f"parts must be among {', '.join(parts)}, but got {', '.join(unknown)}.")
    for name in args.parts or parts:
        lines = [f"{machine()}.", ""]
        for line in parts[name](args):
            print(line, flush=True)
            lines.append(line)
        if args.write:
            write_part(args.write, benchmark, name, "\n".join(lines))
