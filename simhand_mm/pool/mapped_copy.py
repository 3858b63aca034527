"""``hands.arrow``: the uncompressed copy of ``hands.parquet`` that processes map into memory."""

import hashlib
from pathlib import Path

import pyarrow as pa

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.schema import column_to_array


def fingerprint_of(table: pa.Table) -> str:
    """Hash over hand ids and keypoints, the same however the table was chunked."""
    digest = hashlib.sha256()
    for start in range(0, len(table), 65536):
        part = table.slice(start, 65536)
        digest.update("\n".join(part["hand_id"].to_pylist()).encode())
        digest.update(column_to_array(part["keypoints_2d"], "keypoints_2d").tobytes())
    return digest.hexdigest()


def write_arrow(path: Path, table: pa.Table, fingerprint: str) -> None:
    """Write the memory-mappable copy as one record batch, so that columns are contiguous."""
    table = coded(table)
    schema = table.schema.with_metadata({"fingerprint": fingerprint})
    with atomic_path(path) as temporary, pa.OSFile(str(temporary), "wb") as sink:
        with pa.ipc.new_file(sink, schema) as writer:
            writer.write_table(table.cast(schema), max_chunksize=max(len(table), 1))


def coded(table: pa.Table) -> pa.Table:
    """Dictionary-encode text with few distinct values, so that it is mapped and not copied."""
    for position, field in enumerate(table.schema):
        if field.name != "hand_id" and pa.types.is_string(field.type):
            codes = table[field.name].dictionary_encode()
            table = table.set_column(position, field.name, codes)
    ids = table["hand_id"].cast(pa.large_string())  # of many hands, together more than 2 GB
    return table.set_column(table.column_names.index("hand_id"), "hand_id", ids).combine_chunks()


def is_current(path: Path, fingerprint: str, columns: list[str]) -> bool:
    """Whether the copy exists, is complete, and has the hands and columns of the table."""
    if not path.is_file():
        return False
    try:
        schema = pa.ipc.open_file(pa.memory_map(str(path))).schema
    except (pa.ArrowInvalid, OSError):  # cut off: the index is at the end of the file
        return False
    is_same = (schema.metadata or {}).get(b"fingerprint") == fingerprint.encode()
    return is_same and schema.names == columns
