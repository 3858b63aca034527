"""Predict 3D hand poses in images, a video or a camera stream; write drawings and JSON.

    simhand demo CONFIG CHECKPOINT images --out work_dirs/demo

The exit code is 0 if all images were processed, 3 if some were dropped, and 1 if all failed.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import cv2
import numpy as np
from tyro.conf import arg

from simhand_mm.cli import run
from simhand_mm.executors import progress_bar
from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.options import Out
from simhand_mm.pool import HandBox, write_json
from simhand_mm.preparation.keypoints import MediaPipeHands
from simhand_mm.visualization.demo_frame import DrawnHand, draw_demo_frame

SOME_DROPPED = 3

Box: TypeAlias = Annotated[tuple[float, float, float, float] | None, arg(metavar="X1 Y1 X2 Y2")]
Camera: TypeAlias = Annotated[tuple[float, float, float, float] | None, arg(metavar="FX FY CX CY")]


def mediapipe_finder(max_hands: int) -> Callable[[np.ndarray], list[HandBox]]:
    """Return a function that detects hands with MediaPipe, for ``HandPose3DInferencer``."""
    estimate = MediaPipeHands(max_hands)

    def find_hands(image: np.ndarray) -> list[HandBox]:
        hands = estimate(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return [HandBox(keypoints_to_box(h.keypoints_2d), h.handedness) for h in hands]

    return find_hands


def pinhole(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Return the camera matrix ``[3, 3]``, px."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def main(
    config: Path,
    checkpoint: Path,
    source: str,
    /,
    out: Out = Path("work_dirs/demo"),
    max_frames: int | None = None,
    max_hands: int = 4,
    box: Box = None,
    side: Literal["left", "right"] = "right",
    camera: Camera = None,
    device: str = "cpu",
) -> None:
    """Predict, draw and write hand poses, and print where the results are.

    Args:
        config: Config file of a fine-tuned model.
        checkpoint: Checkpoint file.
        source: Image, folder of images, video, or index of a camera.
        out: Folder of the results.
        max_frames: Maximum number of frames. Ctrl-C also stops and keeps the results so far.
        max_hands: Maximum number of hands per image.
        box: Bounding box of the hand in px; replaces the detection by MediaPipe.
        side: Handedness of the hand in --box.
        camera: Focal lengths and principal point in px. If given, the position of each hand in
            the camera frame is estimated too.
        device: Device of the model, such as cpu or cuda:0.
    """
    from simhand_mm.pose.inferencer import HandPose3DInferencer, describe_json
    from simhand_mm.pose.media import MediaSource, MediaWriter, draw_all

    media = MediaSource(source)
    given = [HandBox(np.array(box), side)] if box else None
    finder = None if given else mediapipe_finder(max_hands)
    inferencer = HandPose3DInferencer(config, checkpoint, device, finder)
    matrix = pinhole(*camera) if camera else None

    def draw(image: np.ndarray) -> tuple[np.ndarray, list[dict[str, Any]]]:
        hands = inferencer(image, given, matrix)
        drawn = [DrawnHand(h.keypoints_2d, h.keypoints_3d, h.handedness) for h in hands]
        return draw_demo_frame(image, drawn), [hand.to_json() for hand in hands]

    writer = MediaWriter(out, media)
    with progress_bar(max_frames or len(media), "images") as progress:
        results = draw_all(media, writer, draw, max_frames, progress.update)
    write_json(out / "hands.json", {**describe_json(), "pictures": results})
    found = sum(len(result["hands"]) for result in results)
    print(f"{found} hands in {len(results)} images: {out}/hands.json")
    if media.unreadable:
        for name, reason in media.unreadable.items():
            print(f"dropped: {name} ({reason})", file=sys.stderr)
        print(f"{len(media.unreadable)} images were dropped", file=sys.stderr)
        sys.exit(SOME_DROPPED)


if __name__ == "__main__":
    run(main, __doc__)
