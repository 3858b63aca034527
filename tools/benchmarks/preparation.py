"""Speed of preparing a hand pool, beside what it is built from.

    decoding   frames at 1 fps of a 30 fps H.264 video, beside the loop that decodes every frame
               with OpenCV and keeps each 30th
    pipeline   a pool from videos, beside MediaPipe alone on the same decoded frames
    workers    two worker processes beside one

Ours and the peer take turns in one process and the best of the turns counts, because other load on
the machine can only make a turn slower.
"""

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from simhand_mm.preparation.executors import LocalExecutor
from simhand_mm.preparation.finder_settings import MediaPipeRecipe
from simhand_mm.preparation.keypoints import MediaPipeHands
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation
from simhand_mm.preparation.videos import find_videos, sample_frames
from simhand_mm.synthetic import synthesize


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of this process."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def take_turns(works: dict[str, Callable[[], object]], turns: int) -> dict[str, np.ndarray]:
    """Least wall and processor seconds of each work."""
    seconds = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            seconds[name].append(seconds_of(work))
    return {name: np.min(measured, axis=0) for name, measured in seconds.items()}


def write_panning_video(path: Path, minutes: float, key_interval: int) -> None:
    """640 x 480 px, 30 fps, x264 as it comes: a camera that pans, a thing that moves, noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)
    scene = cv2.resize(coarse, (1280, 960), interpolation=cv2.INTER_CUBIC)
    noise = rng.integers(0, 5, (8, 480, 640, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"g": str(key_interval)})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number in range(round(minutes * 1800)):
            second = number / 30
            x, y = 319 + int(319 * np.sin(0.7 * second)), 239 + int(239 * np.cos(0.5 * second))
            image = scene[y : y + 480, x : x + 640] // 2 + noise[number % len(noise)]
            cv2.circle(image, (320 + int(200 * np.sin(3 * second)), 240), 80, (90, 70, 60), -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def every_30th_frame(path: Path) -> list[np.ndarray]:
    """The loop of the released scripts."""
    capture, kept, number = cv2.VideoCapture(str(path)), [], 0
    is_read, image = capture.read()
    while is_read:
        if number % 30 == 0:
            kept.append(image)
        number += 1
        is_read, image = capture.read()
    return kept


def measure_decoding(root: Path, minutes: float, turns: int) -> None:
    """Decoding beside the OpenCV loop, both with the threads that this machine has cores."""
    for key_interval in (250, 60, 30):
        path = root / f"{key_interval}.mp4"
        write_panning_video(path, minutes, key_interval)
        num_threads = len(os.sched_getaffinity(0))
        best = take_turns(
            {
                "cv2": lambda path=path: every_30th_frame(path),
                "ours": lambda path=path, n=num_threads: list(sample_frames(path, 1, None, n)),
                "one thread": lambda path=path: list(sample_frames(path, 1)),
            },
            turns,
        )
        ratio, one = best["cv2"] / best["ours"], best["cv2"] / best["one thread"]
        print(
            f"decoding, {minutes:g} min, key frame each {key_interval}: cv2 {best['cv2'][0]:.2f} s,"
            f" ours {best['ours'][0]:.2f} s: {ratio[0]:.2f} x as fast (processor time "
            f"{ratio[1]:.2f} x); with one thread {one[0]:.2f} x (processor time {one[1]:.2f} x)"
        )


def measure_pipeline(videos_dir: Path, root: Path, turns: int) -> None:
    """The whole preparation in one process beside MediaPipe alone."""
    videos = find_videos(videos_dir)
    frames = [frame.image for video in videos for frame in sample_frames(video.path, 10)]
    pools = iter(range(1000))

    def bare() -> None:
        estimator = MediaPipeHands()
        for image in frames:
            estimator(image)

    def pipeline() -> None:
        prepare(videos_dir, root / f"pool{next(pools)}", 0)

    best = take_turns({"MediaPipe": bare, "ours": pipeline}, turns)
    share = best["MediaPipe"] / best["ours"]
    print(
        f"pipeline, {len(frames)} frames: MediaPipe alone {len(frames) / best['MediaPipe'][0]:.1f} "
        f"frames/s, ours {len(frames) / best['ours'][0]:.1f}: {share[0]:.3f} of it "
        f"(processor time {share[1]:.3f})"
    )


def measure_workers(videos_dir: Path, root: Path, turns: int) -> None:
    """Two worker processes beside one, start of the processes included."""
    pools = iter(range(1000))
    best = take_turns(
        {
            f"{n}": lambda n=n: prepare(videos_dir, root / f"workers{next(pools)}", n)
            for n in (1, 2)
        },
        turns,
    )
    one, two = best["1"][0], best["2"][0]
    print(f"workers: one {one:.1f} s, two {two:.1f} s: {one / two:.2f} x")


def prepare(videos_dir: Path, pool_dir: Path, num_workers: int) -> None:
    """A pool at 10 fps."""
    run = Preparation(videos_dir, pool_dir, CropSettings(fps=10), MediaPipeRecipe())
    run.run(LocalExecutor(num_workers))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["decoding", "pipeline", "workers"])
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the H.264 video")
    parser.add_argument("--videos", type=int, default=20, help="drawn videos of 24 frames")
    parser.add_argument("--turns", type=int, default=3, help="how often each is measured")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if "decoding" in args.what:
            measure_decoding(root, args.minutes, args.turns)
        if set(args.what) - {"decoding"}:
            synthesize(root / "drawn", args.videos, 24, 0, 0, num_workers=os.cpu_count())
        if "pipeline" in args.what:
            measure_pipeline(root / "drawn" / "videos", root, args.turns)
        if "workers" in args.what:
            measure_workers(root / "drawn" / "videos", root, args.turns)


if __name__ == "__main__":
    main()
