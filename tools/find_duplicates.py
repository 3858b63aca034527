"""Find footage that several videos of a pool share, and group these videos for mining.

    simhand find-duplicates data/pool -o duplicates.csv
    simhand mine data/pool --group-by duplicates.csv

Copies are found even if they are re-encoded, scaled, cut, mirrored or have overlays.
"""

import logging
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from simhand_mm.cli import run
from simhand_mm.executors import LocalExecutor, usable_cores
from simhand_mm.mining.duplicate_hands import (
    DuplicateHands,
    DuplicateSettings,
    find_duplicate_hands,
)
from simhand_mm.mining.perceptual_hashing import hash_pool
from simhand_mm.mining.shared_footage import (
    SharedFootage,
    find_shared_footage,
    group_table,
    summarize_duplicates,
)
from simhand_mm.options import Csv, Out, Pool
from simhand_mm.pool import HandPool
from simhand_mm.pool.files import write_text
from simhand_mm.pool.parquet_tables import write_table
from simhand_mm.visualization.duplicates_report import write_duplicates_report


def main(
    pool_dir: Pool,
    /,
    settings: DuplicateSettings,
    workers: int = 0,
    out: Annotated[Out, Csv] = Path("duplicates.csv"),
) -> None:
    """Search the pool, write a table, an HTML report and the pairs, and print a summary.

    Args:
        pool_dir: Pool folder. The hashes of its crops are stored in it.
        settings: Thresholds for near-duplicate hands and shared footage.
        workers: Number of processes that hash crops; 0 runs in this process.
        out: CSV file to write, for simhand mine --group-by. The report is written with the same
            name as .html, and the pairs of hands as .parquet.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pool = HandPool(pool_dir)
    hashes = hash_pool(pool, LocalExecutor(workers))
    hands = find_duplicate_hands(pool, hashes, settings, usable_cores())
    footage = find_shared_footage(pool, hands, settings)
    _write_tables(pool, hands, footage, out)
    summary = summarize_duplicates(pool, hands, footage)
    write_duplicates_report(
        pool,
        out.with_suffix(".html"),
        (hands.rows, hands.distance, hands.is_mirrored),
        (footage.videos, footage.num_frames, footage.offset_s),
        summary,
    )
    print("\n".join(f"{name:<42} {value}" for name, value in summary))
    print(f"\nReport: {out.with_suffix('.html')}")
    if len(footage.videos):
        print(f"To mine without pairs of shared footage: simhand mine {pool_dir} --group-by {out}")


def _write_tables(pool: HandPool, hands: DuplicateHands, footage: SharedFootage, out: Path) -> None:
    write_text(out, group_table(pool, footage))
    ids = [np.array([pool.hand_id(int(row)) for row in rows], str) for rows in hands.rows.T]
    columns = {"hand_id": ids[0], "duplicate_id": ids[1]}
    columns |= {"distance": hands.distance, "is_mirrored": hands.is_mirrored}
    write_table(out.with_suffix(".parquet"), pa.table(columns))


if __name__ == "__main__":
    run(main, __doc__)
