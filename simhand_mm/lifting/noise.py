"""Errors of a keypoint estimator: measured where the truth is known, and sampled for training.

The errors of each measured hand are kept together, in the lifter's frame of the true keypoints, so
that they stay correlated: an estimator that misses a finger misses all its keypoints. A training
hand gets the errors of a measured hand of similar pose and view.

Axes: M measured hands, N training hands.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.functional.lifting import look_at_hand, to_hand_unit


@dataclass(frozen=True)
class HandSamples:
    """Right hands seen by cameras.

    Attributes:
        keypoints_2d: ``[N, 21, 2]`` px.
        keypoints_3d: ``[N, 21, 3]``, any unit, camera frame.
        camera_matrix: ``[N, 3, 3]`` px.
    """

    keypoints_2d: Tensor
    keypoints_3d: Tensor
    camera_matrix: Tensor


@dataclass(frozen=True)
class NoiseBank:
    """Errors of an estimator in the lifter's frame of the true keypoints.

    Attributes:
        true_3d: ``[M, 21, 3]``, the hands, units of the hand.
        error_2d: ``[M, 21, 2]``, units of the spread of the true keypoints.
        error_3d: ``[M, 21, 3]``, of the estimator's own 3D, units of the hand.
    """

    true_3d: Tensor
    error_2d: Tensor
    error_3d: Tensor

    @classmethod
    def measure(
        cls, truth: HandSamples, found_2d: Tensor, found_3d: Tensor, max_error: float = 1.0
    ) -> "NoiseBank":
        """Measure errors.

        Args:
            truth: The true hands.
            found_2d: ``[M, 21, 2]`` px, the estimates.
            found_3d: ``[M, 21, 3]``, estimates in 3D, any unit, axes of the camera.
            max_error: Hands with a larger mean error (in units of the spread) are dropped: the
                estimator found something else.
        """
        valid = torch.ones(found_2d.shape[:2], dtype=torch.bool)
        true_2d, rotation = look_at_hand(truth.keypoints_2d, truth.camera_matrix, valid)
        # Not the frame of the found keypoints, whose errors would move the frame as well.
        moved = _same_frame(truth.keypoints_2d, found_2d, truth.camera_matrix, rotation)
        error_2d = moved - true_2d
        true_3d = to_hand_unit(truth.keypoints_3d @ rotation.mT)
        error_3d = to_hand_unit(found_3d @ rotation.mT) - true_3d
        good = error_2d.norm(dim=-1).mean(1) < max_error
        return cls(true_3d[good], error_2d[good], error_3d[good])

    def draw(
        self, true_3d: Tensor, generator: torch.Generator, num_candidates: int = 512
    ) -> tuple[Tensor, Tensor]:
        """Sample errors for hands ``[N, 21, 3]`` in the lifter's frame, units of the hand.

        Returns:
            Errors ``[N, 21, 2]`` and ``[N, 21, 3]`` of the hand of the most similar pose and view
            among ``num_candidates`` measured ones, which are chosen at random each time.
        """
        row = torch.randint(len(self.true_3d), (num_candidates,), generator=generator)
        distance = torch.cdist(true_3d.flatten(1), self.true_3d[row].flatten(1))
        row = row[distance.argmin(1)]
        return self.error_2d[row], self.error_3d[row]


def _same_frame(
    true_2d: Tensor, found_2d: Tensor, camera_matrix: Tensor, rotation: Tensor
) -> Tensor:
    """Transform found keypoints to the lifter's frame of the true ones, ``[M, 21, 2]``."""
    both = torch.stack([true_2d, found_2d], 1)
    rays = torch.nn.functional.pad(both, (0, 1), value=1.0)
    rays = rays @ (rotation @ torch.linalg.inv(camera_matrix))[:, None].mT
    flat = rays[..., :2] / rays[..., 2:]
    flat = flat - flat[:, :1].mean(2, keepdim=True)
    spread = flat[:, 0].square().sum((1, 2)).div(NUM_KEYPOINTS).sqrt()
    return flat[:, 1] / spread[:, None, None]
