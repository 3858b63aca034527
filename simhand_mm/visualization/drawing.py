"""Hand skeletons in finger colours: on images, and as views of 3D poses.

Images are ``[H, W, 3]`` uint8 in OpenCV's channel order (BGR). Pixel centres lie at integer
coordinates. No function modifies its input.
"""

import cv2
import numpy as np

from simhand_mm.functional.keypoints import NUM_KEYPOINTS, PARENTS

# RGB. Five hues that colour-blind readers can distinguish (Okabe and Ito, 2008). A dark outline
# separates them from skin.
FINGER_COLORS = {
    "thumb": (213, 94, 0),
    "index": (240, 200, 40),
    "middle": (0, 158, 115),
    "ring": (60, 150, 220),
    "pinky": (204, 121, 167),
}
WRIST_COLOR = (235, 235, 235)
OUTLINE_COLOR = (30, 30, 30)
GHOST_COLOR = (150, 150, 150)

# Rotations from the camera frame (x right, y down, z forward) to the frame of the viewer.
VIEWS = {
    "front": np.eye(3),
    "side": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
    "top": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}

_SUBPIXEL_BITS = 4


def keypoint_color(keypoint: int) -> tuple[int, int, int]:
    """Return the RGB colour of a keypoint and of the bone that ends in it."""
    return WRIST_COLOR if keypoint == 0 else list(FINGER_COLORS.values())[(keypoint - 1) // 4]


def draw_hand(
    image: np.ndarray,
    keypoints_2d: np.ndarray,
    depth: np.ndarray | None = None,
    color: tuple[int, int, int] | None = None,
    thickness: float | None = None,
) -> np.ndarray:
    """Draw the 21-keypoint skeleton on a copy of an image.

    Args:
        image: ``[H, W, 3]`` uint8, BGR.
        keypoints_2d: ``[21, 2]``, px in ``image``. NaN keypoints, and the bones that end in
            them, are not drawn.
        depth: ``[21]``, larger is farther. Nearer bones are drawn over farther ones.
        color: RGB colour of all bones, drawn without an outline. By default each finger has a
            different colour.
        thickness: Width of a bone in px. By default it follows the size of the image.

    Raises:
        ValueError: If ``keypoints_2d`` has another shape.
    """
    keypoints_2d = np.asarray(keypoints_2d, dtype=np.float64)
    if keypoints_2d.shape != (NUM_KEYPOINTS, 2):
        raise ValueError(
            f"keypoints_2d must have shape ({NUM_KEYPOINTS}, 2), but got {keypoints_2d.shape}. "
            "Draw one hand at a time."
        )
    drawn = np.isfinite(keypoints_2d).all(axis=1)
    depth = np.zeros(NUM_KEYPOINTS) if depth is None else np.asarray(depth)
    width = thickness or max(1.0, max(image.shape[:2]) / 75)
    canvas = np.ascontiguousarray(image).copy()
    # From far to near; the joint of a bone is drawn after the line, so that it lies on top.
    children = sorted(range(NUM_KEYPOINTS), key=lambda k: -(depth[k] + depth[PARENTS[k]]) / 2)
    for child in children:
        ends = [PARENTS[child], child]
        if child and drawn[ends].all():
            _line(canvas, keypoints_2d[ends], color or keypoint_color(child), width, color is None)
    for keypoint in np.flatnonzero(drawn):
        paint = color or keypoint_color(int(keypoint))
        _dot(canvas, keypoints_2d[keypoint], paint, width * 0.95, color is None)
    return canvas


def draw_hand_3d(
    keypoints_3d: np.ndarray,
    view: str = "front",
    size: int = 200,
    extent_mm: float = 200.0,
    center: np.ndarray | None = None,
    reference: np.ndarray | None = None,
    background: int = 255,
) -> np.ndarray:
    """Draw a 3D hand in orthographic projection.

    Args:
        keypoints_3d: ``[21, 3]``, mm, camera frame (x right, y down, z forward). NaN keypoints are
            not drawn.
        view: ``front`` (along the optical axis), ``side`` (from the right of the camera) or
            ``top``.
        size: Side length of the image in px.
        extent_mm: Side length of the image in mm.
        center: ``[3]``, mm, the point at the image centre; by default the centre of the bounding
            box of the hand.
        reference: ``[21, 3]``, mm, another pose (the ground truth), drawn below in grey.
        background: Grey value, 0 to 255.

    Returns:
        ``[size, size, 3]`` uint8, BGR.

    Raises:
        ValueError: If ``view`` is unknown.
    """
    if view not in VIEWS:
        raise ValueError(f"view must be one of {sorted(VIEWS)}, but got {view!r}.")
    low, high = np.nanmin(keypoints_3d, axis=0), np.nanmax(keypoints_3d, axis=0)
    middle = (low + high) / 2 if center is None else center
    canvas = np.full((size, size, 3), background, np.uint8)
    thickness = max(1.5, size / 90)
    for pose, color in ((reference, GHOST_COLOR), (keypoints_3d, None)):
        if pose is None:
            continue
        seen = (np.asarray(pose, np.float64) - middle) @ VIEWS[view].T
        points = seen[:, :2] * (size / extent_mm) + (size - 1) / 2
        canvas = draw_hand(canvas, points, seen[:, 2], color, thickness)
    return canvas


def fit_view(target: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, float]:
    """Choose centre and extent of a view that shows several 3D hands at the same scale.

    Args:
        target: ``[21, 3]``, mm, the hand that must be visible. NaN keypoints are ignored.
        others: Other hands, ``[21, 3]``, mm. Hands far from the target may be cut off, so that
            the target does not become too small.

    Returns:
        ``center`` ``[3]`` and ``extent_mm``, a multiple of 20, for :func:`draw_hand_3d`.
    """
    low, high = np.nanmin(target, axis=0), np.nanmax(target, axis=0)
    together = np.concatenate([target, *others])
    reach = (high - low).max()
    low = np.maximum(np.nanmin(together, axis=0), low - reach)
    high = np.minimum(np.nanmax(together, axis=0), high + reach)
    extent_mm = float(20 * np.ceil(1.2 * (high - low).max() / 20))
    return (low + high) / 2, extent_mm


def _line(
    canvas: np.ndarray,
    ends: np.ndarray,
    color: tuple[int, int, int],
    width: float,
    with_outline: bool,
) -> None:
    start, end = (_fixed_point(point) for point in ends)
    if with_outline:
        outline = max(round(width) + 2, round(width * 1.6))
        cv2.line(canvas, start, end, OUTLINE_COLOR[::-1], outline, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.line(canvas, start, end, color[::-1], max(round(width), 1), cv2.LINE_AA, _SUBPIXEL_BITS)


def _dot(
    canvas: np.ndarray,
    point: np.ndarray,
    color: tuple[int, int, int],
    radius: float,
    with_outline: bool,
) -> None:
    center, one = _fixed_point(point), 1 << _SUBPIXEL_BITS
    if with_outline:
        outer = round((radius + 0.8) * one)
        cv2.circle(canvas, center, outer, OUTLINE_COLOR[::-1], -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    inner = round(radius * one)
    cv2.circle(canvas, center, inner, color[::-1], -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fixed_point(point: np.ndarray) -> tuple[int, int]:
    # Distant points would overflow OpenCV's fixed-point arithmetic.
    x, y = np.clip(point, -8192, 8192)
    return round(float(x) * (1 << _SUBPIXEL_BITS)), round(float(y) * (1 << _SUBPIXEL_BITS))
