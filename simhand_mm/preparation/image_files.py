"""From an image file to RGB as a viewer shows it: upright, 8 bits per channel."""

import io
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from simhand_mm.preparation.archives import Member, MemberError

# What Pillow or OpenCV read. Animations (.gif, .apng) are videos.
IMAGE_SUFFIXES = (
    ".avif", ".bmp", ".dib", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm",
    ".png", ".pnm", ".ppm", ".ras", ".sr", ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip
# Images that mimetypes may not know, and that need more than Pillow and OpenCV.
UNREAD_SUFFIXES = (".arw", ".cr2", ".cr3", ".dng", ".exr", ".heic", ".heif", ".jxl", ".nef")
_MAX_PIXELS = 1 << 26  # 8192 x 8192, as for videos


class ImageFileError(ValueError):
    """An image that cannot be read as a whole.

    Attributes:
        reason: Short code for counting, such as ``not_an_image``.
        detail: What was found, without the path of the file.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_image(source: Path | Member) -> np.ndarray:
    """Read an image: its first picture, if it has several.

    The orientation of its EXIF data is applied. Grey images get three equal channels, 16 bits
    become 8, transparency is ignored.

    Args:
        source: The file, or the member of an archive.

    Returns:
        ``uint8 [H, W, 3]`` RGB.

    Raises:
        ImageFileError: If the file is no image, or is damaged or cut off.
    """
    with _open(source) as stream:
        if not stream.read(1):
            raise ImageFileError("empty_file", "the file has 0 bytes")
        stream.seek(0)
        return _decode(stream)


def _open(source: Path | Member) -> BinaryIO:
    try:
        if isinstance(source, Member):
            return io.BytesIO(source.read_bytes())
        return source.open("rb")
    except MemberError as error:
        raise ImageFileError(error.reason, str(error)) from error
    except OSError as error:
        raise ImageFileError("unreadable_file", str(error.strerror)) from error


def _decode(stream: BinaryIO) -> np.ndarray:
    try:
        with Image.open(stream) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise Image.DecompressionBombError(f"it has {image.width} x {image.height} px")
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
    except ImageFileError:
        raise
    except UnidentifiedImageError:
        return _decode_with_opencv(stream)
    except Image.DecompressionBombError as error:
        detail = f"{error}, and {_MAX_PIXELS} px are the most that is read"
        raise ImageFileError("frame_too_large", detail) from error
    except Exception as error:  # Pillow's readers raise errors of many kinds for damaged files
        raise ImageFileError("damaged", f"{type(error).__name__}: {error}") from error


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode == "F":
        raise ImageFileError("not_an_image", "it holds real numbers, whose range is not known")
    if image.mode == "I" or image.mode.startswith("I;16"):
        grey = np.clip(np.asarray(image, dtype=np.int64), 0, 65535) >> 8
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
    return np.asarray(image.convert("RGB"))


def _decode_with_opencv(stream: BinaryIO) -> np.ndarray:
    stream.seek(0)
    image = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ImageFileError("not_an_image", "neither Pillow nor OpenCV knows its format")
    return np.ascontiguousarray(image[..., ::-1])
