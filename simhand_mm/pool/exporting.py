"""Pools in the formats of other programs: COCO keypoints, parquet for Hugging Face, WebDataset.

The images are the crops of the pool, so all hands look like right hands, and keypoints are in
pixels of the crop. Axes: N hands of the pool.
"""

import io
import json
import math
import tarfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.functional.boxes import clip_box, keypoints_to_box
from simhand_mm.functional.keypoints import KEYPOINT_NAMES, SKELETON
from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.pairs import load_pairs
from simhand_mm.pool.reader import HandPool
from simhand_mm.pool.schema import HANDS

ExportFormat = Literal["coco", "huggingface", "webdataset"]

COCO_ANNOTATIONS = "annotations/person_keypoints_default.json"  # the name that CVAT expects
COCO_IMAGES = "images/default"
_HANDS_PER_FILE = 10_000  # parquet files, tar files
_HANDS_PER_ROW_GROUP = 500
_IMAGES_PER_FOLDER = 1000
_ARRAYS = ("bbox_xyxy", "keypoints_2d", "keypoint_score")
_LABELLED, _VISIBLE = 1, 2  # flags of COCO


def export_pool(
    pool: HandPool, output: str | Path, to: ExportFormat, pairs: Sequence[str] = ()
) -> None:
    """Write a pool for other programs; docs/data_format.md describes the files.

    Args:
        pool: The pool.
        output: Folder to write; must not exist, or be empty.
        to: ``coco`` for mmpose, FiftyOne and CVAT; ``huggingface`` for
            ``datasets.load_dataset(output)``; ``webdataset`` for tar files.
        pairs: Names of mined pairs whose positives are written too. COCO has no place for them.

    Raises:
        ValueError: If the format is not known, pairs are given for COCO, or they are not of this
            pool.
        FileExistsError: If the folder has content, also that of an export that was interrupted.
        FileNotFoundError: If the pairs do not exist.
    """
    if to not in get_args(ExportFormat):
        raise ValueError(f"to must be one of {get_args(ExportFormat)}, but got {to!r}.")
    if pairs and to == "coco":
        raise ValueError(
            f"pairs must not be given for coco, which has no place for them, but got {pairs}. "
            "Export to huggingface or webdataset."
        )
    if Path(output).exists() and any(Path(output).iterdir()):
        raise FileExistsError(
            f"output must be a new or empty folder, but {output} has content. Choose another "
            "folder, or delete this one."
        )
    samples = _Samples(pool, pairs)
    writers: dict[str, Callable[[_Samples, Path], None]] = {
        "coco": _write_coco,
        "huggingface": _write_huggingface,
        "webdataset": _write_webdataset,
    }
    writers[to](samples, Path(output))


class _Samples:
    """Everything that is known about each hand, as Python values."""

    def __init__(self, pool: HandPool, pairs: Sequence[str]) -> None:
        self.pool = pool
        names = [name for name in HANDS.names if name not in (*_ARRAYS, "keypoints_3d", "shard")]
        self.columns = [*names, *pool.extra_columns]
        self._values = {name: pool.values(name) for name in self.columns}
        self.pairs = {name: load_pairs(pool.root, name, pool) for name in pairs}

    def of(self, rows: range) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row with its columns; numbers that are missing are None."""
        blocks = {
            name: self._values[name][rows.start : rows.stop].tolist() for name in self.columns
        }
        for position, row in enumerate(rows):
            values = {name: block[position] for name, block in blocks.items()}
            yield (
                row,
                {
                    name: None if isinstance(value, float) and math.isnan(value) else value
                    for name, value in values.items()
                },
            )

    def arrays(self, row: int) -> dict[str, list | None]:
        """The columns with several numbers; ``keypoints_3d`` may be None."""
        hand = self.pool.read_keypoints_3d(row)
        return {
            **{name: getattr(self.pool, name)[row].tolist() for name in _ARRAYS},
            "keypoints_3d": None if hand is None else hand.tolist(),
        }

    def blocks(self, num_hands: int) -> Iterator[range]:
        """All rows, some at a time; one empty block for an empty pool."""
        for start in range(0, max(len(self.pool), 1), num_hands):
            yield range(start, min(start + num_hands, len(self.pool)))


def _write_coco(samples: _Samples, folder: Path) -> None:
    """Images, and one JSON that is written hand by hand, because pools are large."""
    size = samples.pool.crop_size
    skeleton = [[parent + 1, child + 1] for parent, child in SKELETON]  # counted from 1
    category = {
        "id": 1,
        "name": "hand",
        "supercategory": "hand",
        "keypoints": list(KEYPOINT_NAMES),
        "skeleton": skeleton,
    }
    with (
        atomic_path(folder / COCO_ANNOTATIONS) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        file.write(
            f'{{"info": {{"description": "hand pool"}}, "categories": {json.dumps([category])}'
        )
        file.write(',\n"images": [')
        for row, values in samples.of(range(len(samples.pool))):
            name = f"{row // _IMAGES_PER_FOLDER:05d}/{row:08d}.jpg"
            target = folder / COCO_IMAGES / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(samples.pool.read_crop(row))
            image = {"id": row + 1, "file_name": name, "width": size, "height": size, **values}
            file.write(f"{',' if row else ''}\n{json.dumps(image)}")
        file.write('],\n"annotations": [')
        for row, values in samples.of(range(len(samples.pool))):
            annotation = _coco_annotation(samples.pool, row, values)
            file.write(f"{',' if row else ''}\n{json.dumps(annotation)}")
        file.write("]}\n")


def _coco_annotation(pool: HandPool, row: int, values: dict[str, Any]) -> dict[str, Any]:
    points = pool.keypoints_2d[row]
    size = pool.crop_size
    is_inside = ((points >= -0.5) & (points < size - 0.5)).all(-1)
    flags = np.where(is_inside, _VISIBLE, _LABELLED)
    x1, y1, x2, y2 = clip_box(keypoints_to_box(points), (size, size)).tolist()
    attributes = {name: values[name] for name in ("handedness", "is_mirrored", "bbox_score")}
    attributes |= {name: values[name] for name in pool.extra_columns}
    return {
        "id": row + 1,
        "image_id": row + 1,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "keypoints": np.column_stack([points, flags]).ravel().tolist(),
        "num_keypoints": len(points),
        "segmentation": [],  # readers warn without it
        "attributes": attributes,
    }


def _write_huggingface(samples: _Samples, folder: Path) -> None:
    schema = _huggingface_schema(samples)
    blocks = list(samples.blocks(_HANDS_PER_FILE))
    for number, block in enumerate(blocks):
        path = folder / "data" / f"train-{number:05d}-of-{len(blocks):05d}.parquet"
        with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
            for start in range(block.start, block.stop, _HANDS_PER_ROW_GROUP):
                rows = range(start, min(start + _HANDS_PER_ROW_GROUP, block.stop))
                records = [_huggingface_record(samples, *each) for each in samples.of(rows)]
                writer.write_table(pa.Table.from_pylist(records, schema=schema))


def _huggingface_record(samples: _Samples, row: int, values: dict[str, Any]) -> dict[str, Any]:
    record = {
        "image": {"bytes": samples.pool.read_crop(row), "path": f"{row:08d}.jpg"},
        **values,
        **samples.arrays(row),
    }
    for name, pairs in samples.pairs.items():
        record[f"{name}_index"] = pairs.positive_index[row].tolist()
        record[f"{name}_distance"] = pairs.distance[row].tolist()
    return record


def _huggingface_schema(samples: _Samples) -> pa.Schema:
    """Columns with the types that the library ``datasets`` reads from the metadata of the file."""
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    numbers = pa.list_(pa.float32())
    fields = [pa.field("image", image)]
    fields += [HANDS.field(name) if name in HANDS.names else pa.field(name, pa.string())
               for name in samples.columns]  # fmt: skip
    fields += [pa.field("bbox_xyxy", numbers), pa.field("keypoints_2d", pa.list_(numbers)),
               pa.field("keypoint_score", numbers),
               pa.field("keypoints_3d", pa.list_(numbers))]  # fmt: skip
    for name in samples.pairs:
        fields += [pa.field(f"{name}_index", pa.list_(pa.int32())),
                   pa.field(f"{name}_distance", numbers)]  # fmt: skip
    features = {field.name: _feature(field.type) for field in fields}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(fields, metadata=metadata)


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """How ``datasets`` describes a type of Arrow."""
    if pa.types.is_struct(kind):
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "Sequence"}
    name = {"double": "float64", "float": "float32"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}


def _write_webdataset(samples: _Samples, folder: Path) -> None:
    for number, block in enumerate(samples.blocks(_HANDS_PER_FILE)):
        path = folder / f"hands-{number:06d}.tar"
        with atomic_path(path) as temporary, tarfile.open(temporary, "w", encoding="utf-8") as tar:
            add = partial(_add_to_tar, tar)
            for row, values in samples.of(block):
                record = {**values, **samples.arrays(row), **_positives(samples, row)}
                add(f"{row:08d}.jpg", samples.pool.read_crop(row))
                add(f"{row:08d}.json", json.dumps(record).encode())


def _positives(samples: _Samples, row: int) -> dict[str, Any]:
    """IDs of the positives of a hand, because a stream of samples has no rows; None for none."""
    found: dict[str, Any] = {}
    for name, pairs in samples.pairs.items():
        rows, distances = pairs.positive_index[row].tolist(), pairs.distance[row].tolist()
        found[f"{name}_hand_id"] = [samples.pool.hand_id(r) if r >= 0 else None for r in rows]
        found[f"{name}_distance"] = [d if math.isfinite(d) else None for d in distances]
    return found


def _add_to_tar(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """With neither owner nor time, so that a pool always gives the same bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
