"""The output images of the demo: predicted 2D keypoints and views of the 3D poses."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from simhand_mm.visualization.drawing import draw_hand, draw_hand_3d

_MAX_SIDE = 1600  # px; drawing and saving larger photographs takes longer than the model
_MIN_HEIGHT = 360  # px; smaller images are not legible
_EXTENT_MM = 220.0  # the same for all hands, so that their size is constant over frames
_MIN_ROWS = 2
_INK, _PAPER = (60, 60, 60), 255
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class DrawnHand:
    """One hand to draw.

    Attributes:
        keypoints_2d: ``[21, 2]``, px in the image.
        keypoints_3d: ``[21, 3]``, mm, axes of the camera frame.
        label: Text at the wrist and next to the views.
    """

    keypoints_2d: np.ndarray
    keypoints_3d: np.ndarray
    label: str


def draw_demo_frame(image: np.ndarray, hands: Sequence[DrawnHand]) -> np.ndarray:
    """Draw skeletons on the image, and next to it front and side views of each hand.

    The size of the result depends only on the size of the image, as required for videos.

    Args:
        image: ``[H, W, 3]`` uint8, BGR. Large images are scaled down, small images are scaled up.
        hands: Any number of hands; with more than two the views get smaller.

    Returns:
        ``[h, w + h, 3]`` uint8, BGR.
    """
    scale = min(max(1.0, _MIN_HEIGHT / image.shape[0]), _MAX_SIDE / max(image.shape[:2]))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=kind)
    side = image.shape[0]
    panel = np.full((side, side, 3), _PAPER, np.uint8)
    size = side // max(len(hands), _MIN_ROWS)
    for number, hand in enumerate(hands):
        points = (hand.keypoints_2d + 0.5) * scale - 0.5
        image = _draw_on_image(image, points, hand)
        row = panel[number * size : (number + 1) * size]
        for column, view in enumerate(("front", "side")):
            cell = row[:, column * size : (column + 1) * size]
            cell[:] = draw_hand_3d(hand.keypoints_3d, view, size, _EXTENT_MM)
            text = f"{hand.label}, {view}" if column == 0 else f"{view}, {_EXTENT_MM:.0f} mm wide"
            _write(cell, text, (0.03 * size, 0.97 * size), size / 500)
    return np.hstack([image, panel])


def _draw_on_image(image: np.ndarray, points: np.ndarray, hand: DrawnHand) -> np.ndarray:
    """Draw one hand; the thickness of the bones follows its size in the image."""
    extent = float(np.ptp(points, axis=0).max())
    thickness = float(np.clip(extent / 45, 1.0, max(image.shape[:2]) / 75))
    image = draw_hand(image, points, hand.keypoints_3d[:, 2], thickness=thickness)
    _write(image, hand.label, points[0] + (2 * thickness, 4 * thickness), thickness / 6)
    return image


def _write(image: np.ndarray, text: str, place: Sequence[float] | np.ndarray, size: float) -> None:
    """Write dark text with a light outline in place, moved inside the image if necessary."""
    size = max(size, 0.35)
    width = max(1, round(1.5 * size))
    extent = np.array(cv2.getTextSize(text, _FONT, size, width + 2)[0])
    free = np.array([image.shape[1], image.shape[0] - 4]) - (extent[0], 0)
    x, y = np.clip(place, (0, extent[1]), np.maximum(free, (0, extent[1]))).astype(int).tolist()
    for color, thickness in (((_PAPER,) * 3, width + 2), (_INK, width)):
        cv2.putText(image, text, (x, y), _FONT, size, color, thickness, cv2.LINE_AA)
