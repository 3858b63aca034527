"""Exact mining compared with peers: core-seconds, growth, memory, and equality of results.

    python tools/benchmarks/mining.py --write docs/performance.md

All numbers of a table come from one run. Ours runs on all queries; a peer is timed on a sample of
whole videos and extrapolated (except its build time). Core-seconds are CPU time of all threads.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from hand_pools import FOOTAGE, generate_pool
from mining_peers import PEERS, SAMPLE, NumpyPeer
from parts import gpu_name, parts_parser, resident_kib, run_parts

from simhand_mm.functional.neighbors import NeighborIndex, brute_force_in_other_groups
from simhand_mm.mining.embedding import PoseEmbedding
from simhand_mm.mining.search import EXACT_ENGINES, build_engine

Result = TypeVar("Result")
RANKS = [1, 2, 5, 10, 50, 100, 500, 1000, 5000]


def embed(num_hands: int, footage: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pose embeddings ``[N, 14]`` and videos ``[N]`` of a generated pool."""
    keypoints, videos = generate_pool(num_hands, footage, seed=0)
    return PoseEmbedding.fit(keypoints).apply(keypoints), videos


def timed(function: Callable[..., Result], *arguments: object) -> tuple[Result, float, float]:
    """Return result, core-seconds and wall seconds of a call."""
    wall, core = time.perf_counter(), time.process_time()
    result = function(*arguments)
    return result, time.process_time() - core, time.perf_counter() - wall


def sample_of_videos(videos: np.ndarray, count: int) -> np.ndarray:
    """Return about ``count`` rows of random whole videos; a long first video is cut."""
    order = np.random.default_rng(0).permutation(int(videos.max()) + 1)
    rows, taken = [], 0
    for video in order:
        low, high = np.searchsorted(videos, [video, video + 1])
        rows.append(np.arange(low, high)[: count - taken])
        taken += len(rows[-1])
        if taken >= count:
            break
    return np.concatenate(rows)


def ours_in_a_process(embeddings: np.ndarray, videos: np.ndarray, ranks: list[int]) -> dict:
    """Mine in a separate process to measure its memory; the result is in ``index``."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/embeddings.npy", embeddings)
        np.save(f"{folder}/videos.npy", videos)
        command = [sys.executable, __file__, "--mine", folder, "--ranks", *map(str, ranks)]
        output = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
        return {**json.loads(output), "index": np.load(f"{folder}/index.npy")}


def mine(folder: str, ranks: list[int]) -> None:
    """Entry point of the process of :func:`ours_in_a_process`."""
    embeddings, videos = np.load(f"{folder}/embeddings.npy"), np.load(f"{folder}/videos.npy")
    wanted, rows = np.array(ranks), np.arange(len(videos))
    NeighborIndex(embeddings[:500], videos[:500]).search(rows[:500], wanted)  # compiled, cached
    index, build_core, build_wall = timed(NeighborIndex, embeddings, videos)
    (found, _), core, wall = timed(index.search, rows, wanted)
    np.save(f"{folder}/index.npy", found)
    peak_gb = resident_kib("VmHWM") / 1e6
    print(json.dumps({"core": build_core + core, "wall": build_wall + wall, "peak_gb": peak_gb}))


def speed(sizes: list[int]) -> Iterator[str]:
    """Yield a table of total core-seconds by N, with growth exponents."""
    table: dict[str, list[float]] = {"**ours** (`exact`)": []}
    notes = []
    for size in sizes:
        embeddings, videos = embed(size, "ordinary")
        ours = ours_in_a_process(embeddings, videos, [1])
        table["**ours** (`exact`)"].append(ours["core"])
        print(f"{size} ours: {ours['core']:.2f}", file=sys.stderr, flush=True)
        rows = np.sort(np.random.default_rng(1).choice(size, 100, replace=False))
        brute = brute_force_in_other_groups(embeddings, videos, rows, np.array([1]))[0]
        notes.append(
            f"N = {size:,}: ours {ours['wall']:.1f} s wall, {ours['peak_gb']:.2f} GB peak RSS, "
            f"{int((brute == ours['index'][rows]).sum())} of 100 random queries equal to a float64 "
            "brute force"
        )
        for name, build in PEERS.items():
            count = next((n for key, n in SAMPLE.items() if name.startswith(key)), 1000)
            rows = sample_of_videos(videos, count)
            peer, build_core, _ = timed(build, embeddings, videos)
            found, core, _ = timed(peer, rows)
            table.setdefault(name, []).append(build_core + core / len(rows) * size)
            print(f"{size} {name}: {table[name][-1]:.1f}", file=sys.stderr, flush=True)
            equal = float((found[:, 0] == ours["index"][rows, 0]).mean())
            if equal < 1:
                notes.append(f"{name}: {equal:.2%} of {len(rows)} rows are equal to ours")
    best = table["**ours** (`exact`)"]
    yield from ("| core-seconds, Top-1 | " + " | ".join(f"{n:,}" for n in sizes)
                + " | growth | times ours at the largest |",
                "| --- " * (len(sizes) + 3) + "|")  # fmt: skip
    for name, cores in table.items():
        growth = np.polyfit(np.log(sizes), np.log(cores), 1)[0] if len(sizes) > 1 else np.nan
        cells = " | ".join(f"{core:,.2f}" if core < 100 else f"{core:,.0f}" for core in cores)
        yield f"| {name} | {cells} | {growth:.2f} | {cores[-1] / best[-1]:,.1f} |"
    yield ""
    yield from (f"* {note}" for note in notes)


def growth(sizes: list[int], num_checked: int) -> Iterator[str]:
    """Ours alone, for pools that peers would take days for, with the exponent of each step."""
    yield (
        "| N | core-seconds, Top-1 | wall | peak RSS GB | growth since the row above "
        f"| equal to brute force, of {num_checked:,} queries |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    before: tuple[int, float] | None = None
    for size in sizes:
        embeddings, videos = embed(size, "ordinary")
        ours = ours_in_a_process(embeddings, videos, [1])
        rows = np.sort(np.random.default_rng(1).choice(size, num_checked, replace=False))
        brute = brute_force_in_other_groups(embeddings, videos, rows, np.array([1]))[0]
        equal = int((brute == ours["index"][rows]).sum())
        step = "–"
        if before:
            step = f"{np.log(ours['core'] / before[1]) / np.log(size / before[0]):.2f}"
        yield (
            f"| {size:,} | {ours['core']:.1f} | {ours['wall']:.1f} | {ours['peak_gb']:.2f} "
            f"| {step} | {equal:,} |"
        )
        before = size, ours["core"]


def many_ranks(size: int) -> Iterator[str]:
    """Yield a table for nine ranks up to 5000 in one pass, compared with argpartition."""
    embeddings, videos = embed(size, "ordinary")
    ours = ours_in_a_process(embeddings, videos, RANKS)
    rows = sample_of_videos(videos, 200)
    found, core, _ = timed(NumpyPeer(embeddings, videos, "argpartition", RANKS[-1]), rows)
    total = core / len(rows) * size
    equal = (found[:, np.array(RANKS) - 1] == ours["index"][rows]).mean()
    yield f"| ranks {', '.join(map(str, RANKS))} at N = {size:,} | core-seconds | times ours |"
    yield "| --- | --- | --- |"
    yield f"| **ours** (`exact`) | {ours['core']:.1f} | 1 |"
    yield f"| NumPy row + mask + argpartition + sort | {total:.0f} | {total / ours['core']:.1f} |"
    yield ""
    yield f"* ours: {ours['wall']:.1f} s wall, {ours['peak_gb']:.2f} GB peak RSS"
    yield f"* {equal:.3%} of the peer's answers are equal to ours (others: float32 ties)"


def exactness(size: int) -> Iterator[str]:
    """Yield a table of the exact engines against float64 brute force on three pools."""
    yield f"| N = {size:,}, all queries, Top-1 and Top-2 | " + " | ".join(FOOTAGE) + " |"
    yield "| --- " * (len(FOOTAGE) + 1) + "|"
    pools = {footage: embed(size, footage) for footage in FOOTAGE}
    rows, ranks = np.arange(size), np.array([1, 2])
    truth = {name: brute_force_in_other_groups(*pool, rows, ranks) for name, pool in pools.items()}
    for engine in sorted(EXACT_ENGINES):
        for threads in (1, 2):
            for shards in (1, 7):
                cells = [
                    _equal_rows(engine, pool, threads, shards, truth[name])
                    for name, pool in pools.items()
                ]
                part = "whole" if shards == 1 else f"{shards} shards"
                yield f"| `{engine}`, threads: {threads}, {part} | {' | '.join(cells)} |"


def _equal_rows(engine: str, pool: tuple, threads: int, shards: int, truth: tuple) -> str:
    """Return how many queries have the same rows and distances as brute force."""
    import faiss
    import torch

    torch.set_num_threads(threads)
    faiss.omp_set_num_threads(threads)
    options = {"num_threads": threads} if engine == "exact" else {}
    searcher, ranks = build_engine(engine, *pool, **options), np.array([1, 2])
    parts = [
        searcher.search(rows, ranks) for rows in np.array_split(np.arange(len(pool[1])), shards)
    ]
    index, distance = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    equal = ((index == truth[0]) & (distance == truth[1])).all(axis=1).sum()
    return f"{equal:,} equal" if equal == len(index) else f"**{equal:,} of {len(index):,}**"


def gpu(size: int, peak_tflops: float) -> Iterator[str]:
    """Yield a comparison of the torch engine on a GPU with the compiled engine."""
    name = gpu_name()
    embeddings, videos = embed(size, "ordinary")
    ours = ours_in_a_process(embeddings, videos, [1])
    build_engine("torch", embeddings[:5000], videos[:5000]).search(np.arange(5000), np.array([1]))
    engine, _, build_wall = timed(lambda: build_engine("torch", embeddings, videos))
    (index, _), _, wall = timed(engine.search, np.arange(size), np.array([1]))
    share = 2 * embeddings.shape[1] * size**2 / wall / (peak_tflops * 1e12)
    yield f"`torch` on {name}, N = {size:,}, Top-1: {wall:.1f} s after"
    yield f"{build_wall:.1f} s of building; as many products as brute force would be {share:.0%} of"
    yield f"the float32 peak ({peak_tflops:g} TFLOP/s)."
    equal = int((index == ours["index"]).sum())
    yield f"{equal:,} rows are equal to the compiled engine's ({ours['wall']:.1f} s on the CPU)."


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[50_000, 100_000, 400_000, 2_000_000]
    )
    parser.add_argument(
        "--growth-sizes", type=int, nargs="+", default=[1_000_000, 2_000_000, 4_000_000]
    )
    parser.add_argument(
        "--growth-queries", type=int, default=100, help="queries to check by brute force"
    )
    parser.add_argument("--ranks-size", type=int, default=100_000)
    parser.add_argument("--exact-size", type=int, default=50_000)
    parser.add_argument("--peak-tflops", type=float, default=67.0, help="float32 peak of the GPU")
    parser.add_argument("--mine", help=argparse.SUPPRESS)
    parser.add_argument("--ranks", type=int, nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.mine:
        mine(args.mine, args.ranks)
    else:
        run_parts("mining", PARTS, args)


PARTS = {
    "speed": lambda args: speed(args.sizes),
    "growth": lambda args: growth(args.growth_sizes, args.growth_queries),
    "ranks": lambda args: many_ranks(args.ranks_size),
    "exactness": lambda args: exactness(args.exact_size),
    "gpu": lambda args: gpu(args.sizes[-1], args.peak_tflops),
}

if __name__ == "__main__":
    main()
