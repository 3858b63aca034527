"""Images of reports: decoded, resized, made transparent, and embedded in a page.

Images are ``[H, W, 3]`` uint8 in OpenCV's channel order (BGR).
"""

import base64
import warnings

import cv2
import numpy as np


def transparent(on_white: np.ndarray, on_black: np.ndarray) -> np.ndarray:
    """Make a drawing with a transparent background, for light and dark pages.

    Args:
        on_white: ``[H, W, 3]`` uint8, the drawing on white.
        on_black: ``[H, W, 3]`` uint8, the same drawing on black.

    Returns:
        ``[H, W, 4]`` uint8, BGRA. Blended with white or black it reproduces the inputs.
    """
    opacity = 255.0 - (on_white.astype(np.float64) - on_black).mean(axis=-1, keepdims=True)
    color = on_black * 255.0 / np.maximum(opacity, 1.0)
    return np.concatenate([color, opacity], axis=-1).round().clip(0, 255).astype(np.uint8)


def resize_with_keypoints(
    image: np.ndarray, size: int, keypoints_2d: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Resize a square image together with its keypoints.

    Args:
        image: ``[S, S, 3]``.
        size: New side length in px.
        keypoints_2d: ``[21, 2]``, px in ``image``.
    """
    scale = size / image.shape[1]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(image, (size, size), interpolation=kind)
    return resized, (keypoints_2d + 0.5) * scale - 0.5


def decode_image(encoded: bytes) -> np.ndarray:
    """Decode JPEG or PNG bytes to ``[H, W, 3]`` uint8, BGR.

    Raises:
        ValueError: If the bytes are not an image.
    """
    buffer = np.frombuffer(encoded, np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_COLOR) if len(buffer) else None
    if image is None:
        raise ValueError(
            f"encoded must be a JPEG or PNG image, but got {len(encoded)} bytes of another format. "
            "Check the file."
        )
    return image


def image_or_placeholder(encoded: bytes, name: str, size: int = 224) -> np.ndarray:
    """Decode an image for a page; on failure warn and return a crossed-out placeholder.

    Args:
        encoded: JPEG or PNG bytes.
        name: Name of the image in the warning.
        size: Side length of the placeholder in px.
    """
    try:
        return decode_image(encoded)
    except ValueError:
        warnings.warn(f"image of {name} cannot be decoded and is shown crossed out", stacklevel=2)
    image = np.full((size, size, 3), 200, np.uint8)
    for start, end in (((0, 0), (size, size)), ((0, size), (size, 0))):
        cv2.line(image, start, end, (80, 80, 80), 2)
    return image


def data_uri(image: np.ndarray, kind: str = "jpeg") -> str:
    """Return a ``data:`` URI of an image, for embedding in an HTML page.

    Args:
        image: ``[H, W, 3]`` uint8, BGR; for ``png`` also ``[H, W, 4]``, BGRA.
        kind: ``jpeg`` for photographs, ``png`` for drawings.
    """
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 85] if kind == "jpeg" else []
    encoded = cv2.imencode("." + kind, image, parameters)[1].tobytes()
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
