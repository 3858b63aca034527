"""Ways to estimate a 3D pose from an estimator's 2D keypoints and its own 3D."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from simhand_mm.functional.lifting import to_hand_unit
from simhand_mm.lifting.lifter import LiftedHands, Lifter
from simhand_mm.lifting.settings import PoseMethod


def estimate_poses(
    lifter: Lifter,
    method: PoseMethod,
    keypoints_2d: np.ndarray,
    handedness: Sequence[str] | np.ndarray | None = None,
    camera_matrix: np.ndarray | None = None,
    other_3d: np.ndarray | None = None,
) -> LiftedHands:
    """Estimate poses in units of the hand.

    ``lifted``: from the 2D keypoints. ``lifted_from_both``: the network gets the other pose as
    well. ``half_and_half``: the mean of the lifted and the other pose. ``world_landmarks``: the
    other pose as it is. A hand without another pose is lifted from its 2D keypoints, except with
    ``world_landmarks``, which gives NaN. Expected errors and plausibility are always those of the
    lifted pose: they tell whether the 2D keypoints are those of a hand, and the limits are those of
    synthetic hands, whose bones other estimators do not share.

    Args:
        lifter: The lifter.
        method: Which of these.
        keypoints_2d: See :class:`~simhand_mm.lifting.lifter.Lifter`, as all others.
        handedness: ``[N]`` or None.
        camera_matrix: ``[N, 3, 3]`` px, or None.
        other_3d: ``[N, 21, 3]``, the pose by the estimator itself, such as MediaPipe's world
            landmarks.

    Raises:
        ValueError: If the method needs another pose, and there is none for any hand.
    """
    if method != "lifted" and (other_3d is None or not np.isfinite(other_3d).any()):
        raise ValueError(
            f"method must be lifted for hands without another 3D pose, but got {method}. Prepare "
            "the pool again with this version, or give other_3d."
        )
    second = other_3d if method == "lifted_from_both" else None
    lifted = lifter(keypoints_2d, handedness, camera_matrix, second)
    if method in ("lifted", "lifted_from_both"):
        return lifted
    other = to_hand_unit(torch.tensor(other_3d, dtype=torch.float32))
    poses = torch.from_numpy(lifted.keypoints_3d)
    if method == "half_and_half":
        is_known = other.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
        poses = torch.where(is_known, to_hand_unit((poses + other) / 2), poses)
    else:
        poses = other
    is_plausible = lifted.is_plausible & poses.isfinite().all(-1).all(-1).numpy()
    return replace(lifted, keypoints_3d=poses.numpy(), is_plausible=is_plausible)
