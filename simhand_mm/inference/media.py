"""Reads images from a file, a folder, a video or a camera."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class MediaSource:
    """Iterates over ``(name, image)``; images are ``[H, W, 3]`` uint8, BGR, upright.

    Args:
        source: Path of an image, a video or a folder of images, or the index of a camera.

    Attributes:
        fps: Frames per second of a video or camera; None for images.
        folder: Folder of the images or the video; None for a camera.
        time_s: Time of the last frame read, in seconds.
        unreadable: Name of each dropped image -> reason.

    Raises:
        FileNotFoundError: If the file or folder does not exist, or the folder contains no image.
        ValueError: If the file is neither an image nor a video.
    """

    def __init__(self, source: str) -> None:
        self.unreadable: dict[str, str] = {}
        self.time_s = 0.0
        self._paths: list[Path] = []
        self._capture: Any = None
        path = Path(source)
        if source.isdigit():
            self._capture = cv2.VideoCapture(int(source))
        elif path.is_dir():
            self._paths = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
            if not self._paths:
                raise FileNotFoundError(
                    f"source must contain images {IMAGE_SUFFIXES}, but {path} has none. "
                    "Choose another folder."
                )
        elif not path.is_file():
            raise FileNotFoundError(
                f"source must be a file, folder or camera, but {source!r} does not exist. "
                "Correct the path."
            )
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            self._paths = [path]
        else:
            self._capture = cv2.VideoCapture(str(path))
        if self._capture is not None and not self._capture.isOpened():
            raise ValueError(
                f"source must be an image, video or camera, but {source!r} cannot be opened. "
                "Check the file or the index of the camera."
            )
        if self._capture is not None:
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # phones store their orientation
        self.folder = None if source.isdigit() else path if path.is_dir() else path.parent
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or 25.0 if self._capture else None

    def __len__(self) -> int:
        """Number of images or frames; 0 if unknown, as for a camera."""
        if self._capture is None:
            return len(self._paths)
        return max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)

    @property
    def duration_s(self) -> float:
        """Duration of a video in seconds; 0 if unknown."""
        return len(self) / self.fps if self.fps else 0.0

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        return self._read_frames() if self._capture is not None else self._read_images()

    def _read_images(self) -> Iterator[tuple[str, np.ndarray]]:
        for path in self._paths:
            reason = _why_incomplete(path)
            image = None if reason else cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                self.unreadable[path.name] = reason or "not decodable"
            else:
                yield path.name, image

    def _read_frames(self) -> Iterator[tuple[str, np.ndarray]]:
        start, number = time.monotonic(), 0
        while True:
            is_read, image = self._capture.read()
            if not is_read:
                break
            # A camera has no time stamps and delivers frames as fast as they are read.
            self.time_s = time.monotonic() - start
            if self.folder is not None:
                self.time_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield f"frame_{number:06d}", image
            number += 1
        if self.folder is not None and number == 0:
            self.unreadable["video"] = "no frame is decodable"


def _why_incomplete(path: Path) -> str | None:
    """Return a reason if the end of an image is missing; OpenCV silently fills it with grey."""
    try:
        with Image.open(path) as image:
            image.load()
    except UnidentifiedImageError:
        return None  # OpenCV may support the format
    except (OSError, SyntaxError, ValueError) as error:
        return str(error)
    return None
