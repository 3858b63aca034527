"""Lifting 2D keypoints of hands to 3D: the frame in which it is done, and its loss.

The lifter's frame looks at the hand: its z axis goes through the middle of the keypoints, the
wrist is straight below the middle of the knuckles, and the keypoints have unit spread. So rotating,
shifting or scaling the image changes nothing. Lengths in 3D are in units of the hand: the wrist is
at 0 and the bone from the wrist to the middle MCP measures 1.

Axes: N hands, 21 keypoints. Tensors of a floating dtype.
"""

import torch
from torch import Tensor

from simhand_mm.functional.keypoints import MIDDLE_MCP, NUM_KEYPOINTS, WRIST

KNUCKLES = (5, 9, 13, 17)


def look_at_hand(
    keypoints_2d: Tensor, camera_matrix: Tensor, valid: Tensor
) -> tuple[Tensor, Tensor]:
    """Bring keypoints to the lifter's frame.

    Args:
        keypoints_2d: ``[N, 21, 2]`` px of the image.
        camera_matrix: ``[N, 3, 3]`` px.
        valid: ``[N, 21]`` bool, which keypoints exist; the others do not matter and become 0. At
            least two are needed.

    Returns:
        Keypoints ``[N, 21, 2]`` of the lifter's frame (mean 0, root mean square 1), and the
        rotation ``[N, 3, 3]`` from the camera frame to the lifter's frame.
    """
    pixels = torch.where(valid[..., None], keypoints_2d, 0.0)
    rays = torch.nn.functional.pad(pixels, (0, 1), value=1.0)
    rays = torch.linalg.solve(camera_matrix, rays.mT).mT  # depth 1
    to_center = _smallest_rotation_to_z(_mean(rays, valid))
    rays = rays @ to_center.mT
    flat = rays[..., :2] / rays[..., 2:]
    flat = torch.where(valid[..., None], flat - _mean(flat, valid)[:, None], 0.0)
    roll = _roll_upright(flat, valid)
    flat = flat @ roll[:, :2, :2].mT
    spread = (flat.square().sum((1, 2)) / valid.sum(1)).sqrt().clamp(min=1e-12)
    return flat / spread[:, None, None], roll @ to_center


def _mean(points: Tensor, valid: Tensor) -> Tensor:
    weight = valid.to(points.dtype)[..., None]
    return (points * weight).sum(1) / weight.sum(1).clamp(min=1)


def _smallest_rotation_to_z(direction: Tensor) -> Tensor:
    """Smallest rotations ``[N, 3, 3]`` that move directions of positive z to the z axis."""
    x, y, z = torch.nn.functional.normalize(direction, dim=-1).unbind(-1)
    one_plus_z = 1 + z
    rows = [
        [1 - x * x / one_plus_z, -x * y / one_plus_z, -x],
        [-x * y / one_plus_z, 1 - y * y / one_plus_z, -y],
        [x, y, z],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def _roll_upright(flat: Tensor, valid: Tensor) -> Tensor:
    """Rotations about z that put the knuckles above the wrist (y points down); 1 without them."""
    knuckles = _mean(flat[:, KNUCKLES], valid[:, KNUCKLES])
    along = knuckles - flat[:, WRIST]
    is_known = valid[:, WRIST] & valid[:, KNUCKLES].any(1) & (along.norm(dim=-1) > 1e-9)
    along = torch.where(is_known[:, None], along, torch.tensor([0.0, -1.0]).to(along))
    x, y = torch.nn.functional.normalize(along, dim=-1).unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [[-y, x, zero], [-x, -y, zero], [zero, zero, one]]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def to_hand_unit(keypoints_3d: Tensor) -> Tensor:
    """Move the wrist to 0 and scale the bone from wrist to middle MCP to 1.

    Args:
        keypoints_3d: ``[N, 21, 3]``, any unit.

    Returns:
        ``[N, 21, 3]``; a bone of length 0 is left as it is.
    """
    moved = keypoints_3d - keypoints_3d[:, WRIST : WRIST + 1]
    length = moved[:, MIDDLE_MCP].norm(dim=-1)
    return moved / torch.where(length > 1e-6, length, 1.0)[:, None, None]


def lifting_loss(pred: Tensor, log_expected_error: Tensor, target: Tensor) -> Tensor:
    """Mean distance, and the negative log-likelihood of these distances.

    The likelihood is isotropic and falls off exponentially with the distance ``e``,
    ``p ~ s^-3 exp(-e / s)``, whose mean distance is ``u = 3 s``; the network predicts ``log u``.
    Its gradient reaches ``u`` only: hands of which it is unsure do not count less for the pose.

    Args:
        pred: ``[N, 21, 3]``.
        log_expected_error: ``[N, 21]``, logarithm of the expected distance, unit of ``pred``.
        target: ``[N, 21, 3]``.

    Returns:
        Scalar. The wrist, which is 0 in both, does not count.
    """
    others = torch.arange(NUM_KEYPOINTS, device=pred.device) != WRIST
    distance = (pred - target)[:, others].norm(dim=-1)
    log_u = log_expected_error[:, others]
    likelihood = 3 * distance.detach() * torch.exp(-log_u) + 3 * log_u
    return distance.mean() + 0.1 * likelihood.mean()
