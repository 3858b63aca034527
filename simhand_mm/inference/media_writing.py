"""Processes all images of a source, and writes the results as images or as a video."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand_mm.inference.media import MediaSource

# The denominator of MPEG-4 time stamps is at most 65,535; this one is a multiple of usual rates.
_TIME_BASE = Fraction(1, 60_000)


class MediaWriter:
    """Writes results in the form of the source: a video ``demo.mp4``, or images ``<name>.png``.

    The video has the time stamps of its source, so its duration is the same at any frame rate.

    Args:
        folder: Output folder.
        source: Source of the images.

    Raises:
        ValueError: If the folder is that of the source, whose images would be overwritten.
    """

    def __init__(self, folder: str | Path, source: MediaSource) -> None:
        self.folder, self.source = Path(folder), source
        if source.folder is not None and self.folder.resolve() == source.folder.resolve():
            raise ValueError(
                f"folder must not be that of the source, but both are {folder}. "
                "Choose another folder."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._video: Any = None
        self._written: set[str] = set()

    def write(self, name: str, image: np.ndarray) -> None:
        """Write one image ``[H, W, 3]`` uint8, BGR; all frames of a video must have the same size.

        Raises:
            OSError: If the image cannot be written.
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
            raise OSError(
                f"folder must be writable, but {path} cannot be written. Choose another folder."
            )

    def close(self) -> None:
        """Close the video file."""
        if self._video is not None:
            self._video.close(self.source.duration_s)


class _VideoFile:
    """An MP4 file with time stamps per frame."""

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
        """Add a frame; if its time stamp does not increase, use the next frame interval."""
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
        """Write the last frame, which lasts until the end of the source, and close the file."""
        self._keep(self._stream.encode())
        last_s = max(duration_s - self._times_s[-1], self._frame_s)
        self._mux(self._packets.pop(), max(round(last_s / _TIME_BASE), 1))
        self._file.close()

    def _keep(self, packets: list[Any]) -> None:
        """Write packets, except the last one, whose duration is known only with the next one."""
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
    """Process all images of a source and write the results; drop images that fail.

    Args:
        source: Source of the images. Afterwards ``unreadable`` lists the dropped images with
            reasons.
        writer: Writer of the results; it is closed at the end, also after Ctrl-C.
        draw: Function that returns the drawn image and the record of its hands.
        max_frames: Maximum number of images.
        report: Function called after each image.

    Returns:
        ``{"image": name, "hands": record}`` for each processed image.

    Raises:
        ValueError: If no image could be processed.
    """
    results: list[dict[str, Any]] = []
    try:
        for name, image in source:
            try:
                drawn, record = draw(image)
            except Exception as error:  # one bad image must not end the run
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
            f"source must have at least one usable image, but all {len(source.unreadable)} failed "
            f"({reasons or 'the source is empty'}). Correct the source."
        )
    return results
