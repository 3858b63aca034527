"""One record per labelled hand, checked, as a row of a poses table."""

from typing import Any

import numpy as np

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.functional.camera import project
from simhand_mm.functional.keypoints import NUM_KEYPOINTS, REFERENCE_BONE


class UnusableSample(Exception):
    """Raised to leave a sample out. The message is the reason, without names or numbers."""


def make_record(
    sample_id: str,
    image_path: str,
    size_wh: tuple[int, int],
    camera_matrix: np.ndarray,
    keypoints_3d: np.ndarray,
    handedness: str,
    source: str,
    valid: np.ndarray | None = None,
    bbox_xyxy: np.ndarray | None = None,
    subject_id: str = "",
    sequence_id: str = "",
) -> dict[str, Any]:
    """Build a row of a poses table.

    Args:
        sample_id: Id, unique in the set.
        image_path: Path relative to the root of the data set.
        size_wh: Width and height of the image in px.
        camera_matrix: ``[3, 3]``, px.
        keypoints_3d: ``[21, 3]``, mm, camera frame, our order.
        handedness: ``left`` or ``right``.
        source: Name of the data set.
        valid: ``[21]`` bool, which keypoints are labelled (default: all). NaN ones never are.
        bbox_xyxy: Official box in px (default: the tight box of the projected keypoints).
        subject_id: Id of the person.
        sequence_id: Id of the sequence. Its samples must not be split between training and
            validation.

    Raises:
        UnusableSample: If the hand cannot be used for training or testing.
    """
    hand, camera = to_array(keypoints_3d, (NUM_KEYPOINTS, 3)), to_array(camera_matrix, (3, 3))
    labelled = np.isfinite(hand).all(-1) & (True if valid is None else np.asarray(valid, bool))
    if not labelled[list(REFERENCE_BONE)].all():
        raise UnusableSample("wrist or middle MCP without label")
    if not (np.isfinite(camera).all() and camera[0, 0] > 0 and camera[1, 1] > 0):
        raise UnusableSample("no camera matrix")
    if (hand[labelled, 2] <= 0).any():
        raise UnusableSample("hand behind the camera")
    hand = np.where(labelled[:, None], hand, np.nan)
    points = project(hand, camera)
    return _row(
        sample_id,
        camera,
        hand,
        points,
        labelled,
        bbox_xyxy,
        size_wh,
        image_path=image_path,
        handedness=handedness,
        subject_id=subject_id,
        sequence_id=sequence_id,
        source=source,
    )


def make_record_2d(
    sample_id: str, keypoints_2d: np.ndarray, bbox_xyxy: np.ndarray | None = None, **fields: Any
) -> dict[str, Any]:
    """Build a row of a poses table without 3D labels: keypoints_3d and camera_matrix are NaN.

    Args:
        sample_id: Id, unique in the set.
        keypoints_2d: ``[21, 2]``, px, our order; NaN where not labelled.
        bbox_xyxy: Official box in px (default: the tight box of the keypoints).
        **fields: Other arguments of :func:`make_record`, without 3D labels and camera.

    Raises:
        UnusableSample: If fewer than two keypoints are labelled.
    """
    points = to_array(keypoints_2d, (NUM_KEYPOINTS, 2))
    labelled = np.isfinite(points).all(-1)
    if labelled.sum() < 2:
        raise UnusableSample("fewer than two labelled keypoints")
    hand, camera = np.full((NUM_KEYPOINTS, 3), np.nan), np.full((3, 3), np.nan)
    return _row(sample_id, camera, hand, points, labelled, bbox_xyxy, **fields)


def _row(
    sample_id: str,
    camera: np.ndarray,
    hand: np.ndarray,
    points: np.ndarray,
    labelled: np.ndarray,
    bbox_xyxy: np.ndarray | None,
    size_wh: tuple[int, int],
    **fields: str,
) -> dict[str, Any]:
    box = keypoints_to_box(points, labelled) if bbox_xyxy is None else to_array(bbox_xyxy, (4,))
    return {
        "sample_id": sample_id,
        "width": size_wh[0],
        "height": size_wh[1],
        "camera_matrix": camera,
        "keypoints_3d": hand.astype(np.float32),
        "keypoints_2d": points.astype(np.float32),
        "keypoints_valid": labelled,
        "bbox_xyxy": box.astype(np.float32),
        **fields,
    }


def to_array(label: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Convert a label of an official file to a float64 array of a given shape.

    Raises:
        UnusableSample: If it has another shape or is not numeric.
    """
    try:
        array = np.array(label, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UnusableSample(f"label is not an array of numbers {list(shape)}") from error
    if array.shape != shape:
        raise UnusableSample(f"label is not an array of numbers {list(shape)}")
    return array
