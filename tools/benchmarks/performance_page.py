"""Tables of benchmarks: the machine they were made on, and how they get to docs/performance.md.

    python tools/benchmarks/performance_page.py results.json --write docs/performance.md

A benchmark with ``--json`` on another machine, e.g. one with a GPU, keeps its tables in a file;
this command puts them into the document.
"""

import argparse
import json
import os
import platform
import re
from pathlib import Path

import numpy as np

from simhand_mm.experiments.tables import write_part


def machine() -> str:
    """Describe the machine and its load."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = cpu.group(1) if cpu else platform.processor()
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return f"{name}, {cores} cores, {memory:.0f} GiB, NumPy {np.__version__}; load {load:.1f}"


def add_table(path: Path, benchmark: str, part: str, text: str) -> None:
    """Put the table of a part into a JSON file: ``{benchmark: {part: text}}``."""
    tables = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    tables.setdefault(benchmark, {})[part] = text
    path.write_text(json.dumps(tables, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("results", type=Path, help="file that --json of the benchmarks wrote")
    parser.add_argument("--write", type=Path, required=True, help="document")
    args = parser.parse_args()
    for benchmark, parts in json.loads(args.results.read_text(encoding="utf-8")).items():
        for part, text in parts.items():
            write_part(args.write, benchmark, part, text)


if __name__ == "__main__":
    main()
