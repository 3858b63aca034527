"""Predict 3D hand poses in images, a video or a camera stream; write drawings and JSON.

    simhand demo pictures_or_video
    simhand demo --camera
    simhand demo pictures --checkpoint model.pth --config CONFIG

The exit code is 0 if all images were processed, 3 if some were dropped, and 1 if all failed.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.cli import run
from simhand_mm.executors import progress_bar
from simhand_mm.inference.live_view import LiveView
from simhand_mm.inference.media import MediaSource
from simhand_mm.inference.media_writing import MediaWriter, draw_all
from simhand_mm.inference.models import Estimator, HandModel
from simhand_mm.options import Out
from simhand_mm.pool import describe_json, write_json
from simhand_mm.visualization.demo_frame import DrawnHand, draw_demo_frame

SOME_DROPPED = 3


def main(
    source: str | None = None,
    /,
    hand_model: HandModel = HandModel(),  # noqa: B008 (frozen)
    out: Out = Path("work_dirs/demo"),
    camera: bool = False,
    max_frames: int | None = None,
) -> None:
    """Predict, draw and write hand poses, and print where the results are.

    Args:
        source: Image, folder of images, video, or index of a camera.
        hand_model: The model.
        out: Folder of the results.
        camera: Use the first camera. The hands are shown in the browser, at the printed address.
        max_frames: Maximum number of frames. Ctrl-C also stops and keeps the results so far.
    """
    if (source is None) != camera:
        raise ValueError(
            "source must be an image, a folder, a video, the index of a camera or --camera, but "
            f"got {'--camera and a source' if camera else 'none'}. Name one: simhand demo 7 is "
            "camera 7."
        )
    media = MediaSource("0" if source is None else source)
    print(hand_model.describe(), flush=True)
    estimate = hand_model.build(is_video=media.fps is not None)
    predictor = _Predictor(estimate, LiveView() if media.folder is None else None)
    if predictor.view:
        print(f"Live: {predictor.view.url} (Ctrl-C stops)", flush=True)
    writer = MediaWriter(out, media)
    with progress_bar(max_frames or len(media), "images") as progress:
        results = draw_all(media, writer, predictor, max_frames, progress.update)
    write_json(out / "hands.json", {**describe_json(), "pictures": results})
    found = sum(len(result["hands"]) for result in results)
    rate = len(results) / max(predictor.seconds, 1e-9)
    print(f"hands: {found}, images: {len(results)} ({rate:.0f} per second): {out}/hands.json")
    if media.unreadable:
        for name, reason in media.unreadable.items():
            print(f"dropped: {name} ({reason})", file=sys.stderr)
        print(f"{len(media.unreadable)} images were dropped", file=sys.stderr)
        sys.exit(SOME_DROPPED)


class _Predictor:
    """Predicts and draws the hands of an image, shows them, and measures the time of predicting."""

    def __init__(self, estimate: Estimator, view: LiveView | None) -> None:
        self.estimate, self.view = estimate, view
        self.seconds = 0.0

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, list[dict[str, Any]]]:
        start = time.perf_counter()
        hands = self.estimate(image)
        self.seconds += time.perf_counter() - start
        drawn = [DrawnHand(h.keypoints_2d, h.keypoints_3d, h.handedness) for h in hands]
        picture = draw_demo_frame(image, drawn)
        if self.view:
            self.view.show(picture)
        return picture, [hand.to_json() for hand in hands]


if __name__ == "__main__":
    run(main, __doc__)
