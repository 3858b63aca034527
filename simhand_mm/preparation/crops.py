"""Square crops of right hands."""

import cv2
import numpy as np

from simhand_mm.functional.affine import box_to_image_affine
from simhand_mm.functional.boxes import square_box

_JPEG_QUALITY = 90


def crop_hand(
    image: np.ndarray, bbox_xyxy: np.ndarray, scale: float, size: int, mirror: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the square around a box, enlarged by ``scale``, and resize it.

    Parts beyond the image are black: nothing is clipped, moved or stretched. The square is put on
    whole pixels, so that shrinking averages over the pixels it covers.

    Args:
        image: ``uint8 [H, W, 3]``.
        bbox_xyxy: ``[4]``, px of the image.
        scale: Side of the square over the longer side of the box.
        size: Side of the crop in px.
        mirror: Flip left to right, to make a right hand of a left one.

    Returns:
        The crop ``uint8 [size, size, 3]`` and the ``affine`` ``[2, 3]`` from image to crop px.
    """
    x1, y1, x2, _ = square_box(bbox_xyxy, scale)
    side = max(1, round(x2 - x1))
    left, top = round(x1), round(y1)
    window = _window(image, left, top, side)
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    crop = cv2.resize(window, (size, size), interpolation=interpolation)
    if mirror:
        crop = np.ascontiguousarray(crop[:, ::-1])
    box = np.array([left, top, left + side, top + side])
    return crop, box_to_image_affine(box, (size, size), mirror=mirror)


def encode_jpeg(image: np.ndarray) -> bytes:
    """JPEG of an RGB image ``uint8 [H, W, 3]``."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return cv2.imencode(".jpg", image[..., ::-1], options)[1].tobytes()


def sharpness(image: np.ndarray) -> float:
    """Variance of the Laplacian of the grey image: low where it is blurred."""
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def _window(image: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """The pixels of a square; black where it reaches beyond the image."""
    height, width = image.shape[:2]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + side, width), min(top + side, height)
    if (x1, y1, x2, y2) == (left, top, left + side, top + side):
        return image[y1:y2, x1:x2]
    window = np.zeros((side, side, 3), image.dtype)
    if x2 > x1 and y2 > y1:
        window[y1 - top : y2 - top, x1 - left : x2 - left] = image[y1:y2, x1:x2]
    return window
