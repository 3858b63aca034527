"""The models of `simhand demo`: what each one is, how good it is, and how it is built."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import cv2
import numpy as np
from tyro.conf import arg

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.functional.camera import pinhole
from simhand_mm.inference.tracking import Detector, TrackedHands
from simhand_mm.lifting.settings import PoseMethod
from simhand_mm.pool import HandBox, HandPose3D
from simhand_mm.preparation.keypoints import MediaPipeHands

Estimator: TypeAlias = Callable[[np.ndarray], list[HandPose3D]]
"""From an image ``[H, W, 3]`` uint8, BGR, to its hands."""

Box: TypeAlias = Annotated[tuple[float, float, float, float] | None, arg(metavar="X1 Y1 X2 Y2")]
Intrinsics: TypeAlias = Annotated[
    tuple[float, float, float, float] | None, arg(metavar="FX FY CX CY")
]

# docs/demo.md says how the errors were measured; a test compares the numbers.
_LIFTED = (
    "MediaPipe's 2D keypoints, lifted to 3D. Mean error on synthetic hands: 20.7 mm (root_scale), "
    "7.5 mm (procrustes); MediaPipe's own 3D: 35.6 and 14.7 mm (docs/demo.md)"
)
_BOTH = "MediaPipe's 2D keypoints and its own 3D (docs/lifting.md), method "


@dataclass(frozen=True)
class HandModel:
    """Which model estimates the hands, and on what.

    Attributes:
        checkpoint: Checkpoint file of a fine-tuned model. By default MediaPipe's 2D keypoints are
            lifted to 3D by the lifter in the package.
        method: How a pose is made of MediaPipe's 2D keypoints and its own 3D, without a checkpoint.
        config: Config file of the checkpoint. Not needed for files of PublishModelHook.
        max_hands: Maximum number of hands per image; by default 4 in images and 2 in videos.
        box: Bounding box of the hand in px, in all images, for the checkpoint; replaces the
            detection by MediaPipe.
        side: Handedness of the hand in --box.
        intrinsics: Focal lengths and principal point in px. If given, the position of each hand in
            the camera frame is estimated too.
        device: Device of the checkpoint, such as cpu or cuda:0.

    Raises:
        ValueError: If there is a config or a box without a checkpoint.
    """

    checkpoint: Path | None = None
    method: PoseMethod = "lifted"
    config: Path | None = None
    max_hands: int | None = None
    box: Box = None
    side: Literal["left", "right"] = "right"
    intrinsics: Intrinsics = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not self.checkpoint and (self.config or self.box):
            given = "config" if self.config else "box"
            raise ValueError(
                f"checkpoint must be given with a {given}, but got None. Name the checkpoint."
            )

    def describe(self) -> str:
        """Return what the model is, and how good."""
        if self.checkpoint:
            return f"Model: {self.checkpoint}, on {'a given box' if self.box else 'detected hands'}"
        return f"Model: {_LIFTED if self.method == 'lifted' else _BOTH + self.method}"

    def build(self, is_video: bool) -> Estimator:
        """Build the estimator; in a video it follows hands from frame to frame.

        Args:
            is_video: Whether it gets the frames of a video, in order.
        """
        max_hands = self.max_hands or (2 if is_video else 4)
        camera = None if self.intrinsics is None else pinhole(*self.intrinsics)
        if not self.checkpoint:
            from simhand_mm.inference.lifting import LiftingEstimator  # loads torch

            return LiftingEstimator(
                MediaPipeHands(max_hands, is_video=is_video), camera, self.method
            )
        return self._build_image_model(self.checkpoint, is_video, max_hands, camera)

    def _build_image_model(
        self, checkpoint: Path, is_video: bool, max_hands: int, camera: np.ndarray | None
    ) -> Estimator:
        from simhand_mm.pose.inferencer import HandPose3DInferencer  # mmpose takes seconds to load

        runtime = "onnxruntime" if self.device == "cpu" and has_onnxruntime() else "torch"
        infer = HandPose3DInferencer(self.config, checkpoint, self.device, runtime=runtime)
        if self.box:
            given = [HandBox(np.array(self.box), self.side)]
            return lambda image: infer(image, given, camera)
        detect = mediapipe_detector(max_hands)
        if is_video:
            return TrackedHands(lambda image, boxes: infer(image, boxes, camera), detect, max_hands)
        return lambda image: infer(image, detect(image), camera)


def mediapipe_detector(max_hands: int) -> Detector:
    """Return a function that finds the boxes of hands in an image with MediaPipe."""
    estimate = MediaPipeHands(max_hands)

    def detect(image: np.ndarray) -> list[HandBox]:
        hands = estimate(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return [HandBox(keypoints_to_box(h.keypoints_2d), h.handedness) for h in hands]

    return detect


def has_onnxruntime() -> bool:
    """Whether onnx and onnxruntime are installed."""
    from importlib.util import find_spec

    return find_spec("onnx") is not None and find_spec("onnxruntime") is not None
