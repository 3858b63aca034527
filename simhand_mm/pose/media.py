"""Pictures from a file, a folder, a video or a camera, one after the other; and back to disk."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class MediaSource:
    """Iterates over ``(name, image)``; images are ``[H, W, 3]`` uint8, BGR, upright.

    Args:
        source: Path of a picture, a video or a folder of pictures, or the number of a camera.

    Attributes:
        fps: Frames a second of a video or camera; None for pictures.
        folder: Where the pictures or the video lie; None for a camera.
        unreadable: Names of pictures that could not be decoded and were passed over.

    Raises:
        FileNotFoundError: If there is no such file or folder, or no picture in it.
        ValueError: If the file is neither a picture nor a video.
    """

    def __init__(self, source: str) -> None:
        self.unreadable: list[str] = []
        self._paths: list[Path] = []
        self._capture = None
        path = Path(source)
        if source.isdigit():
            self._capture = cv2.VideoCapture(int(source))
        elif path.is_dir():
            self._paths = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
            if not self._paths:
                raise FileNotFoundError(
                    f"{path} must hold pictures {IMAGE_SUFFIXES}, but has none."
                )
        elif not path.is_file():
            raise FileNotFoundError(f"source must be a file, folder or camera, but got {source!r}.")
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            self._paths = [path]
        else:
            self._capture = cv2.VideoCapture(str(path))
        if self._capture is not None and not self._capture.isOpened():
            raise ValueError(f"source must be a picture, video or camera, but {source!r} is not.")
        if self._capture is not None:
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # phones write how they were held
        self.folder = None if source.isdigit() else path if path.is_dir() else path.parent
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or 25.0 if self._capture else None

    def __len__(self) -> int:
        """Number of pictures; 0 if not known, as of a camera."""
        if self._capture is None:
            return len(self._paths)
        return max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        if self._capture is None:
            for path in self._paths:
                image = cv2.imread(str(path), cv2.IMREAD_COLOR)
                if image is None:
                    self.unreadable.append(path.name)
                else:
                    yield path.name, image
            return
        number = 0
        while True:
            is_read, image = self._capture.read()
            if not is_read:
                return
            yield f"frame_{number:06d}", image
            number += 1


class MediaWriter:
    """Writes pictures as they came: frames to one ``demo.mp4``, pictures to ``<name>.png``.

    Args:
        folder: Where to.
        source: Where the pictures come from.

    Raises:
        ValueError: If the folder is the source's, whose pictures would be overwritten.
    """

    def __init__(self, folder: str | Path, source: MediaSource) -> None:
        self.folder, self.fps = Path(folder), source.fps
        if source.folder is not None and self.folder.resolve() == source.folder.resolve():
            raise ValueError(
                f"folder must not be that of the source, but both are {folder}. Choose another."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._video = None
        self._written: set[str] = set()

    def write(self, name: str, image: np.ndarray) -> None:
        """Add one picture ``[H, W, 3]`` uint8, BGR; all frames of a video have one size."""
        if self.fps is None:
            stem = Path(name).stem
            stem = name if stem in self._written else stem  # a.png after a.jpg
            self._written.add(stem)
            cv2.imwrite(str(self.folder / f"{stem}.png"), image)
            return
        if self._video is None:
            size = (image.shape[1], image.shape[0])
            codec = cv2.VideoWriter.fourcc(*"mp4v")
            path = str(self.folder / "demo.mp4")
            self._video = cv2.VideoWriter(path, codec, self.fps, size)
        self._video.write(image)

    def close(self) -> None:
        """Finish the video."""
        if self._video is not None:
            self._video.release()
