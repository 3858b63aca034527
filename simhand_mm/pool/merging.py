"""Merging finished parts into the tables and crops of a pool."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool.crops import HANDS_PER_SHARD, shard_path, write_shard
from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.parts import PartEntry, read_drops, read_hands
from simhand_mm.pool.schema import DROPS

_DROPS_PER_ROW_GROUP = 1 << 20


def merge_parts(root: Path, entries: Sequence[PartEntry], schema: pa.Schema) -> Counter[str]:
    """Write hands, crops and drops, with at most one shard in memory.

    Args:
        root: Folder of the pool.
        entries: What the parts hold, in the order in which the rows are written.
        schema: Columns of ``hands.parquet``.

    Returns:
        Number of drops per reason.

    Raises:
        OSError: If the disk is full or read-only.
    """
    num_drops: Counter[str] = Counter()
    with ExitStack() as stack:
        crops_dir = stack.enter_context(atomic_path(root / "crops"))
        crops_dir.mkdir()
        table = _new_table(stack, root / "hands.parquet", schema)
        for shard, hands in enumerate(_gathered(read_hands(entries, schema), HANDS_PER_SHARD)):
            write_shard(shard_path(crops_dir, shard), hands["hand_id"], hands["crop"])
            column = pa.array(np.full(len(hands), shard, np.int32))
            hands = hands.drop_columns("crop").append_column("shard", column)
            table.write_table(hands.select(schema.names))
        table = _new_table(stack, root / "drops.parquet", DROPS)
        for drops in _gathered(read_drops(entries), _DROPS_PER_ROW_GROUP):
            num_drops.update(drops["reason"].to_pylist())
            table.write_table(drops)
    return num_drops


def _new_table(stack: ExitStack, path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    temporary = stack.enter_context(atomic_path(path))
    return stack.enter_context(pq.ParquetWriter(temporary, schema, compression="zstd"))


def _gathered(tables: Iterator[pa.Table], num_rows: int) -> Iterator[pa.Table]:
    """Concatenate tables until they have at least ``num_rows`` rows."""
    waiting: list[pa.Table] = []
    num_waiting = 0
    for table in tables:
        waiting.append(table)
        num_waiting += len(table)
        if num_waiting >= num_rows:
            yield pa.concat_tables(waiting)
            waiting, num_waiting = [], 0
    if num_waiting:
        yield pa.concat_tables(waiting)
