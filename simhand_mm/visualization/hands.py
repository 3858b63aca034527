"""Pictures of the hands of a pool."""

import numpy as np

from simhand_mm.pool import HandPool
from simhand_mm.visualization.drawing import draw_hand
from simhand_mm.visualization.images import image_or_placeholder, resize_with_keypoints
from simhand_mm.visualization.page import image_html


def hand_image(pool: HandPool, row: int, size: int, with_keypoints: bool = False) -> np.ndarray:
    """Return the crop of a hand, ``[size, size, 3]`` uint8, BGR."""
    crop = image_or_placeholder(pool.read_crop(row), pool.hand_id(row), pool.crop_size)
    image, keypoints_2d = resize_with_keypoints(crop, size, pool.keypoints_2d[row])
    return draw_hand(image, keypoints_2d) if with_keypoints else image


def hand_html(
    pool: HandPool, row: int, label: str, size: int = 131, with_keypoints: bool = False
) -> str:
    """Return the HTML of the crop of a hand, ``size`` px wide, with lines of text below."""
    # Stored at twice the displayed size, for high-resolution screens.
    return image_html(hand_image(pool, row, 2 * size, with_keypoints), label, size)
