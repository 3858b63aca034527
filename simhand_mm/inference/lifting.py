"""3D hands from 2D keypoints: an estimator of keypoints, and the lifter of the package."""

import cv2
import numpy as np

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.functional.camera import camera_of_view, solve_translation
from simhand_mm.lifting.lifter import Lifter
from simhand_mm.lifting.methods import estimate_poses
from simhand_mm.lifting.settings import BONE_MM, FOV_DEG, PoseMethod
from simhand_mm.pool import HandBox, HandPose3D
from simhand_mm.preparation.keypoints import KeypointEstimator


class LiftingEstimator:
    """Finds the 2D keypoints of the hands in an image and lifts them to 3D poses.

    Args:
        find_keypoints: Estimator of 2D keypoints, such as MediaPipe.
        camera_matrix: ``[3, 3]``, px. Without it a field of view of 60 degrees is assumed.
        method: How the pose is estimated; the methods other than ``lifted`` need the estimator's
            own 3D pose.
        lifter: The lifter; by default the one in the package.
    """

    def __init__(
        self,
        find_keypoints: KeypointEstimator,
        camera_matrix: np.ndarray | None = None,
        method: PoseMethod = "lifted",
        lifter: Lifter | None = None,
    ) -> None:
        self.find_keypoints, self.camera_matrix = find_keypoints, camera_matrix
        self.method: PoseMethod = method
        self.lifter = lifter or Lifter.load()

    def __call__(self, image: np.ndarray) -> list[HandPose3D]:
        """Return the hands in an image ``[H, W, 3]`` uint8, BGR.

        The hands have the size of an average adult's. ``position`` is None without a camera.
        """
        found = self.find_keypoints(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        if not found:
            return []
        points = np.stack([hand.keypoints_2d for hand in found])
        camera = self.camera_matrix
        if camera is None:
            camera = camera_of_view((image.shape[1], image.shape[0]), FOV_DEG)
        cameras = np.tile(camera, (len(found), 1, 1))
        sides = [hand.handedness for hand in found]
        nothing = np.full((21, 3), np.nan)
        others = [nothing if hand.keypoints_3d is None else hand.keypoints_3d for hand in found]
        lifted = estimate_poses(self.lifter, self.method, points, sides, cameras, np.stack(others))
        poses = lifted.keypoints_3d * BONE_MM
        wrists = solve_translation(poses.astype(np.float64), points, cameras)
        return [
            HandPose3D(
                box=HandBox(
                    keypoints_to_box(hand.keypoints_2d),
                    hand.handedness,
                    float(hand.keypoint_score.mean()),
                ),
                keypoints_2d=hand.keypoints_2d,
                keypoint_score=hand.keypoint_score,
                keypoints_3d=pose,
                position=None if self.camera_matrix is None else wrist,
            )
            for hand, pose, wrist in zip(found, poses, wrists, strict=True)
        ]
