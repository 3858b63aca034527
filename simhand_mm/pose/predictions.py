"""Files of predictions: our parquet table and the forms that FreiHAND and DexYCB evaluate."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.pool import atomic_path

# sample_id as in the poses table; keypoints_3d mm in the camera frame; keypoints_2d px of the
# image; error_mm under the protocol root_scale.
SHAPES = {
    "keypoints_3d": (NUM_KEYPOINTS, 3),
    "keypoints_2d": (NUM_KEYPOINTS, 2),
    "keypoint_score": (NUM_KEYPOINTS,),
}


def write_predictions(path: str | Path, predictions: Mapping[str, Any]) -> None:
    """Write a table of predictions, atomically.

    Args:
        path: The ``.parquet`` file.
        predictions: ``sample_id``, the arrays of ``SHAPES`` with a leading N, ``error_mm [N]``.
    """
    columns = {"sample_id": pa.array(list(predictions["sample_id"]), pa.string())}
    for name, shape in SHAPES.items():
        flat = np.asarray(predictions[name], np.float32).reshape(-1)
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat), int(np.prod(shape)))
    columns["error_mm"] = pa.array(np.asarray(predictions["error_mm"], np.float32))
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")


def read_predictions(path: str | Path) -> dict[str, Any]:
    """Read what :func:`write_predictions` wrote. ``sample_id`` becomes a list of str."""
    table = pq.read_table(path)
    predictions = {"sample_id": table["sample_id"].to_pylist()}
    for name, shape in SHAPES.items():
        flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        predictions[name] = flat.reshape(-1, *shape)
    predictions["error_mm"] = table["error_mm"].to_numpy()
    return predictions


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=True), encoding="utf-8")
