"""Inference: 3D hand poses of images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, default_collate
from mmpose.apis import init_model

from simhand_mm.functional.keypoints import KEYPOINT_NAMES
from simhand_mm.pool import HandBox
from simhand_mm.pose.evaluation import place_in_camera


@dataclass(frozen=True)
class HandPose3D:
    """Predicted pose of one hand. Left hands are returned as left hands, not mirrored.

    Attributes:
        box: Bounding box and handedness used as input.
        keypoints_2d: ``[21, 2]``, px in the image.
        keypoint_score: ``[21]`` in [0, 1].
        keypoints_3d: ``[21, 3]``, mm relative to the wrist, axes of the camera frame (x right, y
            down, z away from the camera). The hand has the mean size of the training set.
        position: ``[3]``, mm, position of the wrist in the camera frame; None if the camera is
            unknown.
    """

    box: HandBox
    keypoints_2d: np.ndarray
    keypoint_score: np.ndarray
    keypoints_3d: np.ndarray
    position: np.ndarray | None = None

    @property
    def handedness(self) -> str:
        """``left`` or ``right``, from the view of the person."""
        return self.box.handedness

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers; the keys include the units."""
        return {
            "handedness": self.handedness,
            "bbox_xyxy_px": np.round(self.box.bbox_xyxy, 2).tolist(),
            "bbox_score": round(float(self.box.score), 4),
            "keypoints_2d_px": np.round(self.keypoints_2d, 2).tolist(),
            "keypoint_score": np.round(self.keypoint_score, 4).tolist(),
            "keypoints_3d_root_relative_mm": np.round(self.keypoints_3d, 2).tolist(),
            "wrist_in_camera_mm": None
            if self.position is None
            else np.round(self.position, 2).tolist(),
        }


def describe_json() -> dict[str, Any]:
    """Return the description of units, axes and keypoints for a file of hand poses."""
    return {
        "units": "px in the image; mm",
        "frame": "axes of the camera: x right, y down, z away from it; keypoints_3d relative to "
        "the wrist, with the mean bone length of the training set; left hands are left hands",
        "keypoint_names": list(KEYPOINT_NAMES),
    }


class HandPose3DInferencer:
    """Detects hands and predicts their 3D poses.

    Args:
        config: Config file of a fine-tuned model.
        checkpoint: Checkpoint file.
        device: Device of the model.
        find_hands: Function that returns the hands of an image ``[H, W, 3]`` uint8, BGR. Without
            it, ``boxes`` must be passed with each image.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        device: str = "cpu",
        find_hands: Callable[[np.ndarray], Sequence[HandBox]] | None = None,
    ) -> None:
        self.model: Any = init_model(config, str(checkpoint), device=device)
        self.find_hands = find_hands
        self._pipeline = Compose(self.model.cfg.test_dataloader.dataset.pipeline)

    def __call__(
        self,
        image: np.ndarray,
        boxes: Sequence[HandBox] | None = None,
        camera_matrix: np.ndarray | None = None,
    ) -> list[HandPose3D]:
        """Predict the poses of all hands in an image.

        Args:
            image: ``[H, W, 3]`` uint8, BGR.
            boxes: Bounding boxes of the hands; by default those of ``find_hands``.
            camera_matrix: ``[3, 3]``, px. If given, the position of each hand in the camera
                frame is estimated too.

        Raises:
            ValueError: If there are neither ``boxes`` nor ``find_hands``.
        """
        if boxes is None:
            if self.find_hands is None:
                raise ValueError(
                    "boxes must be given if the inferencer has no find_hands, but got None. Pass "
                    "boxes, or use a detector such as MediaPipe (simhand demo)."
                )
            boxes = self.find_hands(image)
        if not boxes:
            return []
        samples = [self._pipeline(_as_sample(image, box)) for box in boxes]
        with torch.no_grad():
            # One tensor: a list would be copied and normalised crop by crop.
            outputs = self.model.test_step(default_collate(samples))
        return [
            _as_hand(box, output.pred_instances, camera_matrix)
            for box, output in zip(boxes, outputs, strict=True)
        ]


def _as_sample(image: np.ndarray, box: HandBox) -> dict[str, Any]:
    return {
        "img": image,
        "bbox": np.asarray(box.bbox_xyxy, np.float32)[None],
        "bbox_score": np.array([box.score], np.float32),
        "handedness": box.handedness,
    }


def _as_hand(box: HandBox, pred: Any, camera_matrix: np.ndarray | None) -> HandPose3D:
    position = None
    if camera_matrix is not None:
        arrays = (pred.keypoints_3d, pred.keypoints, pred.keypoint_scores)
        position = place_in_camera(*arrays, np.asarray(camera_matrix)[None])[0, 0]
    return HandPose3D(
        box, pred.keypoints[0], pred.keypoint_scores[0], pred.keypoints_3d[0], position
    )
