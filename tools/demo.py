"""Draw 3D hand poses into pictures, a video or the view of a camera, and write them as JSON."""

import argparse
import json

import cv2
import numpy as np
from mmengine.utils import ProgressBar

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.pool import atomic_path
from simhand_mm.pose.inferencer import HandDetection, HandPose3D, HandPose3DInferencer
from simhand_mm.pose.media import MediaSource, MediaWriter
from simhand_mm.preparation.keypoints import MediaPipeHands
from simhand_mm.visualization.drawing import draw_hand, draw_hand_3d


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file of a fine-tuned model")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("source", help="picture, folder of pictures, video, or number of a camera")
    parser.add_argument("--out", default="work_dirs/demo", help="folder of the results")
    parser.add_argument("--max-frames", type=int, help="stop after so many")
    parser.add_argument("--max-hands", type=int, default=4, help="in one picture")
    parser.add_argument("--box", type=float, nargs=4, help="x1 y1 x2 y2, instead of MediaPipe's")
    parser.add_argument("--side", choices=["left", "right"], default="right", help="with --box")
    parser.add_argument("--device", default="cpu", help="where the model runs")
    return parser.parse_args()


def mediapipe_finder(max_hands: int):
    """Boxes and sides from MediaPipe, for :class:`HandPose3DInferencer`."""
    estimate = MediaPipeHands(max_hands)

    def find_hands(image: np.ndarray) -> list[HandDetection]:
        hands = estimate(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return [HandDetection(keypoints_to_box(h.keypoints_2d), h.handedness) for h in hands]

    return find_hands


def draw(image: np.ndarray, hands: list[HandPose3D], num_rows: int) -> np.ndarray:
    """The picture with skeletons; beside it each hand from the front and from the side."""
    size = image.shape[0] // max(num_rows, 2)
    panels = np.full((image.shape[0], 2 * size, 3), 255, np.uint8)
    for row, hand in enumerate(hands[:num_rows]):
        image = draw_hand(image, hand.keypoints_2d, hand.keypoints_3d[:, 2])
        views = [draw_hand_3d(hand.keypoints_3d, view, size, 260.0) for view in ("front", "side")]
        panels[row * size : (row + 1) * size] = np.hstack(views)
    return np.hstack([image, panels])


def main() -> None:
    """Run the command line."""
    args = parse_args()
    source = MediaSource(args.source)
    given = [HandDetection(np.array(args.box), args.side)] if args.box else None
    finder = None if given else mediapipe_finder(args.max_hands)
    inferencer = HandPose3DInferencer(args.config, args.checkpoint, args.device, finder)
    writer, results = MediaWriter(args.out, source.fps), []
    progress = ProgressBar(args.max_frames or len(source))
    for number, (name, image) in enumerate(source):
        if number == args.max_frames:
            break
        hands = inferencer(image, given)
        writer.write(name, draw(image, hands, args.max_hands))
        results.append({"image": name, "hands": [hand.to_json() for hand in hands]})
        progress.update()
    writer.close()
    with atomic_path(f"{args.out}/hands.json") as temporary:
        temporary.write_text(json.dumps(results, indent=1), encoding="utf-8")
    found = sum(len(result["hands"]) for result in results)
    print(f"\n{found} hands in {len(results)} pictures: {args.out}/hands.json")
    print(*(f"passed over, not decodable: {name}\n" for name in source.unreadable), sep="", end="")


if __name__ == "__main__":
    main()
