"""Draw 3D hand poses into pictures, a video or the view of a camera, and write them as JSON.

The exit code is 0 if every picture was drawn, 3 if some were passed over, and 1 if none was drawn.
"""

import argparse
import sys

import cv2
import numpy as np

from simhand_mm.executors import progress_bar
from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.pool import HandBox, write_json
from simhand_mm.pose.inferencer import HandPose3DInferencer, describe_json
from simhand_mm.pose.media import MediaSource, MediaWriter, draw_all
from simhand_mm.preparation.keypoints import MediaPipeHands
from simhand_mm.visualization.demo_frame import DrawnHand, draw_demo_frame

SOME_PASSED_OVER = 3


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file of a fine-tuned model")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("source", help="picture, folder of pictures, video, or number of a camera")
    parser.add_argument("--out", default="work_dirs/demo", help="folder of the results")
    parser.add_argument("--max-frames", type=int, help="stop after so many; so does Ctrl-C")
    parser.add_argument("--max-hands", type=int, default=4, help="in one picture")
    parser.add_argument("--box", type=float, nargs=4, help="x1 y1 x2 y2, instead of MediaPipe's")
    parser.add_argument("--side", choices=["left", "right"], default="right", help="with --box")
    parser.add_argument("--camera", type=float, nargs=4, help="fx fy cx cy in px, for the position")
    parser.add_argument("--device", default="cpu", help="where the model runs")
    return parser.parse_args()


def mediapipe_finder(max_hands: int):
    """Boxes and sides from MediaPipe, for :class:`HandPose3DInferencer`."""
    estimate = MediaPipeHands(max_hands)

    def find_hands(image: np.ndarray) -> list[HandBox]:
        hands = estimate(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return [HandBox(keypoints_to_box(h.keypoints_2d), h.handedness) for h in hands]

    return find_hands


def pinhole(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Camera matrix ``[3, 3]``, px."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def main() -> None:
    """Run the command line."""
    args = parse_args()
    source = MediaSource(args.source)
    given = [HandBox(np.array(args.box), args.side)] if args.box else None
    finder = None if given else mediapipe_finder(args.max_hands)
    inferencer = HandPose3DInferencer(args.config, args.checkpoint, args.device, finder)
    camera = pinhole(*args.camera) if args.camera else None

    def draw(image: np.ndarray) -> tuple[np.ndarray, list[dict]]:
        hands = inferencer(image, given, camera)
        drawn = [DrawnHand(h.keypoints_2d, h.keypoints_3d, h.handedness) for h in hands]
        return draw_demo_frame(image, drawn), [hand.to_json() for hand in hands]

    writer = MediaWriter(args.out, source)
    with progress_bar(args.max_frames or len(source), "pictures") as progress:
        results = draw_all(source, writer, draw, args.max_frames, progress.update)
    write_json(f"{args.out}/hands.json", {**describe_json(), "pictures": results})
    found = sum(len(result["hands"]) for result in results)
    print(f"{found} hands in {len(results)} pictures: {args.out}/hands.json")
    if source.unreadable:
        for name, reason in source.unreadable.items():
            print(f"passed over: {name} ({reason})", file=sys.stderr)
        print(f"{len(source.unreadable)} pictures were passed over", file=sys.stderr)
        sys.exit(SOME_PASSED_OVER)


if __name__ == "__main__":
    main()
