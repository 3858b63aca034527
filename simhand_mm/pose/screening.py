"""Finds the usable rows of a poses table, with reasons for the others."""

from collections import Counter
from typing import Any

import numpy as np
from mmengine.logging import print_log

from simhand_mm.functional.keypoints import PLAUSIBLE_BONE_MM, REFERENCE_BONE, bone_length

MAX_DROPPED_SHARE = 0.5


def screen_poses(poses: dict[str, Any], name: str) -> np.ndarray:
    """Mark usable rows; mark keypoints with non-finite labels as invalid, in place.

    Args:
        poses: Table from :func:`simhand_mm.pool.poses.read_poses`.
        name: File name for messages.

    Returns:
        ``[N]`` bool.

    Raises:
        ValueError: If the table is empty, is not in mm, or more than half of it is unusable.
    """
    keypoints_3d = poses["keypoints_3d"]
    finite = np.isfinite(keypoints_3d).all(-1) & np.isfinite(poses["keypoints_2d"]).all(-1)
    poses["keypoints_valid"] = valid = poses["keypoints_valid"] & finite
    reasons = {
        "wrist or middle MCP without label": ~valid[:, list(REFERENCE_BONE)].all(-1),
        **_of_camera(poses),
        "hand behind the camera": np.where(valid, keypoints_3d[..., 2], np.inf).min(-1) <= 0,
        **_of_box_and_side(poses),
    }
    usable = _without(reasons)
    _check_share(usable, reasons, name)
    _check_unit(keypoints_3d[usable], name)
    return usable


def screen_keypoints(poses: dict[str, Any], name: str) -> np.ndarray:
    """Mark rows whose 2D keypoints are usable; mark non-finite keypoints as invalid, in place.

    Args:
        poses: Table from :func:`simhand_mm.pool.read_poses`; 3D labels and cameras are not needed.
        name: File name for messages.

    Returns:
        ``[N]`` bool.

    Raises:
        ValueError: If the table is empty, or more than half of it is unusable.
    """
    finite = np.isfinite(poses["keypoints_2d"]).all(-1)
    poses["keypoints_valid"] = valid = poses["keypoints_valid"] & finite
    reasons = {
        "fewer than two labelled keypoints": valid.sum(-1) < 2,
        **_of_box_and_side(poses),
    }
    usable = _without(reasons)
    _check_share(usable, reasons, name)
    return usable


def screen_inputs(poses: dict[str, Any], name: str) -> np.ndarray:
    """Mark rows with all that is known of a hand before its pose: box, side and camera.

    Args:
        poses: Table from :func:`simhand_mm.pool.read_poses`; its labels are not needed.
        name: File name for messages.

    Returns:
        ``[N]`` bool.

    Raises:
        ValueError: If the table is empty, or more than half of it is unusable.
    """
    reasons = {**_of_camera(poses), **_of_box_and_side(poses)}
    usable = _without(reasons)
    _check_share(usable, reasons, name)
    return usable


def _of_camera(poses: dict[str, Any]) -> dict[str, np.ndarray]:
    camera = poses["camera_matrix"]
    is_finite = np.isfinite(camera).all((1, 2))
    return {"no camera matrix": ~is_finite | (camera[:, 0, 0] <= 0) | (camera[:, 1, 1] <= 0)}


def _of_box_and_side(poses: dict[str, Any]) -> dict[str, np.ndarray]:
    box = poses["bbox_xyxy"]
    handedness = np.array(poses["handedness"], dtype=str)
    return {
        "box without area": ~(box[:, 2:] > box[:, :2]).all(-1),
        "handedness neither left nor right": ~np.isin(handedness, ["left", "right"]),
    }


def _without(reasons: dict[str, np.ndarray]) -> np.ndarray:
    """Rows with no reason to leave them out."""
    return ~np.logical_or.reduce(list(reasons.values()))


def _check_share(usable: np.ndarray, reasons: dict[str, np.ndarray], name: str) -> None:
    dropped = int((~usable).sum())
    counts = Counter({reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()})
    listing = "; ".join(
        f"{reason}: {count} (first: row {int(np.argmax(reasons[reason]))})"
        for reason, count in counts.most_common()
    )
    if not usable.any() or dropped > MAX_DROPPED_SHARE * len(usable):
        raise ValueError(
            f"most rows of {name} must be usable, but {dropped} of {len(usable)} are not "
            f"({listing or 'the table is empty'}). Convert the data set again."
        )
    if dropped:
        print_log(f"{name}: dropped {dropped} of {len(usable)} rows: {listing}", "current")


def _check_unit(keypoints_3d: np.ndarray, name: str) -> None:
    typical = float(np.median(bone_length(keypoints_3d)))
    low, high = PLAUSIBLE_BONE_MM
    if not low <= typical <= high:
        raise ValueError(
            f"keypoints_3d of {name} must be in millimetres, but the typical wrist to middle-MCP "
            f"bone measures {typical:.4g}, outside {low:g} to {high:g}. Multiply metres by 1000 "
            "in the converter."
        )
