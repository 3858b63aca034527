"""Draw 3D hand poses into pictures, a video or the view of a camera, and write them as JSON.

    simhand demo CONFIG CHECKPOINT pictures --out work_dirs/demo

The exit code is 0 if every picture was drawn, 3 if some were passed over, and 1 if none was drawn.
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

SOME_PASSED_OVER = 3

Box: TypeAlias = Annotated[tuple[float, float, float, float] | None, arg(metavar="X1 Y1 X2 Y2")]
Camera: TypeAlias = Annotated[tuple[float, float, float, float] | None, arg(metavar="FX FY CX CY")]


def mediapipe_finder(max_hands: int) -> Callable[[np.ndarray], list[HandBox]]:
    """Boxes and sides from MediaPipe, for ``HandPose3DInferencer``."""
    estimate = MediaPipeHands(max_hands)

    def find_hands(image: np.ndarray) -> list[HandBox]:
        hands = estimate(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return [HandBox(keypoints_to_box(h.keypoints_2d), h.handedness) for h in hands]

    return find_hands


def pinhole(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Camera matrix ``[3, 3]``, px."""
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
    """Draw, write, and print where the results are.

    Args:
        config: Config file of a fine-tuned model.
        checkpoint: Checkpoint file.
        source: Picture, folder of pictures, video, or number of a camera.
        out: Folder of the results.
        max_frames: Stop after this number of frames; so does Ctrl-C.
        max_hands: Largest number of hands in one picture.
        box: Box of the hand in px, instead of those that MediaPipe finds.
        side: Side of the hand in --box.
        camera: Focal lengths and principal point in px; gives the position of the hands.
        device: Device that the model runs on.
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
    with progress_bar(max_frames or len(media), "pictures") as progress:
        results = draw_all(media, writer, draw, max_frames, progress.update)
    write_json(out / "hands.json", {**describe_json(), "pictures": results})
    found = sum(len(result["hands"]) for result in results)
    print(f"{found} hands in {len(results)} pictures: {out}/hands.json")
    if media.unreadable:
        for name, reason in media.unreadable.items():
            print(f"passed over: {name} ({reason})", file=sys.stderr)
        print(f"{len(media.unreadable)} pictures were passed over", file=sys.stderr)
        sys.exit(SOME_PASSED_OVER)


if __name__ == "__main__":
    run(main, __doc__)
