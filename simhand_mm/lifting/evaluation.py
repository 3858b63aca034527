"""Errors of a lifter on hands with known truth, as an estimator found them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simhand_mm.functional.keypoints import MIDDLE_MCP, WRIST
from simhand_mm.functional.pose_metrics import keypoint_errors_mm
from simhand_mm.lifting.lifter import LiftedHands, Lifter
from simhand_mm.lifting.methods import estimate_poses
from simhand_mm.lifting.noise import HandSamples

_PROTOCOLS = ("root_scale", "procrustes")
_METHODS = ("world_landmarks", "lifted", "lifted_from_both", "half_and_half")


@dataclass(frozen=True)
class FoundHands:
    """N right hands with known truth, as an estimator found them.

    Attributes:
        truth: The true hands, mm.
        found_2d: ``[N, 21, 2]`` px.
        found_3d: ``[N, 21, 3]`` mm, the estimator's own 3D, axes of the camera.
    """

    truth: HandSamples
    found_2d: Tensor
    found_3d: Tensor

    def __getitem__(self, rows: Tensor) -> "FoundHands":
        truth = HandSamples(
            self.truth.keypoints_2d[rows],
            self.truth.keypoints_3d[rows],
            self.truth.camera_matrix[rows],
        )
        return FoundHands(truth, self.found_2d[rows], self.found_3d[rows])


def errors_of_methods(lifter: Lifter, hands: FoundHands) -> dict[str, dict[str, float]]:
    """Return the mean errors in mm of each method, and of the lifter with other inputs."""
    found, camera = hands.found_2d.numpy(), hands.truth.camera_matrix.numpy()
    lifted = {
        name: estimate_poses(lifter, name, found, None, camera, hands.found_3d.numpy())
        for name in _METHODS
    }
    lifted["lifted, without the camera"] = lifter(found)
    true_2d = hands.truth.keypoints_2d.numpy()
    lifted["lifted, true 2D keypoints"] = lifter(true_2d, camera_matrix=camera)
    return {
        name: {
            protocol: round(_errors_mm(poses, hands, protocol).mean().item(), 2)
            for protocol in _PROTOCOLS
        }
        for name, poses in lifted.items()
    }


def compare_expected_errors(lifter: Lifter, hands: FoundHands) -> dict[str, float]:
    """Compare expected errors with true ones (``root_scale``)."""
    camera = hands.truth.camera_matrix.numpy()
    lifted = lifter(hands.found_2d.numpy(), camera_matrix=camera)
    errors_mm = _errors_mm(lifted, hands, "root_scale").numpy()
    true_3d = hands.truth.keypoints_3d
    bones = (true_3d[:, MIDDLE_MCP] - true_3d[:, WRIST]).norm(dim=-1).numpy()
    hand_mm, expected = errors_mm.mean(1), lifted.expected_error.mean(1)
    first, last = np.quantile(expected, [0.25, 0.75])
    values = {
        "expected, in units of the hand": expected.mean(),
        "true, in units of the hand": (errors_mm / bones[:, None]).mean(),
        "mm, quarter with the smallest expected error": hand_mm[expected <= first].mean(),
        "mm, quarter with the largest expected error": hand_mm[expected >= last].mean(),
        "share of hands that are not plausible": 1 - lifted.is_plausible.mean(),
        "mm, plausible": hand_mm[lifted.is_plausible].mean(),
        "mm, not plausible": hand_mm[~lifted.is_plausible].mean(),
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def _errors_mm(lifted: LiftedHands, hands: FoundHands, protocol: str) -> Tensor:
    """``[N, 21]``."""
    poses = torch.from_numpy(lifted.keypoints_3d).double()
    return keypoint_errors_mm(poses, hands.truth.keypoints_3d.double(), protocol)
