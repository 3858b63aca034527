"""Sampling of hand poses: named gestures, plausible variations, smooth motion between them.

Axes: T frames, A = 23 angles (layout in ``kinematics.py``, degrees), C candidates.
"""

import numpy as np

from simhand_mm.synthetic.hand.collisions import penetration_mm
from simhand_mm.synthetic.hand.gestures import GESTURES
from simhand_mm.synthetic.hand.kinematics import (
    ABDUCTION,
    FLEXION,
    NUM_ANGLES,
    THUMB_BASE,
    THUMB_FLEXION,
    WRIST_ANGLES,
    bone_transforms,
)

_LOWEST = np.full(NUM_ANGLES, -180.0)
_HIGHEST = np.full(NUM_ANGLES, 180.0)
_LOWEST[FLEXION], _HIGHEST[FLEXION] = np.tile([-12.0, -4.0, -4.0], 4), np.tile([92.0, 106, 68], 4)
_LOWEST[ABDUCTION], _HIGHEST[ABDUCTION] = (-11, -11, -12, -20), (15, 9, 12, 19)
_LOWEST[THUMB_BASE], _HIGHEST[THUMB_BASE] = (0, -5, -20), (75, 68, 42)
_LOWEST[THUMB_FLEXION], _HIGHEST[THUMB_FLEXION] = (-10, -12), (60, 70)
_LOWEST[WRIST_ANGLES], _HIGHEST[WRIST_ANGLES] = (-50, -18), (50, 25)

# Index, middle, ring, pinky, thumb.
FINGER_OF_ANGLE = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4])


def limit_pose(pose: np.ndarray) -> np.ndarray:
    """Clip angles ``[..., A]`` to the joint limits; a bent finger cannot move sideways."""
    pose = np.clip(pose, _LOWEST, _HIGHEST)
    bend = np.deg2rad(np.clip(pose[..., FLEXION].reshape(*pose.shape[:-1], 4, 3)[..., 0], 0, 90))
    pose[..., ABDUCTION] = pose[..., ABDUCTION] * np.cos(bend)
    return pose


def sample_pose(
    rng: np.random.Generator, rest_joints: np.ndarray, name: str | None = None, num_candidates=6
) -> np.ndarray:
    """Sample a pose ``[A]``: a gesture, often blended with another, with natural variation.

    Several candidates are drawn; the one with the least self-collision is returned.

    Args:
        rng: Source of randomness.
        rest_joints: ``[21, 3]`` mm, joints of the hand at rest.
        name: Name of the gesture; None for a random one.
        num_candidates: Number of candidates.
    """
    candidates = limit_pose(np.stack([_vary(rng, name) for _ in range(num_candidates)]))
    _, joints = bone_transforms(rest_joints, candidates)
    return candidates[np.argmin(np.round(penetration_mm(joints), 1))]


def _vary(rng: np.random.Generator, name: str | None) -> np.ndarray:
    """Return one unchecked variation ``[A]`` of a gesture."""
    names = tuple(GESTURES)
    pose = GESTURES[name or names[rng.integers(len(names))]].copy()
    if rng.random() < 0.5:
        # Each finger is blended towards another gesture by a similar but different amount.
        other = GESTURES[names[rng.integers(len(names))]]
        most = 0.3 if name else 0.7
        share = np.clip(rng.uniform(0, most) + rng.normal(0, 0.15, 5), 0, 1)[FINGER_OF_ANGLE]
        pose += share * (other - pose)
    curl = rng.normal(0, 5, (4, 1)) + rng.normal(0, 4, (4, 3))  # a finger bends as a whole
    pose[FLEXION] += np.ravel(curl)
    pose[ABDUCTION] += rng.normal(0, 2.0, 4)
    pose[THUMB_BASE] += rng.normal(0, 5.0, 3)
    pose[THUMB_FLEXION] += rng.normal(0, 6.0, 2)
    pose[WRIST_ANGLES] = rng.normal(0, (16, 7))
    return pose


def smooth_path(keys: np.ndarray, num_frames: int) -> np.ndarray:
    """Interpolate equally spaced keys ``[K, ...]`` with smooth steps to ``[T, ...]``."""
    if num_frames == 1 or len(keys) == 1:
        return np.repeat(keys[:1], num_frames, axis=0)
    position = np.linspace(0, len(keys) - 1, num_frames)
    start = np.minimum(position.astype(int), len(keys) - 2)
    part = (position - start).reshape(-1, *[1] * (keys.ndim - 1))
    part = part * part * (3 - 2 * part)
    return keys[start] * (1 - part) + keys[start + 1] * part
