"""Runs benchmarks of several parts: timing in turn with a peer, and a table per part."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from performance_page import add_table, machine

from simhand_mm.experiments.tables import write_part

Part = Callable[[argparse.Namespace], Iterator[str]]
Key = TypeVar("Key")


class NoGpu(Exception):
    """Raised by a part that needs a GPU where there is none; its table is left as it is."""


def gpu_name() -> str:
    """Name of the GPU.

    Raises:
        NoGpu: If there is none.
    """
    import torch  # here, because some benchmarks measure the memory of processes without it

    if not torch.cuda.is_available():
        raise NoGpu
    return torch.cuda.get_device_name()


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall seconds and core-seconds (all threads of this process) of a call."""
    wall, core = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - core


def resident_kib(field: str) -> int:
    """Memory of this process in KiB, e.g. ``VmHWM``, the peak since it started.

    Not by ``getrusage``, which counts what the parent had before it started this process.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def take_turns(works: Mapping[Key, Callable[[], object]], turns: int) -> dict[Key, np.ndarray]:
    """Return the minimum of wall seconds and core-seconds ``[2]`` of each work.

    The minimum is used, because other load on the machine can only make a run slower.
    """
    seconds: dict[Key, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            seconds[name].append(seconds_of(work))
    return {name: np.min(measured, axis=0) for name, measured in seconds.items()}


def parts_parser(description: str | None, names: Iterable[str]) -> argparse.ArgumentParser:
    """A parser with the arguments that :func:`run_parts` reads."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(names)}; all by default")
    parser.add_argument("--write", type=Path, help="document to put the tables into")
    parser.add_argument("--json", type=Path, help="file to add the tables to")
    return parser


def run_parts(benchmark: str, parts: Mapping[str, Part], args: argparse.Namespace) -> None:
    """Run the parts of a benchmark, print their lines and optionally update a document.

    Args:
        benchmark: Name of the benchmark in the markers of the document.
        parts: Name -> function that yields the lines of a part.
        args: Namespace with ``parts``, the requested parts (empty for all), and ``write`` and
            ``json``, files or None.
    """
    unknown = sorted(set(args.parts) - parts.keys())
    if unknown:
        sys.exit(f"parts must be among {', '.join(parts)}, but got {', '.join(unknown)}.")
    for name in args.parts or parts:
        lines = [f"{machine()}.", ""]
        try:
            for line in parts[name](args):
                print(line, flush=True)
                lines.append(line)
        except NoGpu:
            print(f"{name}: there is no GPU.")
            continue
        text = "\n".join(lines)
        if args.json:
            add_table(args.json, benchmark, name, text)
        if args.write:
            write_part(args.write, benchmark, name, text)
