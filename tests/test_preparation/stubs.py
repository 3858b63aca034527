"""Tiny videos, and a hand finder that needs no MediaPipe.

A "hand" is a bright square on a dark ground, red for a left and green for a right one; its
keypoints are a fixed pattern over the square.
"""

import os
import time
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from simhand_mm.preparation.detectors import DetectionTable
from simhand_mm.preparation.finders import BoxFinder, FullFrameFinder
from simhand_mm.preparation.keypoints import HandKeypoints

PATTERN = np.stack([np.arange(21) % 5 / 4, np.arange(21) // 5 / 4], axis=-1)  # [21, 2] in [0, 1]


def hand_frame(number: int, handedness: str = "right", size_wh=(96, 64), side: int = 32):
    """A frame with one hand that moves with ``number``, and a number that can be read off it."""
    image = np.full((size_wh[1], size_wh[0], 3), 20, np.uint8)
    left, top = 8 + 3 * number % (size_wh[0] - side - 16), 10
    image[top : top + side, left : left + side] = 20, 20 + 200 * (handedness == "right"), 20
    if handedness == "left":
        image[top : top + side, left : left + side, 0] = 220
    image[:4, :4] = 3 * (number % 30)
    return image


def empty_frame(size_wh=(96, 64)):
    return np.full((size_wh[1], size_wh[0], 3), 20, np.uint8)


def write_video(
    path: Path,
    frames,
    fps=10,
    codec="libx264",
    stamps=None,
    codec_options=None,
    options=None,
    format=None,
):
    """Write frames; ``stamps`` in ms replace the even spacing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=format, options=options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=codec_options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            if stamps is not None:
                picture.pts, picture.time_base = stamps[number], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def write_hand_video(path: Path, num_frames: int = 6, handedness: str = "right", first: int = 0):
    frames = [hand_frame(first + number, handedness) for number in range(num_frames)]
    return write_video(path, frames)


POSE = np.random.default_rng(0).normal(0, 30, (21, 3))  # mm, the 3D that the stub estimates


class SquareEstimator:
    """Finds the square."""

    def __call__(self, image):
        bright = image.max(-1) > 120
        if not bright.any():
            return []
        rows, columns = np.nonzero(bright)
        low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()])
        is_left = image[rows, columns, 0].mean() > image[rows, columns, 1].mean()
        side = "left" if is_left else "right"
        return [HandKeypoints(low + PATTERN * (high - low), np.full(21, 0.9), side, POSE)]


class _CrashingFinder(FullFrameFinder):
    def __call__(self, video_id, frame):
        if "crash" in video_id:
            os._exit(17)
        if "bug" in video_id:
            raise ZeroDivisionError("stub")
        return super().__call__(video_id, frame)


@dataclass(frozen=True)
class StubRecipe:
    """Recipe of the stub; ``seconds`` makes each frame take that long."""

    seconds: float = 0.0

    def build(self):
        seconds = self.seconds

        class Slow(SquareEstimator):
            def __call__(self, image):
                time.sleep(seconds)
                return super().__call__(image)

        return _CrashingFinder(Slow())

    def record(self):
        return {"finder": "stub", **asdict(self)} | {"seconds": 0}


@dataclass(frozen=True)
class StubBoxesRecipe:
    """Looks for squares in the boxes of a table."""

    detections: str

    def build(self):
        return BoxFinder(DetectionTable(self.detections), SquareEstimator(), 1.0)

    def record(self):
        return {"finder": "stub", **asdict(self)}
