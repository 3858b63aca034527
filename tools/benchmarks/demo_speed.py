"""Frames per core-second of the models of `simhand demo`, and of MediaPipe alone.

    python tools/benchmarks/demo_speed.py VIDEO --write docs/performance.md

The first frames of a video are decoded before; the methods then process them in turn, in several
rounds. CPU time of all threads is counted, so that other programs on the machine do not matter.
*image model*: from image to keypoints by the network of the config for any appearance, with random
weights, on which time does not depend, and on the boxes that MediaPipe found before.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config

from simhand_mm.cli import find_config, run
from simhand_mm.experiments.tables import write_part
from simhand_mm.inference.lifting import LiftingEstimator
from simhand_mm.inference.media import MediaSource
from simhand_mm.inference.models import mediapipe_detector
from simhand_mm.pose.inferencer import HandPose3DInferencer, Runtime
from simhand_mm.preparation.keypoints import MediaPipeHands
from simhand_mm.visualization.demo_frame import DrawnHand, draw_demo_frame

CONFIG = "configs/detnet/detnet_resnet18_1xb256-24e_synthetic-any-128px.py"
Method = Callable[[list[np.ndarray]], Any]


def read_frames(video: Path, num_frames: int) -> list[np.ndarray]:
    """Decode the first frames, ``[H, W, 3]`` uint8, BGR."""
    frames = []
    for _, frame in MediaSource(str(video)):
        frames.append(frame)
        if len(frames) == num_frames:
            break
    return frames


def mediapipe(max_hands: int, is_video: bool) -> Method:
    """Return MediaPipe alone."""
    estimate = MediaPipeHands(max_hands, is_video=is_video)
    return lambda frames: [estimate(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)) for frame in frames]


def lifted(max_hands: int) -> Method:
    """Return the default model of the demo, in a video."""
    estimate = LiftingEstimator(MediaPipeHands(max_hands, is_video=True))
    return lambda frames: [estimate(frame) for frame in frames]


def drawn(max_hands: int, frames: list[np.ndarray]) -> Method:
    """Return the drawing of the output, for hands that are estimated before."""
    hands = lifted(max_hands)(frames)

    def draw(frames: list[np.ndarray]) -> None:
        for frame, found in zip(frames, hands, strict=True):
            drawings = [DrawnHand(h.keypoints_2d, h.keypoints_3d, h.handedness) for h in found]
            draw_demo_frame(frame, drawings)

    return draw


def image_model(runtime: Runtime, frames: list[np.ndarray]) -> Method:
    """Return the image model with random weights, on boxes that are found before."""
    from mmpose.apis import init_model

    boxes = [mediapipe_detector(1)(frame) for frame in frames]
    config = Config.fromfile(find_config(CONFIG))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "random.pth"
        torch.save({"state_dict": init_model(config, None, "cpu").state_dict()}, path)
        infer = HandPose3DInferencer(config, path, runtime=runtime)
    return lambda frames: [infer(image, found) for image, found in zip(frames, boxes, strict=True)]


def measure(methods: dict[str, Method], frames: list[np.ndarray], rounds: int) -> dict[str, float]:
    """Return the frames per core-second of each method: the median of rounds in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for number in range(rounds + 1):
        for name, method in methods.items():
            start = time.process_time()
            method(frames)
            if number:  # the first round is a warm-up
                seconds[name].append(time.process_time() - start)
    return {name: len(frames) / statistics.median(values) for name, values in seconds.items()}


def main(video: Path, /, frames: int = 60, rounds: int = 3, write: Path | None = None) -> None:
    """Print the table.

    Args:
        video: A video with one hand.
        frames: Number of frames.
        rounds: Number of rounds.
        write: Document in which to update the table.
    """
    from performance_page import machine  # beside this file, which is found only if it is run

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    images = read_frames(video, frames)
    methods = {
        "MediaPipe, each frame by itself": mediapipe(1, False),
        "MediaPipe, as a video, one hand at most": mediapipe(1, True),
        "MediaPipe, as a video, two hands at most": mediapipe(2, True),
        "**simhand demo**, one hand at most": lifted(1),
        "**simhand demo**, two hands at most": lifted(2),
        "image model, followed hand, torch": image_model("torch", images),
        "image model, followed hand, onnxruntime": image_model("onnxruntime", images),
        "drawing of the output": drawn(1, images),
    }
    size = f"{images[0].shape[1]}x{images[0].shape[0]}"
    lines = [
        f"{machine()}; torch {torch.__version__}; {len(images)} frames of {size} px.",
        "",
        "| | frames per core-second |",
        "| --- | --- |",
    ]
    for name, rate in measure(methods, images, rounds).items():
        lines.append(f"| {name} | {rate:.1f} |")
    print(*lines, sep="\n")
    if write:
        write_part(write, "demo", "speed", "\n".join(lines))


if __name__ == "__main__":
    run(main, __doc__)
