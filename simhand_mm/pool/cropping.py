"""The square crops stored in a pool, in which every hand looks like a right hand."""

import cv2
import numpy as np

from simhand_mm.functional.affine import box_to_image_affine
from simhand_mm.functional.boxes import square_box

_JPEG_QUALITY = 90


def crop_hand(
    image: np.ndarray, bbox_xyxy: np.ndarray, scale: float, size: int, mirror: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Crop the square around a box, enlarged by ``scale``, and resize it.

    Args:
        image: ``uint8 [H, W, 3]``.
        bbox_xyxy: ``[4]``, px of the image.
        scale: Side of the square divided by the longer side of the box.
        size: Side of the crop in px.
        mirror: Flip left to right, so that a left hand looks like a right one.

    Returns:
        The crop ``uint8 [size, size, 3]`` and the ``affine`` ``[2, 3]`` from image to crop px.
    """
    window, (left, top) = cut_square(image, bbox_xyxy, scale)
    side = len(window)
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    crop = cv2.resize(window, (size, size), interpolation=interpolation)
    if mirror:
        crop = np.ascontiguousarray(crop[:, ::-1])
    box = np.array([left, top, left + side, top + side])
    return crop, box_to_image_affine(box, (size, size), mirror=mirror)


def cut_square(
    image: np.ndarray, bbox_xyxy: np.ndarray, scale: float
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the pixels of the square around a box, enlarged by ``scale``.

    Parts beyond the image are black: nothing is clipped, shifted or stretched. The square is
    aligned to whole pixels, so that downscaling averages over exactly the pixels that it covers.

    Args:
        image: ``uint8 [H, W, 3]``.
        bbox_xyxy: ``[4]``, px of the image.
        scale: Side of the square divided by the longer side of the box.

    Returns:
        ``uint8 [side, side, 3]`` and the square's left and top edge in px of the image.
    """
    x1, y1, x2, _ = square_box(bbox_xyxy, scale)
    left, top, side = round(x1), round(y1), max(1, round(x2 - x1))
    height, width = image.shape[:2]
    x_from, y_from = min(max(left, 0), width), min(max(top, 0), height)
    x_to, y_to = max(min(left + side, width), x_from), max(min(top + side, height), y_from)
    inside = image[y_from:y_to, x_from:x_to]
    if inside.shape[:2] == (side, side):
        return inside, (left, top)
    window = np.zeros((side, side, 3), image.dtype)
    window[y_from - top : y_to - top, x_from - left : x_to - left] = inside
    return window, (left, top)


def encode_jpeg(image: np.ndarray) -> bytes:
    """Encode an RGB image ``uint8 [H, W, 3]`` as JPEG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return cv2.imencode(".jpg", image[..., ::-1], options)[1].tobytes()


def sharpness(image: np.ndarray) -> float:
    """Return the variance of the Laplacian of the grey image; low if the image is blurred."""
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def brightness(image: np.ndarray) -> float:
    """Return the mean of the grey image, 0 to 255."""
    return float(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean())
