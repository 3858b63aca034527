"""The network that lifts 2D keypoints to 3D."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.functional.lifting import to_hand_unit


class LiftingNetwork(nn.Module):
    """Fully connected layers from keypoints in the lifter's frame to a pose and its uncertainty.

    Args:
        width: Units of each hidden layer.
        depth: Number of hidden layers.
    """

    def __init__(self, width: int = 512, depth: int = 3) -> None:
        super().__init__()
        self.shape = {"width": width, "depth": depth}
        sizes = [NUM_KEYPOINTS * 6 + 1, *[width] * depth]
        layers = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, NUM_KEYPOINTS * 4))

    def forward(
        self, keypoints_2d: Tensor, valid: Tensor, other_3d: Tensor, has_other: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Lift keypoints of right hands.

        Args:
            keypoints_2d: ``[N, 21, 2]``, lifter's frame (``functional.lifting.look_at_hand``).
            valid: ``[N, 21]`` bool.
            other_3d: ``[N, 21, 3]``, an estimate of another model in the lifter's frame and in
                units of the hand, such as MediaPipe's world landmarks.
            has_other: ``[N]`` bool, whether there is such an estimate.

        Returns:
            The pose ``[N, 21, 3]`` in the lifter's frame, in units of the hand, and the logarithm
            of the expected distance ``[N, 21]`` of each keypoint, same unit.
        """
        known = valid.to(keypoints_2d.dtype)
        other_3d = torch.where(has_other[:, None, None], other_3d, 0.0)
        inputs = [
            (keypoints_2d * known[..., None]).flatten(1),
            known,
            other_3d.flatten(1),
            has_other[:, None].to(known.dtype),
        ]
        out = self.layers(torch.cat(inputs, 1)).float()
        pose = out[:, : NUM_KEYPOINTS * 3].reshape(-1, NUM_KEYPOINTS, 3)
        return to_hand_unit(pose), out[:, NUM_KEYPOINTS * 3 :]
