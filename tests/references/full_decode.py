"""Every frame of a video as the ``ffmpeg`` program of imageio-ffmpeg decodes it."""

import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np


def run_ffmpeg(*args: str | Path) -> subprocess.CompletedProcess:
    """Run the program; its messages are in ``stderr``."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.decode(errors='replace')[-1500:]}")
    return done


@dataclass(frozen=True)
class Decoded:
    """All frames in the order of display.

    Attributes:
        images: ``uint8 [N, H, W, 3]`` RGB.
        times_s: Seconds since the first frame, ``N`` of them.
        time_base: What times are whole multiples of, in seconds.
    """

    images: np.ndarray
    times_s: list[Fraction]
    time_base: Fraction


def decode_all(path: Path, filters: str = "null") -> Decoded:
    """Decode everything, turn it upright as the program does by default, and filter it."""
    done = run_ffmpeg(
        *("-i", path, "-map", "0:v:0", "-vf", f"showinfo,{filters}", "-fps_mode", "passthrough"),
        *("-pix_fmt", "rgb24", "-f", "rawvideo", "-"),
    )
    text = done.stderr.decode(errors="replace")
    time_base = Fraction(re.findall(r"config in time_base: ([\d/]+)", text)[0])
    stamps = [int(stamp) for stamp in re.findall(r"\bpts: *(-?\d+) pts_time", text)]
    width, height = map(int, re.findall(r"Video: rawvideo.*?, (\d+)x(\d+)", text)[-1])
    images = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    times_s = [(stamp - stamps[0]) * time_base for stamp in stamps]
    return Decoded(images, times_s, time_base)


def choose(decoded: Decoded, fps: int) -> list[int]:
    """Numbers of the frames that are the first of their interval of ``1 / fps`` seconds.

    Times that were rounded to milliseconds may be half of one too early.
    """
    rounding_s = min(decoded.time_base / 2, Fraction(1, 2000))
    intervals = [(time_s + rounding_s) * fps // 1 for time_s in decoded.times_s]
    return [
        number
        for number, interval in enumerate(intervals)
        if not number or interval != intervals[number - 1]
    ]
