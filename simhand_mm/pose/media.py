"""Pictures from a file, a folder, a video or a camera, one after the other; and back to disk."""

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class MediaSource:
    """Iterates over ``(name, image)``; images are ``[H, W, 3]`` uint8, BGR, upright.

    Args:
        source: Path of a picture, a video or a folder of pictures, or the number of a camera.

    Attributes:
        fps: Frames per second of a video or camera; None for pictures.
        folder: Where the pictures or the video lie; None for a camera.
        time_s: Time of the frame that was read last.
        unreadable: Name of each picture that was passed over -> reason.

    Raises:
        FileNotFoundError: If there is no such file or folder, or no picture in it.
        ValueError: If the file is neither a picture nor a video.
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

    @property
    def duration_s(self) -> float:
        """How long a video plays; 0 if not known."""
        return len(self) / self.fps if self.fps else 0.0

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        return self._read_frames() if self._capture is not None else self._read_pictures()

    def _read_pictures(self) -> Iterator[tuple[str, np.ndarray]]:
        for path in self._paths:
            reason = _why_incomplete(path)
            image = None if reason else cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                self.unreadable[path.name] = reason or "not decodable"
            else:
                yield path.name, image

    def _read_frames(self) -> Iterator[tuple[str, np.ndarray]]:
        begin, number = time.monotonic(), 0
        while True:
            is_read, image = self._capture.read()
            if not is_read:
                break
            # A camera has no stamps, and its pictures come as fast as they are taken away.
            self.time_s = time.monotonic() - begin
            if self.folder is not None:
                self.time_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield f"frame_{number:06d}", image
            number += 1
        if self.folder is not None and number == 0:
            self.unreadable["video"] = "no frame is decodable"


def _why_incomplete(path: Path) -> str | None:
    """Reason if the end of a picture is missing, which OpenCV fills with grey in silence."""
    try:
        with Image.open(path) as image:
            image.load()
    except UnidentifiedImageError:
        return None  # OpenCV may know the format
    except (OSError, SyntaxError, ValueError) as error:
        return str(error)
    return None


# Stamps of MPEG-4 have a denominator of 65,535 at most; this one divides the usual rates.
_TIME_BASE = Fraction(1, 60_000)


class MediaWriter:
    """Writes pictures as they came: frames to one ``demo.mp4``, pictures to ``<name>.png``.

    The video has the time stamps of its source, so that it plays as long, at any frame rate.

    Args:
        folder: Where to.
        source: Where the pictures come from.

    Raises:
        ValueError: If the folder is the source's, whose pictures would be overwritten.
    """

    def __init__(self, folder: str | Path, source: MediaSource) -> None:
        self.folder, self.source = Path(folder), source
        if source.folder is not None and self.folder.resolve() == source.folder.resolve():
            raise ValueError(
                f"folder must not be that of the source, but both are {folder}. Choose another."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._video: Any = None
        self._written: set[str] = set()

    def write(self, name: str, image: np.ndarray) -> None:
        """Add one picture ``[H, W, 3]`` uint8, BGR; all frames of a video have one size.

        Raises:
            OSError: If it cannot be written.
        """
        if self.source.fps is not None:
            if self._video is None:
                path = self.folder / "demo.mp4"
                self._video = _VideoFile(path, (image.shape[0], image.shape[1]), self.source.fps)
            self._video.write(image, self.source.time_s)
            return
        stem = Path(name).stem
        stem = name if stem in self._written else stem  # a.png after a.jpg
        self._written.add(stem)
        path = self.folder / f"{stem}.png"
        if not cv2.imwrite(str(path), image):
            raise OSError(f"picture must be writable, but {path} is not. Choose another folder.")

    def close(self) -> None:
        """Finish the video."""
        if self._video is not None:
            self._video.close(self.source.duration_s)


class _VideoFile:
    """An MP4 file of pictures with time stamps."""

    def __init__(self, path: Path, size_hw: tuple[int, int], fps: float) -> None:
        import av

        self._av, self._frame_s = av, 1 / fps
        self._file = av.open(str(path), "w")
        self._stream = self._file.add_stream("mpeg4", rate=round(1 / _TIME_BASE))
        self._stream.height, self._stream.width = (side + side % 2 for side in size_hw)
        self._stream.pix_fmt = "yuv420p"
        self._stream.bit_rate = 8 * self._stream.height * self._stream.width
        self._stream.codec_context.time_base = _TIME_BASE
        self._times_s: list[float] = []
        self._packets: list[Any] = []

    def write(self, image: np.ndarray, time_s: float) -> None:
        """Add a frame; one without a later stamp comes one frame after the one before."""
        if self._times_s and time_s <= self._times_s[-1]:
            time_s = self._times_s[-1] + self._frame_s
        self._times_s.append(time_s)
        height, width = (side + side % 2 for side in image.shape[:2])
        image = cv2.copyMakeBorder(
            image, 0, height - image.shape[0], 0, width - image.shape[1], cv2.BORDER_REPLICATE
        )
        frame = self._av.VideoFrame.from_ndarray(image, format="bgr24")
        before = self._packets[-1].pts if self._packets else -1
        frame.pts = max(round((time_s - self._times_s[0]) / _TIME_BASE), before + 1)
        frame.time_base = _TIME_BASE
        self._keep(self._stream.encode(frame))

    def close(self, duration_s: float) -> None:
        """Write the last frame, which is shown to the end of the source."""
        self._keep(self._stream.encode())
        last_s = max(duration_s - self._times_s[-1], self._frame_s)
        self._mux(self._packets.pop(), max(round(last_s / _TIME_BASE), 1))
        self._file.close()

    def _keep(self, packets: list[Any]) -> None:
        """Hold the last packet back until the next one tells how long it is shown."""
        for packet in packets:
            if self._packets:
                before = self._packets.pop()
                self._mux(before, packet.pts - before.pts)
            self._packets.append(packet)

    def _mux(self, packet: Any, duration: int) -> None:
        packet.duration = duration
        self._file.mux(packet)


def draw_all(
    source: MediaSource,
    writer: MediaWriter,
    draw: Callable[[np.ndarray], tuple[np.ndarray, Any]],
    max_frames: int | None = None,
    report: Callable[[], object] = lambda: None,
) -> list[dict[str, Any]]:
    """Draw into every picture of a source; a picture that fails is passed over.

    Args:
        source: Its ``unreadable`` tells afterwards which pictures were passed over, and why.
        writer: Is closed at the end, also by Ctrl-C.
        draw: From a picture to the drawn one and the record of its hands.
        max_frames: Stop after so many.
        report: Called after each picture.

    Returns:
        ``{"image": name, "hands": record}`` of each picture that was drawn.

    Raises:
        ValueError: If no picture could be drawn.
    """
    results: list[dict[str, Any]] = []
    try:
        for name, image in source:
            try:
                drawn, record = draw(image)
            except Exception as error:  # whatever is wrong with this one, the others are drawn
                source.unreadable[name] = f"{type(error).__name__}: {error}"
            else:
                writer.write(name, drawn)
                results.append({"image": name, "hands": record})
            report()
            if len(results) == max_frames:
                break
    except KeyboardInterrupt:
        print("\nstopped")
    finally:
        writer.close()
    if not results:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(source.unreadable.items())[:3])
        raise ValueError(
            f"at least one picture must be drawn, but none of {len(source.unreadable)} could be "
            f"({reasons or 'the source has none'}). Correct the source."
        )
    return results
