"""Opening a pool of two million hands, compared with BaseDataset of mmengine on the same records.

    python tools/benchmarks/pool_opening.py --write docs/performance.md

The rows are random, without crops. Everything is measured in new processes: the time to open all
columns and read a thousand random rows, and the unshared memory (USS) while a second process has
the same data open, as workers of a data loader do.
"""

import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from parts import parts_parser, run_parts

from simhand_mm.pool import HandPool
from simhand_mm.pool.mapped_copy import fingerprint_of, write_arrow
from simhand_mm.pool.schema import FORMAT_VERSION, HANDS, ROW_SHAPES, column_to_array

HANDS_PER_VIDEO = 70
HANDS_PER_BLOCK = 100_000
Work = Callable[[Path, int], tuple[Any, float]]
COLUMNS = (
    "video_index", "source_index", "handedness_index", "frame_index", "time_s", "is_mirrored",
    "bbox_xyxy", "bbox_score", "keypoints_2d", "keypoint_score", "shard",
)  # fmt: skip


def make_rows(start: int, stop: int) -> pa.Table:
    """Make random hands without crops."""
    rng = np.random.default_rng(start)
    number = np.arange(start, stop)
    count = len(number)

    def lists(width: int, high: float) -> pa.Array:
        values = rng.random(count * width, np.float32) * np.float32(high)
        return pa.FixedSizeListArray.from_arrays(values, width)

    videos = [f"video_{n // HANDS_PER_VIDEO:06d}" for n in number]
    frames = number % HANDS_PER_VIDEO
    left = rng.random(count) < 0.5
    columns = {
        "hand_id": [f"{v}/{f:06d}/0" for v, f in zip(videos, frames, strict=True)],
        "video_id": videos,
        "source": ["synthetic"] * count,
        "frame_index": frames,
        "time_s": frames.astype(np.float64),
        "handedness": np.where(left, "left", "right"),
        "is_mirrored": left,
        "bbox_xyxy": lists(4, 640),
        "bbox_score": rng.random(count, np.float32),
        "keypoints_2d": lists(42, 224),
        "keypoint_score": lists(21, 1),
        "sharpness": rng.random(count, np.float32),
        "brightness": rng.random(count, np.float32),
        "keypoints_3d": pa.nulls(count, HANDS.field("keypoints_3d").type),
        "shard": (number // 20_000).astype(np.int32),
    }
    return pa.table(columns, schema=HANDS)


def make_pool(root: Path, num_hands: int) -> None:
    """Write a finished pool of random hands."""
    with pq.ParquetWriter(root / "hands.parquet", HANDS, compression="zstd") as file:
        for start in range(0, num_hands, HANDS_PER_BLOCK):
            file.write_table(make_rows(start, min(start + HANDS_PER_BLOCK, num_hands)))
    table = pq.read_table(root / "hands.parquet", schema=HANDS)
    fingerprint = fingerprint_of(table)
    write_arrow(root / "hands.arrow", table, fingerprint)
    info = {"format_version": FORMAT_VERSION, "num_hands": num_hands, "crop_size": 224}
    (root / "pool.json").write_text(
        json.dumps({**info, "fingerprint": fingerprint}), encoding="utf-8"
    )


def open_pool(root: Path, seed: int) -> tuple[Any, float]:
    """Ours: open all columns and read some rows; return the opened object and the seconds."""
    start = time.perf_counter()
    pool = HandPool(root)
    columns = [getattr(pool, name) for name in COLUMNS]
    rows = np.random.default_rng(seed).integers(0, len(pool), 1000)
    sums = [column[row].sum() for column in columns for row in rows]
    return (pool, sums), time.perf_counter() - start


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield one dict per hand, with arrays, as in mmpose."""
    for block in pq.ParquetFile(path).iter_batches(HANDS_PER_BLOCK):
        columns = {
            name: column_to_array(pa.chunked_array([block[name]]), name)
            if name in ROW_SHAPES
            else block[name].to_pylist()
            for name in HANDS.names
            if name != "keypoints_3d"  # there is none
        }
        for row in zip(*columns.values(), strict=True):
            yield dict(zip(columns, row, strict=True))


def open_base_dataset(root: Path, seed: int) -> tuple[Any, float]:
    """The peer: build the data set, which serialises its records, and read some rows."""
    from mmengine.dataset import BaseDataset  # here, so that only the peer loads it

    class Hands(BaseDataset):
        def load_data_list(self) -> list[dict[str, Any]]:
            return list(read_records(root / "hands.parquet"))

    start = time.perf_counter()
    dataset = Hands()
    rows = np.random.default_rng(seed).integers(0, len(dataset), 1000)
    records = [dataset.get_data_info(int(row)) for row in rows]
    return (dataset, records), time.perf_counter() - start


def unshared_mb() -> float:
    """Return the USS of this process in MB: pages that no other process maps."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def measure(work: Work, root: Path, seed: int, pipe: Connection) -> None:
    """Open and send the seconds; when all processes have opened, send the unshared MB."""
    kept, seconds = work(root, seed)
    pipe.send(seconds)
    pipe.recv()
    pipe.send(unshared_mb())
    pipe.recv()
    del kept


def in_two_processes(work: Work, root: Path) -> np.ndarray:
    """Return seconds and unshared MB ``[2]``: the maximum over two new processes."""
    context = multiprocessing.get_context("spawn")
    pipes, processes, seconds = [], [], []
    for seed in range(2):
        near, far = context.Pipe()
        processes.append(context.Process(target=measure, args=(work, root, seed, far)))
        processes[-1].start()
        far.close()
        pipes.append(near)
        seconds.append(near.recv())
    for pipe in pipes:
        pipe.send("all have opened")
    unshared = [pipe.recv() for pipe in pipes]
    for pipe, process in zip(pipes, processes, strict=True):
        pipe.send("end")
        process.join()
    return np.array([max(seconds), max(unshared)])


def figures(work: Work, num_hands: int) -> np.ndarray:
    """Return seconds and unshared MB ``[2]`` for a pool of random hands."""
    with tempfile.TemporaryDirectory() as folder:
        make_pool(Path(folder), num_hands)
        return in_two_processes(work, Path(folder))


def opening(num_hands: int, num_peer_hands: int) -> Iterator[str]:
    """Yield a table: ours on all hands, the peer on some and extrapolated."""
    ours, peer = figures(open_pool, num_hands), figures(open_base_dataset, num_peer_hands)
    imports = figures(open_base_dataset, 1)[1]
    yield "| opening and 1000 random rows | seconds | unshared MB per process |"
    yield "| --- | --- | --- |"
    yield f"| **ours** (`HandPool`), {num_hands:,} hands | {ours[0]:.2f} | {ours[1]:,.0f} |"
    name = "`BaseDataset`, one dict per hand"
    yield f"| {name}, {num_peer_hands:,} hands | {peer[0]:.1f} | {peer[1]:,.0f} |"
    if num_peer_hands < num_hands:
        seconds, unshared = (peer - [0, imports]) * num_hands / num_peer_hands + [0, imports]
        yield f"| {name}, extrapolated to {num_hands:,} | {seconds:.0f} | {unshared:,.0f} |"
    yield ""
    yield f"* of the peer's memory, {imports:.0f} MB are its imports; their time is not counted"


PARTS = {"opening": lambda args: opening(args.hands, args.peer_hands)}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--hands", type=int, default=2_000_000)
    parser.add_argument(
        "--peer-hands",
        type=int,
        default=200_000,
        help="number of hands for the peer, which needs much memory",
    )
    run_parts("pool_opening", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
