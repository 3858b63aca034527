"""Reading a hand pool: memory-mapped columns and JPEG crops."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simhand_mm.pool.crops import CropReader
from simhand_mm.pool.files import explaining_damage, read_json
from simhand_mm.pool.mapped_copy import coded, is_current, write_arrow
from simhand_mm.pool.schema import FORMAT_VERSION, HANDS, column_to_array

_ADVICE = "Copy the pool again, or run simhand prepare again."


class HandPool:
    """A finished pool folder.

    ``hands.arrow`` is an uncompressed copy of ``hands.parquet``, which processes share through the
    page cache. It is written on first use if the folder is writable. Instances can be pickled: each
    worker maps the same files.

    Args:
        root: The pool folder.

    Raises:
        FileNotFoundError: If the folder does not contain a finished pool.
        ValueError: If the pool was written in another format version, or a file is damaged.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        info_path = self.root / "pool.json"
        if not info_path.is_file():
            raise FileNotFoundError(
                f"POOL must be a finished hand pool, but {info_path} does not exist. Create it "
                "with simhand prepare, or correct the path (configs: data_root, or the "
                "environment variable SIMHAND_DATA)."
            )
        self.info: dict[str, Any] = read_json(info_path)
        if self.info.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"format_version of {info_path} must be {FORMAT_VERSION}, but got "
                f"{self.info.get('format_version')}. Prepare the pool again with this version."
            )

    def __len__(self) -> int:
        return int(self.info["num_hands"])

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root, "info": self.info}

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column of ``hands.parquet`` as Arrow data (``video_id`` and others as codes)."""
        return self._table[name]

    @property
    def column_names(self) -> list[str]:
        """Names of all columns of ``hands.parquet``."""
        return self._table.column_names

    @property
    def extra_columns(self) -> list[str]:
        """Names of the additional columns of this pool, such as ``label``."""
        return [name for name in self._table.column_names if name not in HANDS.names]

    def values(self, name: str) -> np.ndarray:
        """Return a column, including extra columns, as an array of numbers or text.

        Numeric columns that an older pool lacks are NaN.

        Raises:
            ValueError: If the pool has no such column.
        """
        if name not in self._table.column_names:
            raise ValueError(
                f"column must be one of {', '.join(self._table.column_names)}, but got {name!r}. "
                "Extra columns are named when a pool is prepared (simhand prepare --help)."
            )
        if (coded := self.text_codes(name)) is not None:
            return coded[1][coded[0]]
        if pa.types.is_large_string(self._table[name].type):
            return np.array(self._table[name].to_pylist(), dtype=str)
        return self._array(name)

    def text_codes(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Return a column of texts as positions ``[N]`` in its distinct texts; of others, None.

        A missing text is an empty one.
        """
        if name not in self.column_names or not pa.types.is_dictionary(self._table[name].type):
            return None
        chunk = self._table[name].combine_chunks()
        texts = np.array([*chunk.dictionary.to_pylist(), ""], dtype=str)
        codes = chunk.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)
        return codes, texts

    def value(self, row: int, name: str) -> Any:
        """Return the value of a hand in a column as a Python value; None if it is missing."""
        return self._table[name][row].as_py()

    def hand_id(self, row: int) -> str:
        """Return the stable id of the hand in a row."""
        return self.value(row, "hand_id")

    def rows_of(self, hand_ids: list[str]) -> np.ndarray:
        """Return the rows of hands by id, ``[len(hand_ids)]`` int64; -1 for unknown ids."""
        compute: Any = pc  # its functions are made at run time
        found = compute.index_in(pa.array(hand_ids), value_set=self._table["hand_id"])
        return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)

    def read_crop(self, row: int) -> bytes:
        """Return the square crop of a hand as JPEG; left hands are mirrored."""
        return self._crops.read(int(self.shard[row]), self.hand_id(row))

    def read_keypoints_3d(self, row: int) -> np.ndarray | None:
        """Return one row of ``keypoints_3d``, None without it; loads no other row."""
        values = self.value(row, "keypoints_3d")
        return None if values is None else np.array(values, np.float32).reshape(-1, 3)

    @property
    def crop_size(self) -> int:
        """Side of the stored crops in px."""
        return int(self.info["crop_size"])

    @property
    def fingerprint(self) -> str:
        """Hash of hand ids and keypoints; pairs and embeddings store it to identify their pool."""
        return self.info["fingerprint"]

    @cached_property
    def video_ids(self) -> list[str]:
        """Distinct video ids, in the order of ``video_index``."""
        return self._names("video_id")

    @cached_property
    def sources(self) -> list[str]:
        """Distinct sources, in the order of ``source_index``."""
        return self._names("source")

    # Columns as read-only arrays. For meaning, unit and frame see docs/data_format.md.
    @cached_property
    def video_index(self) -> np.ndarray:
        """``[N]`` int32, position in ``video_ids``."""
        return self._codes("video_id")

    @cached_property
    def source_index(self) -> np.ndarray:
        """``[N]`` int32, position in ``sources``."""
        return self._codes("source")

    @cached_property
    def handedness_index(self) -> np.ndarray:
        """``[N]`` int32, 0 = left, 1 = right: the person's own hand, before mirroring."""
        names = np.array([name == "right" for name in self._names("handedness")], dtype=np.int32)
        return names[self._codes("handedness")] if len(self) else np.zeros(0, np.int32)

    @cached_property
    def frame_index(self) -> np.ndarray:
        """``[N]`` int64, index of the source frame."""
        return self._array("frame_index")

    @cached_property
    def time_s(self) -> np.ndarray:
        """``[N]`` float64, seconds from the start of the video."""
        return self._array("time_s")

    @cached_property
    def is_mirrored(self) -> np.ndarray:
        """``[N]`` bool, whether the crop was flipped to look like a right hand."""
        return self._array("is_mirrored")

    @cached_property
    def bbox_xyxy(self) -> np.ndarray:
        """``[N, 4]`` float32, px of the source frame."""
        return self._array("bbox_xyxy")

    @cached_property
    def bbox_score(self) -> np.ndarray:
        """``[N]`` float32, confidence of the detector."""
        return self._array("bbox_score")

    @cached_property
    def keypoints_2d(self) -> np.ndarray:
        """``[N, 21, 2]`` float32, px of the stored crop (after mirroring)."""
        return self._array("keypoints_2d")

    @cached_property
    def keypoints_3d(self) -> np.ndarray:
        """``[N, 21, 3]`` float32, mm, the estimator's own 3D, wrist at 0, mirrored as the crop.

        NaN for hands without it, and in older pools.
        """
        return self._array("keypoints_3d")

    @cached_property
    def keypoint_score(self) -> np.ndarray:
        """``[N, 21]`` float32, confidence of the keypoint estimator."""
        return self._array("keypoint_score")

    @cached_property
    def sharpness(self) -> np.ndarray:
        """``[N]`` float32, variance of the Laplacian of the crop; NaN in older pools."""
        return self._array("sharpness")

    @cached_property
    def brightness(self) -> np.ndarray:
        """``[N]`` float32, mean grey level of the crop, 0 to 255; NaN in older pools."""
        return self._array("brightness")

    @cached_property
    def shard(self) -> np.ndarray:
        """``[N]`` int32, number of the LMDB file that contains the crop."""
        return self._array("shard")

    @cached_property
    def _crops(self) -> CropReader:
        return CropReader(self.root / "crops")

    @cached_property
    def _table(self) -> pa.Table:
        path, truth = self.root / "hands.arrow", self.root / "hands.parquet"
        with explaining_damage(truth, _ADVICE):
            extra = [field for field in pq.read_schema(truth) if field.name not in HANDS.names]
        schema = pa.schema([*HANDS, *extra])  # columns that an older pool lacks are empty
        if not is_current(path, self.fingerprint, schema.names):
            with explaining_damage(truth, _ADVICE):
                table = coded(pq.read_table(truth, schema=schema))
            try:
                write_arrow(path, table, self.fingerprint)
            except OSError:  # a read-only pool works, but processes do not share memory
                return table
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()

    def _array(self, name: str) -> np.ndarray:
        array = column_to_array(self._table[name], name)
        array.flags.writeable = False
        return array

    def _codes(self, name: str) -> np.ndarray:
        return self._table[name].combine_chunks().indices.to_numpy()

    def _names(self, name: str) -> list[str]:
        return self._table[name].combine_chunks().dictionary.to_pylist()
