"""The 3D pose of one hand in an image, as every model returns it, and how it is written."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simhand_mm.functional.keypoints import KEYPOINT_NAMES
from simhand_mm.pool.detections import HandBox


@dataclass(frozen=True)
class HandPose3D:
    """Predicted pose of one hand. Left hands are returned as left hands, not mirrored.

    Attributes:
        box: Bounding box and handedness used as input.
        keypoints_2d: ``[21, 2]``, px in the image.
        keypoint_score: ``[21]`` in [0, 1].
        keypoints_3d: ``[21, 3]``, mm relative to the wrist, axes of the camera frame (x right, y
            down, z away from the camera). The size is that of an average hand of the training set.
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
        "the wrist, with the size of an average hand; left hands are left hands",
        "keypoint_names": list(KEYPOINT_NAMES),
    }
