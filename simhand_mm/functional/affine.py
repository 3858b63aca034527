"""2 x 3 affine maps between pixel frames.

Convention: a map takes SOURCE pixels to DESTINATION pixels, x right and y down, pixel centres at
integer coordinates (as ``cv2.warpAffine`` and ``cv2.getRotationMatrix2D``). ``affine`` is
``[2, 3]`` or ``[B, 2, 3]``. :func:`box_to_image_affine` and :func:`rotation_affine` use NumPy; the
other functions accept both NumPy arrays and torch tensors.
"""

import math
from typing import Any

import numpy as np

from simhand_mm.functional.arrays import Array


def box_to_image_affine(
    bbox_xyxy: np.ndarray, size_wh: tuple[int, int], mirror: bool = False
) -> np.ndarray:
    """Return the map from a box to a whole image, edges onto edges.

    Args:
        bbox_xyxy: ``[4]``, px of the source, x2 and y2 exclusive.
        size_wh: Width and height of the destination in px.
        mirror: Flip the box left to right, e.g. to turn left hands into right ones.

    Returns:
        ``[2, 3]`` float64.

    Raises:
        ValueError: If the box has no area.
    """
    x1, y1, x2, y2 = (float(value) for value in bbox_xyxy)
    width, height = size_wh
    if not (x2 > x1 and y2 > y1):
        raise ValueError(
            f"bbox_xyxy must have positive width and height, but got {(x1, y1, x2, y2)}. "
            "Drop the box or enlarge it."
        )
    scale_x, scale_y = width / (x2 - x1), height / (y2 - y1)
    # The left edge of pixel 0 lies at -0.5 in both frames.
    affine = np.array(
        [
            [scale_x, 0.0, scale_x * (0.5 - x1) - 0.5],
            [0.0, scale_y, scale_y * (0.5 - y1) - 0.5],
        ]
    )
    if mirror:
        affine[0] = -affine[0]
        affine[0, 2] += width - 1
    return affine


def rotation_affine(
    center: tuple[float, float], rotation_deg: float, scale: float = 1.0
) -> np.ndarray:
    """Return a rotation and scaling about a fixed point, as ``cv2.getRotationMatrix2D`` does.

    Args:
        center: The fixed point (x, y) in px.
        rotation_deg: Positive turns counter-clockwise on the screen.
        scale: Magnification.

    Returns:
        ``[2, 3]`` float64.
    """
    alpha = scale * math.cos(math.radians(rotation_deg))
    beta = scale * math.sin(math.radians(rotation_deg))
    x, y = center
    return np.array(
        [[alpha, beta, (1 - alpha) * x - beta * y], [-beta, alpha, beta * x + (1 - alpha) * y]]
    )


def compose(outer: Array, inner: Array) -> Array:
    """Return the map that applies ``inner`` first and ``outer`` second. All ``[..., 2, 3]``."""
    composed: Any = outer[..., :2] @ inner
    composed[..., 2] += outer[..., 2]
    return composed


def invert(affine: Array) -> Array:
    """Return the map from destination pixels back to source pixels. ``[..., 2, 3]``."""
    a, b, c, d = affine[..., 0, 0], affine[..., 0, 1], affine[..., 1, 0], affine[..., 1, 1]
    tx, ty = affine[..., 0, 2], affine[..., 1, 2]
    determinant = a * d - b * c
    inverse: Any = affine * 0
    inverse[..., 0, 0], inverse[..., 0, 1] = d / determinant, -b / determinant
    inverse[..., 1, 0], inverse[..., 1, 1] = -c / determinant, a / determinant
    inverse[..., 0, 2] = (b * ty - d * tx) / determinant
    inverse[..., 1, 2] = (c * tx - a * ty) / determinant
    return inverse


def apply(affine: Array, points: Array) -> Array:
    """Map points from the source frame to the destination frame.

    Args:
        affine: ``[2, 3]`` or ``[B, 2, 3]``.
        points: ``[..., K, 2]``, px; leading axes as in ``affine``, if it has any.

    Returns:
        Points of the same shape in the destination frame, px.
    """
    linear, offset = affine[..., :2], affine[..., None, :, 2]
    mapped: Any = points @ linear.swapaxes(-1, -2) + offset
    return mapped
