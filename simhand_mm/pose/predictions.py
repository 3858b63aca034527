"""Files of predictions: our parquet table, FreiHAND's ``pred.json`` and DexYCB's text."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.functional.keypoints import NUM_KEYPOINTS, bone_length
from simhand_mm.functional.pose_metrics import PLAUSIBLE_BONE_MM
from simhand_mm.pool import atomic_path

# keypoints_3d: mm, camera frame. keypoints_2d: px of the image.
SHAPES = {
    "keypoints_3d": (NUM_KEYPOINTS, 3),
    "keypoints_2d": (NUM_KEYPOINTS, 2),
    "keypoint_score": (NUM_KEYPOINTS,),
}
_MANO_VERTICES = 778


def write_predictions(path: str | Path, predictions: Mapping[str, Any]) -> None:
    """Write a table of predictions, atomically.

    Args:
        path: The ``.parquet`` file.
        predictions: ``sample_id``, the arrays of ``SHAPES`` with a leading N, and ``error_mm [N]``
            under the protocol ``root_scale``.
    """
    columns = {"sample_id": pa.array(list(predictions["sample_id"]), pa.string())}
    for name, shape in SHAPES.items():
        flat = np.asarray(predictions[name], np.float32).reshape(-1)
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat), int(np.prod(shape)))
    columns["error_mm"] = pa.array(np.asarray(predictions["error_mm"], np.float32))
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")


def read_keypoints(path: str | Path, sample_ids: Sequence[str]) -> np.ndarray:
    """Read 3D predictions of any of the three forms, in the order of the samples.

    Args:
        path: ``.parquet`` (ours), ``.json`` (FreiHAND: metres, in the order of the pictures) or
            ``.txt`` (DexYCB: number of the picture and 63 mm, a line a hand).
        sample_ids: Of the poses table. Those of FreiHAND and DexYCB end with the official number.

    Returns:
        ``[N, 21, 3]``, mm, camera frame.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, lacks a sample or a joint, or holds NaN.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"predictions must be a file, but {path} does not exist.")
    readers = {".parquet": _read_table, ".json": _read_freihand, ".txt": _read_dexycb}
    if path.suffix not in readers:
        raise ValueError(f"predictions must be one of {sorted(readers)}, but got {path}.")
    keys = sample_ids if path.suffix == ".parquet" else [_number(name) for name in sample_ids]
    found = readers[path.suffix](path)
    missing = [name for name, key in zip(sample_ids, keys, strict=True) if key not in found]
    if missing:
        raise ValueError(
            f"{path} must predict every sample, but lacks {len(missing)} of {len(keys)}, first "
            f"{missing[0]!r}. Predict the same split that the poses table holds."
        )
    hands = np.stack([found[key] for key in keys])
    _check_hands(hands, path, sample_ids)
    return hands


def _check_hands(hands: np.ndarray, path: Path, sample_ids: Sequence[str]) -> None:
    unusable = ~np.isfinite(hands).all((1, 2))
    if unusable.any():
        raise ValueError(
            f"{path} must hold finite joints, but {unusable.sum()} of {len(hands)} samples have "
            f"NaN or infinity, first {sample_ids[int(np.argmax(unusable))]!r}. Predict them again."
        )
    if path.suffix == ".parquet":
        return  # our own form states its unit, and a model hardly trained predicts tiny hands
    typical, (low, high) = float(np.median(bone_length(hands))), PLAUSIBLE_BONE_MM
    if not low <= typical <= high:
        raise ValueError(
            f"joints of {path} must be in metres (.json) or mm (others), but then the typical "
            f"wrist to middle-MCP bone measures {typical:.4g} mm, outside {low:g} to {high:g}."
        )


def _read_table(path: Path) -> dict[str, np.ndarray]:
    try:
        table = pq.read_table(path, columns=["sample_id", "keypoints_3d"])
        flat = table["keypoints_3d"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        hands = flat.reshape(len(table), NUM_KEYPOINTS, 3)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} must have the columns sample_id and keypoints_3d with 21 joints a row, but "
            f"does not ({str(error).partition(chr(10))[0]}). Write it with tools/test.py --dump."
        ) from error
    return dict(zip(table["sample_id"].to_pylist(), hands, strict=True))


def _read_freihand(path: Path) -> dict[int, np.ndarray]:
    try:
        hands = np.array(json.loads(path.read_text(encoding="utf-8"))[0], np.float64)
        return dict(enumerate(1000 * hands.reshape(len(hands), NUM_KEYPOINTS, 3)))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be [[xyz, ...], [vertices, ...]] with 21 joints in metres for each "
            f"picture, but is not ({error}). Write it as FreiHAND's evaluation asks for."
        ) from error


def _read_dexycb(path: Path) -> dict[int, np.ndarray]:
    hands = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            picture, *values = line.split(",")
            hand = np.array(values, np.float64).reshape(NUM_KEYPOINTS, 3)
            hands[int(picture)] = hand
        except ValueError as error:
            raise ValueError(
                f"line {number} of {path} must have 64 numbers, the number of the picture and "
                f"x,y,z in mm of 21 joints, but has {len(line.split(','))} fields ({error}). "
                "Write it as DexYCB's evaluation asks for."
            ) from error
    return hands


def write_official(
    path: str | Path, form: str, sample_ids: Sequence[str], keypoints_3d: np.ndarray
) -> None:
    """Write predictions as an official evaluation reads them.

    Args:
        path: The file.
        form: ``freihand`` (JSON, metres; vertices are zeros, for we predict none) or ``dexycb``
            (text, mm).
        sample_ids: Of the poses table, ending with the official number of the picture.
        keypoints_3d: ``[N, 21, 3]``, mm, camera frame.

    Raises:
        ValueError: If the form is unknown, or FreiHAND's pictures are not all there.
    """
    numbers = [_number(name) for name in sample_ids]
    hands = np.asarray(keypoints_3d, np.float64)[np.argsort(numbers)]
    if form == "freihand":
        if sorted(numbers) != list(range(len(numbers))):
            raise ValueError(
                f"FreiHAND's file must hold every picture once, but {len(numbers)} predictions "
                f"go up to number {max(numbers)}. Test on the whole evaluation set."
            )
        vertices = [[[0.0, 0.0, 0.0]] * _MANO_VERTICES] * len(hands)
        content = json.dumps([np.round(hands / 1000, 6).tolist(), vertices])
    elif form == "dexycb":
        lines = (
            f"{number}," + ",".join(f"{value:.4f}" for value in hand.ravel())
            for number, hand in zip(sorted(numbers), hands, strict=True)
        )
        content = "".join(f"{line}\n" for line in lines)
    else:
        raise ValueError(f"form must be 'freihand' or 'dexycb', but got {form!r}.")
    with atomic_path(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


def _number(sample_id: str) -> int:
    """The official number at the end of a sample id such as ``evaluation/00000012``."""
    number = sample_id.rsplit("/", 1)[-1]
    if not number.isdigit():
        raise ValueError(
            f"sample_id must end with the official number of the picture, but got {sample_id!r}. "
            "Only tables of FreiHAND and DexYCB have official forms."
        )
    return int(number)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, atomically; NaN becomes null, which is valid JSON."""
    with atomic_path(path) as temporary:
        text = json.dumps(_nan_to_none(content), indent=1, allow_nan=False)
        temporary.write_text(text, encoding="utf-8")


def _nan_to_none(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _nan_to_none(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_nan_to_none(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content
