"""Preparing a hand pool compared with its components: decoding, pipeline, worker processes.

    python tools/benchmarks/preparation.py --write docs/performance.md

Ours and the peer run in turn in one process, and the minimum is reported, because other load on the
machine can only make a run slower. Core-seconds are CPU time of all threads.
"""

import argparse
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from parts import parts_parser, run_parts, take_turns

from simhand_mm.executors import LocalExecutor
from simhand_mm.preparation.finder_settings import MediaPipeRecipe
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation
from simhand_mm.preparation.video_files import find_videos
from simhand_mm.preparation.videos import sample_frames
from simhand_mm.synthetic import Contents, synthesize

FRAMES_PER_LAP = 1800  # a minute


def panning_camera() -> Iterator[av.VideoFrame]:
    """Yield a minute of 640 x 480 px at 30 fps: a panning camera, a moving object, noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)
    scene = cv2.resize(coarse, (1280, 960), interpolation=cv2.INTER_CUBIC)
    noise = rng.integers(0, 5, (8, 480, 640, 3), dtype=np.uint8)
    for number in range(FRAMES_PER_LAP):
        second = number / 30
        x, y = 319 + int(319 * np.sin(0.7 * second)), 239 + int(239 * np.cos(0.5 * second))
        image = scene[y : y + 480, x : x + 640] // 2 + noise[number % len(noise)]
        cv2.circle(image, (320 + int(200 * np.sin(3 * second)), 240), 80, (90, 70, 60), -1)
        yield av.VideoFrame.from_ndarray(image, format="rgb24")


def write_video(path: Path, minutes: int, key_interval: int) -> None:
    """Write H.264 with the default settings of x264; one minute of video is repeated."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"g": str(key_interval)})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        packets: list[Any] = [
            packet for frame in panning_camera() for packet in stream.encode(frame)
        ]
        packets += stream.encode()
        lap_ticks = round(FRAMES_PER_LAP / 30 / packets[0].time_base)
        for lap in range(minutes):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts = packet.pts + lap * lap_ticks, packet.dts + lap * lap_ticks
                copy.duration, copy.time_base = packet.duration, packet.time_base
                copy.stream, copy.is_keyframe = stream, packet.is_keyframe
                container.mux(copy)


def every_30th_read(path: Path) -> list[np.ndarray]:
    """Loop of the released scripts: decode and convert every frame, keep every 30th."""
    capture, kept, number = cv2.VideoCapture(str(path)), [], 0
    is_read, image = capture.read()
    while is_read:
        if number % 30 == 0:
            kept.append(image)
        number += 1
        is_read, image = capture.read()
    return kept


def every_30th_grabbed(path: Path) -> list[np.ndarray]:
    """The same loop without converting the other frames."""
    capture, kept, number = cv2.VideoCapture(str(path)), [], 0
    while capture.grab():
        if number % 30 == 0:
            kept.append(capture.retrieve()[1])
        number += 1
    return kept


def decoding(minutes: int, turns: int) -> Iterator[str]:
    """Yield a table of decoding H.264 to 1 fps by key interval, with all cores."""
    cores = len(os.sched_getaffinity(0))
    works: dict[str, Callable[[Path], list]] = {
        "cv2 `read`, keep every 30th": every_30th_read,
        "cv2 `grab`, `retrieve` every 30th": every_30th_grabbed,
        "**ours**": lambda path: list(sample_frames(path, 1, None, cores)),
        "**ours**, one thread": lambda path: list(sample_frames(path, 1)),
    }
    yield f"| {minutes} min, 640 x 480 px, 30 fps, to 1 fps | " + " | ".join(works) + " | ratio |"
    yield "| --- " * (len(works) + 2) + "|"
    with tempfile.TemporaryDirectory() as folder:
        for key_interval in (250, 60, 30):
            path = Path(folder) / f"{key_interval}.mp4"
            write_video(path, minutes, key_interval)
            counts = {name: len(work(path)) for name, work in works.items()}
            if set(counts.values()) != {60 * minutes}:
                raise RuntimeError(
                    f"all decoders must return {60 * minutes} frames, but got {counts}."
                )
            best = take_turns(
                {name: lambda w=work, p=path: w(p) for name, work in works.items()}, turns
            )
            for place, unit in enumerate(("wall", "core-seconds")):
                cells = [f"{seconds[place]:.2f}" for seconds in best.values()]
                read, _, ours, _ = (seconds[place] for seconds in best.values())
                yield (
                    f"| key frame every {key_interval}, {unit} | {' | '.join(cells)} "
                    f"| {read / ours:.2f} |"
                )
    yield ""
    yield "* ratio: cv2 `read` over ours"


def bare_mediapipe(frames: list[np.ndarray]) -> int:
    """The peer: only the legacy solution of MediaPipe; returns the number of hands."""
    import mediapipe

    solutions: Any = mediapipe.solutions
    hands = solutions.hands.Hands(
        static_image_mode=True, max_num_hands=4, model_complexity=1, min_detection_confidence=0.5
    )
    return sum(len(hands.process(image).multi_hand_landmarks or ()) for image in frames)


def prepare(videos_dir: Path, root: Path, num_workers: int) -> dict:
    """Prepare a new pool at 10 fps."""
    pool_dir = Path(tempfile.mkdtemp(dir=root))
    run = Preparation(videos_dir, pool_dir, CropSettings(fps=10), MediaPipeRecipe())
    info = run.run(LocalExecutor(num_workers))
    assert info is not None  # as for a shard
    return info


def pipeline(videos_dir: Path, root: Path, turns: int) -> Iterator[str]:
    """Yield a table: from videos to a pool in one process, and MediaPipe on decoded frames."""
    videos = find_videos(videos_dir)
    frames = [frame.image for video in videos for frame in sample_frames(video.path, 10)]
    works = {
        "MediaPipe alone": lambda: bare_mediapipe(frames),
        "**ours**": lambda: prepare(videos_dir, root, 0),
    }
    num_found, info = bare_mediapipe(frames), prepare(videos_dir, root, 0)
    best = take_turns(works, turns)
    yield f"| {len(frames)} frames of {len(videos)} videos | frames / s | frames / core-second |"
    yield "| --- | --- | --- |"
    for name, seconds in best.items():
        wall, core = len(frames) / seconds
        yield f"| {name} | {wall:.1f} | {core:.1f} |"
    wall, core = best["MediaPipe alone"] / best["**ours**"]
    yield f"| share | {wall:.3f} | {core:.3f} |"
    yield ""
    drops = ", ".join(f"{number} {reason}" for reason, number in info["num_drops"].items())
    yield f"* MediaPipe finds {num_found} hands, ours keeps {info['num_hands']}; dropped: {drops}"


def workers(videos_dir: Path, root: Path, turns: int) -> Iterator[str]:
    """Yield a table of one and two worker processes, including start and merge."""
    works = {n: (lambda n=n: prepare(videos_dir, root, n)) for n in (1, 2)}
    one, two = (seconds[0] for seconds in take_turns(works, turns).values())
    yield "| worker processes | wall | times one |"
    yield "| --- | --- | --- |"
    yield f"| 1 | {one:.1f} s | 1 |"
    yield f"| 2 | {two:.1f} s | {one / two:.2f} |"


def on_synthetic_videos(part: Callable, args: argparse.Namespace) -> Iterator[str]:
    """Run a part that needs videos of hands; synthesize them first."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cores = len(os.sched_getaffinity(0))
        synthesize(root / "synthetic", Contents(args.videos, 24, 0, 0), LocalExecutor(cores))
        yield from part(root / "synthetic" / "videos", root, args.turns)


PARTS = {
    "decoding": lambda args: decoding(args.minutes, args.turns),
    "pipeline": lambda args: on_synthetic_videos(pipeline, args),
    "workers": lambda args: on_synthetic_videos(workers, args),
}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument(
        "--minutes", type=int, default=10, help="length of the H.264 video in minutes"
    )
    parser.add_argument(
        "--videos", type=int, default=80, help="number of synthetic videos of 24 frames"
    )
    parser.add_argument("--turns", type=int, default=2, help="number of measurements of each work")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    run_parts("preparation", PARTS, args)


if __name__ == "__main__":
    main()
