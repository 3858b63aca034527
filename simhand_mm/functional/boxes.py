"""Axis-aligned boxes ``bbox_xyxy`` in pixels (NumPy).

``x1, y1`` are inclusive edges, ``x2, y2`` exclusive ones: the box of a whole ``w x h`` image is
``(0, 0, w, h)``. Pixel centres lie at integer coordinates, hence pixel ``i`` spans
``[i - 0.5, i + 0.5]`` and the edges ``[x1, x2)`` stand for the interval ``[x1 - 0.5, x2 - 0.5]``.
"""

import numpy as np


def square_box(bbox_xyxy: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return the square with the same centre whose side is the longer side times ``scale``.

    Args:
        bbox_xyxy: ``[..., 4]``, px.
        scale: Enlargement of the longer side.

    Returns:
        ``[..., 4]``, px; may extend beyond the image.
    """
    box = np.asarray(bbox_xyxy, dtype=np.float64)
    center = (box[..., :2] + box[..., 2:]) / 2
    half = (box[..., 2:] - box[..., :2]).max(-1, keepdims=True) * (scale / 2)
    return np.concatenate([center - half, center + half], axis=-1)


def keypoints_to_box(keypoints_2d: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """Return the smallest box that contains the keypoints.

    Args:
        keypoints_2d: ``[..., K, 2]``, px.
        valid: ``[..., K]`` bool, which keypoints to use (default: all).

    Returns:
        ``[..., 4]``, px. NaN where no keypoint is valid.
    """
    points = np.asarray(keypoints_2d, dtype=np.float64)
    if valid is None:
        valid = np.ones(points.shape[:-1], dtype=bool)
    seen = np.asarray(valid)[..., None]
    low = np.where(seen, points, np.inf).min(-2)
    high = np.where(seen, points, -np.inf).max(-2) + 1  # x2, y2 are exclusive
    box = np.concatenate([low, high], axis=-1)
    return np.where(np.isfinite(box), box, np.nan)


def clip_box(bbox_xyxy: np.ndarray, image_size_wh: tuple[int, int]) -> np.ndarray:
    """Clip boxes to an image. A box outside the image gets zero area.

    Args:
        bbox_xyxy: ``[..., 4]``, px.
        image_size_wh: Width and height in px.

    Returns:
        ``[..., 4]``, px.
    """
    width, height = image_size_wh
    return np.clip(np.asarray(bbox_xyxy, dtype=np.float64), 0, [width, height, width, height])


def box_area(bbox_xyxy: np.ndarray) -> np.ndarray:
    """Area in px²; zero if x2 < x1 or y2 < y1. ``[..., 4]`` -> ``[...]``."""
    box = np.asarray(bbox_xyxy, dtype=np.float64)
    return np.clip(box[..., 2:] - box[..., :2], 0, None).prod(-1)


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each box of ``a`` with each box of ``b``.

    Args:
        a: ``[N, 4]``, px.
        b: ``[M, 4]``, px.

    Returns:
        ``[N, M]`` in [0, 1]; 0 where both boxes are empty.
    """
    a, b = np.asarray(a, dtype=np.float64)[:, None], np.asarray(b, dtype=np.float64)[None]
    overlap = np.concatenate(
        [np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])], axis=-1
    )
    intersection = box_area(overlap)
    union = box_area(a) + box_area(b) - intersection
    return intersection / np.where(union > 0, union, 1.0)
