"""Exploring pools of 20,000 to two million hands: times until one sees something, and memory.

    python tools/benchmarks/exploring.py --write docs/performance.md

The rows are random, and only every hundredth hand has a crop. The page is opened in a headless
Chromium without a GPU. Memory: of the server the resident peak; of all processes of the
browser what belongs to no file, beyond an empty page.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from chromium import Browser
from parts import parts_parser, run_parts
from pool_opening import make_pool

from simhand_mm.mining import embed_pool
from simhand_mm.pool import HandPairs, HandPool, save_pairs
from simhand_mm.pool.crops import shard_path, write_shard

SIMHAND = [sys.executable, "-c", "from simhand_mm.cli import main; main()"]
ROWS_PER_CROP = 100
NUM_RANKS = 5
CONDITION = "sharpness > 0.5 and source != 'x'"
# What is done on the page, and how one sees that it is finished.
STEPS = (
    ("location.hash = 'hand=0'", "document.querySelector('#hand .crop img').naturalWidth === 224"),
    ("change('color', 'sharpness')", "document.querySelector('#legend canvas')"),
    (f'change("where", "{CONDITION}")', "state.shown.indexOf(0) >= 0"),
    ("map.draw()", "true"),
)
CHANGE = """window.change = (id, value) => {
  const element = document.getElementById(id);
  element.value = value;
  element.dispatchEvent(new Event('change'));
}"""
NAMES = (
    "from the command to its address, s",
    "from the command to the map, s",
    "a hand with its crop and pairs, s",
    "another colour, s",
    "a condition on two columns, s",
    "all points drawn again, s",
    "peak of the server, MB",
    "browser beyond an empty page, MB",
)


def make_explored_pool(root: Path, num_hands: int) -> None:
    """Write a pool with an embedding, random pairs, and some crops."""
    make_pool(root, num_hands)
    pool = HandPool(root)
    embed_pool(pool)
    rng = np.random.default_rng(0)
    save_pairs(
        root,
        "similar",
        HandPairs(
            rng.integers(0, num_hands, (num_hands, NUM_RANKS), np.int32),
            np.sort(rng.random((num_hands, NUM_RANKS), np.float32), axis=1),
            np.arange(1, NUM_RANKS + 1),
            "similar",
            "l2",
            pool.fingerprint,
        ),
    )
    image = cv2.GaussianBlur(rng.integers(0, 256, (224, 224, 3), np.uint8), (9, 9), 0)
    crop = cv2.imencode(".jpg", image)[1].tobytes()
    (root / "crops").mkdir()
    for shard in np.unique(pool.shard):
        rows = np.flatnonzero(pool.shard == shard)[::ROWS_PER_CROP]
        ids = pool.column("hand_id").take(pa.array(rows))
        crops = pa.chunked_array([[crop] * len(rows)])
        write_shard(shard_path(root / "crops", int(shard)), ids, crops)


def processes_of(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="utf-8").split():
            yield from processes_of(int(child))


def core_seconds(pid: int) -> float:
    """CPU time of a process and its descendants since they started."""
    ticks = 0
    for process in processes_of(pid):
        fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        )
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, file: str, *fields: str) -> float:
    """Fields of a file in ``/proc``, summed over a process and its descendants."""
    total = 0
    for process in processes_of(pid):
        lines = Path(f"/proc/{process}/{file}").read_text(encoding="utf-8").splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.split(":")[0] in fields)
    return total / 1024


class Clock:
    """Wall seconds and core-seconds of server and browser."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self.start()

    def start(self) -> None:
        """Measure from now on."""
        self._wall, self._core = time.perf_counter(), sum(map(core_seconds, self._pids))

    def read(self) -> str:
        """Seconds since the start, as text."""
        core = sum(map(core_seconds, self._pids)) - self._core
        return f"{time.perf_counter() - self._wall:.2f} / {core:.2f}"


def figures(root: Path) -> list[str]:
    """Return what is measured, in the order of NAMES."""
    with tempfile.TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        empty_mb = memory_mb(browser.process.pid, "smaps_rollup", "Pss_Anon", "Pss_Shmem")
        command = [*SIMHAND, "explore", str(root), "-o", str(root / "exclude.csv")]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
        clock = Clock(server.pid, browser.process.pid)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split("Open ")[1].strip()
            measured = [clock.read()]
            browser.visit(url)
            browser.wait_for("document.body.dataset.state === 'ready'", timeout_s=600)
            browser.evaluate("import('./app.js').then(page => { Object.assign(window, page) })")
            browser.wait_for("!map.pending", timeout_s=600)
            measured.append(clock.read())
            browser.evaluate(CHANGE)
            for action, condition in STEPS:
                clock.start()
                browser.evaluate(f"(() => {{ {action} }})()")
                browser.wait_for(f"!map.pending && {condition}", timeout_s=600)
                measured.append(clock.read())
            server_mb = memory_mb(server.pid, "status", "VmHWM")
            browser_mb = memory_mb(browser.process.pid, "smaps_rollup", "Pss_Anon", "Pss_Shmem")
            return [*measured, f"{server_mb:,.0f}", f"{browser_mb - empty_mb:,.0f}"]
        finally:
            server.terminate()
            server.wait()


def opening(sizes: list[int]) -> Iterator[str]:
    """Yield a table with one column per size."""
    measured = []
    for num_hands in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make_explored_pool(Path(folder), num_hands)
            measured.append(figures(Path(folder)))
    yield f"| hands | {' | '.join(f'{size:,}' for size in sizes)} |"
    yield f"| --- |{' --- |' * len(sizes)}"
    for name, row in zip(NAMES, zip(*measured, strict=True), strict=True):
        yield f"| {name} | {' | '.join(row)} |"
    yield ""
    yield "* seconds: wall / core-seconds of server and browser"


PARTS = {"opening": lambda args: opening(args.hands)}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--hands", type=int, nargs="+", default=[20_000, 200_000, 2_000_000])
    run_parts("exploring", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
