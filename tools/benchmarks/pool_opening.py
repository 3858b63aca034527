"""Opening a pool of two million hands, beside mmengine's BaseDataset over the same records.

Each measurement is a process of its own: seconds until every column was opened and a thousand rows
were read at random, and the memory that the process cannot share (pages that it has written; those
of mapped files are shared by all processes that read the pool).
"""

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool import HandPool
from simhand_mm.pool.reader import fingerprint_of, write_arrow
from simhand_mm.pool.schema import FORMAT_VERSION, HANDS

_HANDS_PER_VIDEO = 70
_COLUMNS = (
    *("video_index", "source_index", "handedness_index", "frame_index", "time_s", "is_mirrored"),
    *("bbox_xyxy", "bbox_score", "keypoints_2d", "keypoint_score", "shard"),
)


def make_rows(start: int, stop: int) -> pa.Table:
    """Random hands without crops."""
    rng = np.random.default_rng(start)
    number = np.arange(start, stop)
    count = len(number)

    def lists(width: int, high: float) -> pa.Array:
        values = rng.random(count * width, np.float32) * np.float32(high)
        return pa.FixedSizeListArray.from_arrays(values, width)

    videos = [f"video_{n // _HANDS_PER_VIDEO:06d}" for n in number]
    frames = number % _HANDS_PER_VIDEO
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
        "shard": (number // 20_000).astype(np.int32),
    }
    return pa.table(columns, schema=HANDS)


def make_pool(root: Path, num_hands: int) -> None:
    """A finished pool of random hands."""
    step = 100_000
    with pq.ParquetWriter(root / "hands.parquet", HANDS, compression="zstd") as file:
        for start in range(0, num_hands, step):
            file.write_table(make_rows(start, min(start + step, num_hands)))
    table = pq.read_table(root / "hands.parquet", schema=HANDS)
    fingerprint = fingerprint_of(table)
    write_arrow(root / "hands.arrow", table, fingerprint)
    info = {"format_version": FORMAT_VERSION, "num_hands": num_hands, "crop_size": 224}
    (root / "pool.json").write_text(json.dumps({**info, "fingerprint": fingerprint}))


def open_pool(root: Path) -> Any:
    """Ours: open every column and read some rows."""
    pool = HandPool(root)
    columns = [getattr(pool, name) for name in _COLUMNS]
    rows = np.random.default_rng(0).integers(0, len(pool), 1000)
    return pool, [column[row].sum() for column in columns for row in rows]


def open_base_dataset(root: Path) -> Any:
    """The peer: the same records as dicts, serialised as mmengine does."""
    from mmengine.dataset import BaseDataset

    class Hands(BaseDataset):
        def load_data_list(self) -> list[dict[str, Any]]:
            return pq.read_table(root / "hands.parquet").to_pylist()

    dataset = Hands()
    rows = np.random.default_rng(0).integers(0, len(dataset), 1000)
    return dataset, [dataset.get_data_info(int(row)) for row in rows]


def measure(work: Callable[[Path], Any], root: Path, pipe: Any) -> None:
    """Send seconds and unshared MB of this process."""
    begun = time.perf_counter()
    kept = work(root)
    seconds = time.perf_counter() - begun
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    private = sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))
    pipe.send((seconds, private / 1024))
    del kept


def in_process(work: Callable[[Path], Any], root: Path) -> tuple[float, float]:
    """Measure in a new process."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=measure, args=(work, root, far))
    process.start()
    result = near.recv()
    process.join()
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hands", type=int, default=2_000_000)
    parser.add_argument("--peer-hands", type=int, default=200_000, help="the peer needs memory")
    args = parser.parse_args()
    for name, work, count in (
        ("hand pool", open_pool, args.hands),
        ("BaseDataset", open_base_dataset, args.peer_hands),
    ):
        with tempfile.TemporaryDirectory() as folder:
            make_pool(Path(folder), count)
            seconds, megabytes = in_process(work, Path(folder))
        print(f"{name}, {count:,} hands: {seconds:.2f} s, {megabytes:.0f} MB unshared")


if __name__ == "__main__":
    main()
