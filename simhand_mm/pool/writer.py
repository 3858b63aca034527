"""Writing a hand pool: one atomic part a video, merged by ``finalize``."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool.crops import HANDS_PER_SHARD, shard_path, write_shard
from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.reader import fingerprint_of, write_arrow
from simhand_mm.pool.schema import DROPS, FORMAT_VERSION, HANDS, ROW_SHAPES, DropRecord, HandRecord

_PART = HANDS.remove(HANDS.get_field_index("shard")).append(pa.field("crop", pa.binary()))


class PoolWriter:
    """Collects videos into a pool folder; any number of processes may write different videos.

    A video is one file ``parts/<hash>.arrow``, written to a temporary name and renamed: it is
    there as a whole or not at all, so a killed run continues where it stopped. ``finalize`` merges
    the parts in the order of their video ids; the result does not depend on who wrote them when.

    Args:
        root: The pool folder.
        settings: What the crops were made with (``crop_size``, scales, producer, versions...).
            JSON-like; the same for all parts of a pool.

    Raises:
        ValueError: If the folder was begun with other settings.
    """

    def __init__(self, root: str | Path, settings: dict[str, Any]) -> None:
        self.root = Path(root)
        self.settings = settings
        path = self.root / "settings.json"
        if path.is_file():
            begun = json.loads(path.read_text())
            changed = {
                key: (begun.get(key), settings.get(key))
                for key in sorted(begun.keys() | settings.keys())
                if begun.get(key) != settings.get(key)
            }
            if changed:
                raise ValueError(
                    f"settings must be those that {self.root} was begun with, but these differ "
                    f"(before, now): {changed}. Use another output folder or the old settings."
                )
        else:
            with atomic_path(path) as temporary:
                temporary.write_text(json.dumps(settings, indent=2, sort_keys=True))

    def part_path(self, video_id: str) -> Path:
        """File that holds a finished video."""
        name = hashlib.sha256(video_id.encode()).hexdigest()[:24]
        return self.root / "parts" / f"{name}.arrow"

    def is_done(self, video_id: str) -> bool:
        """Whether a video was written."""
        return self.part_path(video_id).is_file()

    def write_video(
        self, video_id: str, hands: list[HandRecord], drops: list[DropRecord] = ()
    ) -> None:
        """Write all hands of a video, and what was left out of it, at once."""
        hands = sorted(hands, key=lambda hand: (hand.frame_index, hand.hand_id))
        columns = {name: [_value(hand, name) for hand in hands] for name in _PART.names}
        left_out = json.dumps([vars(drop) for drop in drops])
        schema = _PART.with_metadata({"video_id": video_id, "drops": left_out})
        with atomic_path(self.part_path(video_id)) as temporary:
            with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                writer.write_table(pa.table(columns, schema=schema))

    def finalize(self) -> dict[str, Any]:
        """Merge the parts into the pool's files; returns the content of ``pool.json``."""
        (self.root / "pool.json").unlink(missing_ok=True)  # unfinished until written again, last
        tables, drops = [], []
        crops_dir = self.root / "crops"
        with atomic_path(crops_dir) as temporary:
            temporary.mkdir()
            for shard, chunk in enumerate(self._shards()):
                write_shard(
                    shard_path(temporary, shard),
                    dict(zip(chunk["hand_id"].to_pylist(), chunk["crop"].to_pylist(), strict=True)),
                )
                column = pa.array(np.full(len(chunk), shard, np.int32))
                tables.append(chunk.drop_columns("crop").append_column("shard", column))
            for part in self._parts():
                drops += json.loads(part.schema.metadata[b"drops"])
        hands = pa.concat_tables(tables).cast(HANDS) if tables else HANDS.empty_table()
        for name, table in (("hands", hands), ("drops", pa.Table.from_pylist(drops, schema=DROPS))):
            with atomic_path(self.root / f"{name}.parquet") as temporary:
                pq.write_table(table, temporary, compression="zstd")
        info = self._info(hands, drops)
        write_arrow(self.root / "hands.arrow", hands, info["fingerprint"])
        with atomic_path(self.root / "pool.json") as temporary:
            temporary.write_text(json.dumps(info, indent=2, sort_keys=True))
        return info

    def remove_parts(self) -> None:
        """Free the disk space of the parts; videos cannot be added afterwards."""
        shutil.rmtree(self.root / "parts", ignore_errors=True)

    def _info(self, hands: pa.Table, drops: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "num_hands": len(hands),
            "num_videos": len(hands["video_id"].unique()),
            "num_drops": dict(sorted(Counter(drop["reason"] for drop in drops).items())),
            "fingerprint": fingerprint_of(hands),
            **self.settings,
        }

    def _parts(self) -> Iterator[pa.Table]:
        """The parts in the order of their video ids, mapped one at a time."""
        paths = {}
        for path in (self.root / "parts").glob("*.arrow"):
            with pa.memory_map(str(path)) as source:
                paths[pa.ipc.open_file(source).schema.metadata[b"video_id"]] = path
        for video_id in sorted(paths):
            with pa.memory_map(str(paths[video_id])) as source:
                yield pa.ipc.open_file(source).read_all()

    def _shards(self) -> Iterator[pa.Table]:
        """Whole videos, gathered until a shard is full."""
        waiting: list[pa.Table] = []
        for part in self._parts():
            if len(part):
                waiting.append(part.replace_schema_metadata(None))
            if sum(map(len, waiting)) >= HANDS_PER_SHARD:
                yield pa.concat_tables(waiting)
                waiting = []
        if waiting:
            yield pa.concat_tables(waiting)


def _value(hand: HandRecord, name: str) -> Any:
    value = getattr(hand, name)
    if name not in ROW_SHAPES:
        return value
    array = np.asarray(value, dtype=np.float32)
    if array.shape != ROW_SHAPES[name]:
        raise ValueError(
            f"{name} must have shape {ROW_SHAPES[name]}, but got {array.shape} in hand "
            f"{hand.hand_id!r}. Correct the estimator."
        )
    return array.ravel()
