"""Reads predicted keypoints from a file in any supported format."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simhand_mm.functional.keypoints import PLAUSIBLE_BONE_MM, bone_length
from simhand_mm.pool import read_predictions
from simhand_mm.pose.official_forms import official_number, read_dexycb, read_freihand


def read_keypoints(path: str | Path, sample_ids: Sequence[str]) -> np.ndarray:
    """Read 3D predictions in the order of the samples.

    Args:
        path: ``.parquet`` (``simhand test --dump``), ``.json`` (FreiHAND: metres, in image order)
            or ``.txt`` (DexYCB: one hand per line, image number and 63 coordinates in mm).
        sample_ids: Sample IDs of the poses table. Those of FreiHAND and DexYCB end with the
            official image number.

    Returns:
        ``[N, 21, 3]``, mm, camera frame.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged, lacks a sample or a keypoint, or contains NaN.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"predictions must be a file, but {path} does not exist. Correct the path."
        )
    readers = {".parquet": _read_table, ".json": read_freihand, ".txt": read_dexycb}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise ValueError(f"predictions must be one of {sorted(readers)}, but got {path}.")
    found = readers[suffix](path)  # first: a file of another kind has nothing to do with the ids
    is_ours = suffix == ".parquet"
    keys = [name if is_ours else official_number(name) for name in sample_ids]
    missing = [name for name, key in zip(sample_ids, keys, strict=True) if key not in found]
    if missing:
        raise ValueError(
            f"{path} must contain every sample, but lacks {len(missing)} of {len(keys)}, first "
            f"{missing[0]!r}. Predict the split of the poses table, or evaluate with --hands-of."
        )
    hands = np.stack([found[key] for key in keys])
    _check_hands(hands, path, sample_ids)
    return hands


def _check_hands(hands: np.ndarray, path: Path, sample_ids: Sequence[str]) -> None:
    unusable = ~np.isfinite(hands).all((1, 2))
    if unusable.any():
        raise ValueError(
            f"{path} must contain finite keypoints, but {unusable.sum()} of {len(hands)} samples "
            f"have NaN or infinity, first {sample_ids[int(np.argmax(unusable))]!r}. "
            "Predict them again."
        )
    if path.suffix.lower() == ".parquet":
        return  # our format states its unit, and a model after little training predicts tiny hands
    typical, (low, high) = float(np.median(bone_length(hands))), PLAUSIBLE_BONE_MM
    if not low <= typical <= high:
        raise ValueError(
            f"keypoints of {path} must be in metres (.json) or mm (others), but then the typical "
            f"wrist to middle-MCP bone measures {typical:.4g} mm, outside {low:g} to {high:g}."
        )


def _read_table(path: Path) -> dict[str, np.ndarray]:
    table = read_predictions(path)
    return dict(zip(table["sample_id"], table["keypoints_3d"], strict=True))
