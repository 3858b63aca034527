"""Hand poses people make: named gestures, plausible variations, smooth motions between them.

Axes: T frames, A = 23 angles (layout in `kinematics.py`, degrees), C candidates.
"""

import numpy as np

from simhand_mm.synthetic.collisions import penetration_mm
from simhand_mm.synthetic.kinematics import (
    ABDUCTION,
    FLEXION,
    NUM_ANGLES,
    THUMB_BASE,
    THUMB_FLEXION,
    WRIST_ANGLES,
    bone_transforms,
)

_STRAIGHT, _CURLED = (4, 6, 4), (82, 98, 58)

# name: (index, middle, ring, little flexion), sideways swing, thumb base, thumb flexion
_GESTURES = {
    'open': ((_STRAIGHT,) * 4, (9, 2, -6, -12), (58, 34, 0), (8, 6)),
    'relaxed': (((20, 30, 15), (25, 36, 18), (30, 38, 20), (34, 38, 20)), (2, 0, 0, -2),
                (48, 40, 8), (18, 16)),
    'together': ((_STRAIGHT,) * 4, (-3, 0, 2, 6), (34, 26, 5), (8, 8)),
    'fist': (((80, 96, 58), _CURLED, _CURLED, (80, 96, 58)), (0, 0, 0, 2), (34, 56, 28), (38, 48)),
    'point': ((_STRAIGHT, _CURLED, _CURLED, (80, 96, 58)), (0, 0, 0, 2), (34, 56, 28), (36, 44)),
    'victory': ((_STRAIGHT, _STRAIGHT, (80, 96, 58), (78, 94, 56)), (10, -8, 0, 2), (26, 58, 30),
                (40, 42)),
    'three': ((_STRAIGHT, _STRAIGHT, _STRAIGHT, (78, 94, 56)), (9, 1, -7, 0), (24, 54, 32),
              (46, 46)),
    'four': ((_STRAIGHT,) * 4, (7, 2, -4, -10), (22, 48, 32), (48, 44)),
    'ok': (((52, 52, 30), (14, 20, 10), (8, 12, 6), (5, 8, 5)), (2, 0, -5, -11), (40, 52, 28),
           (24, 28)),
    'pinch': (((58, 46, 26), (62, 56, 30), (66, 62, 34), (68, 60, 35)), (0, 0, 0, 0), (40, 52, 28),
              (22, 24)),
    'thumb_up': (((82, 96, 58), _CURLED, _CURLED, (80, 96, 58)), (0, 0, 0, 2), (46, 2, -10),
                 (0, -6)),
    'grasp': (((42, 46, 26), (45, 48, 28), (46, 48, 28), (46, 46, 28)), (5, 1, -3, -7),
              (52, 62, 25), (16, 20)),
    'gun': ((_STRAIGHT, _CURLED, _CURLED, (80, 96, 58)), (2, 0, 0, 2), (56, 6, -8), (2, 0)),
    'horns': ((_STRAIGHT, (80, 96, 58), _CURLED, (8, 8, 5)), (4, 0, 0, -10), (30, 58, 30),
              (42, 46)),
    'call': (((80, 96, 58), _CURLED, (80, 96, 58), (8, 8, 5)), (0, 0, 0, -14), (62, 10, -5),
             (2, 0)),
    'claw': (((10, 58, 38), (10, 60, 40), (12, 60, 40), (14, 58, 38)), (8, 2, -5, -11),
             (56, 42, 10), (22, 26)),
    'bent': (((50, 12, 6), (52, 12, 6), (52, 12, 6), (50, 12, 6)), (1, 0, 0, -2), (40, 38, 12),
             (14, 14)),
}  # fmt: skip
GESTURE_NAMES = tuple(_GESTURES)

_LOWEST = np.full(NUM_ANGLES, -180.0)
_HIGHEST = np.full(NUM_ANGLES, 180.0)
_LOWEST[FLEXION], _HIGHEST[FLEXION] = np.tile([-12.0, -4.0, -4.0], 4), np.tile([92.0, 106, 68], 4)
_LOWEST[ABDUCTION], _HIGHEST[ABDUCTION] = (-8, -11, -12, -22), (15, 9, 9, 10)
_LOWEST[THUMB_BASE], _HIGHEST[THUMB_BASE] = (15, -5, -15), (75, 68, 40)
_LOWEST[THUMB_FLEXION], _HIGHEST[THUMB_FLEXION] = (-10, -12), (60, 70)
_LOWEST[WRIST_ANGLES], _HIGHEST[WRIST_ANGLES] = (-50, -18), (50, 25)


def gesture(name: str) -> np.ndarray:
    """Return the pose `[A]` of a named gesture, the wrist straight."""
    fingers, abduction, thumb_base, thumb_flexion = _GESTURES[name]
    return np.concatenate([np.ravel(fingers), abduction, thumb_base, thumb_flexion, (0, 0)]).astype(
        np.float64
    )


def limit_pose(pose: np.ndarray) -> np.ndarray:
    """Clip angles `[..., A]` to what a hand can do; a bent finger cannot swing sideways."""
    pose = np.clip(pose, _LOWEST, _HIGHEST)
    bend = np.deg2rad(np.clip(pose[..., FLEXION].reshape(*pose.shape[:-1], 4, 3)[..., 0], 0, 90))
    pose[..., ABDUCTION] = pose[..., ABDUCTION] * np.cos(bend)
    return pose


def sample_pose(
    rng: np.random.Generator, rest_joints: np.ndarray, name: str | None = None, num_candidates=6
) -> np.ndarray:
    """Draw a pose `[A]`: a gesture, often blended with another, with natural variation.

    Of several candidates the one whose fingers least enter each other is taken.

    Args:
        rng: Source of randomness.
        rest_joints: `[21, 3]` mm, the hand that takes the pose.
        name: Gesture to vary; any when None.
        num_candidates: How many poses to choose from.
    """
    candidates = limit_pose(np.stack([_vary(rng, name) for _ in range(num_candidates)]))
    _, joints = bone_transforms(rest_joints, candidates)
    return candidates[np.argmin(np.round(penetration_mm(joints), 1))]


def _vary(rng: np.random.Generator, name: str | None) -> np.ndarray:
    """Return one unchecked variation `[A]` of a gesture."""
    pose = gesture(name or rng.choice(GESTURE_NAMES))
    if rng.random() < 0.4:
        share = rng.uniform(0.0, 0.3 if name else 0.6)
        pose = (1 - share) * pose + share * gesture(rng.choice(GESTURE_NAMES))
    curl = rng.normal(0, 5, (4, 1)) + rng.normal(0, 4, (4, 3))  # a finger bends as a whole
    pose[FLEXION] += np.ravel(curl)
    pose[ABDUCTION] += rng.normal(0, 2.0, 4)
    pose[THUMB_BASE] += rng.normal(0, 5.0, 3)
    pose[THUMB_FLEXION] += rng.normal(0, 6.0, 2)
    pose[WRIST_ANGLES] = rng.normal(0, (16, 7))
    return pose


def smooth_path(keys: np.ndarray, num_frames: int) -> np.ndarray:
    """Interpolate keys `[K, ...]` at even times by smooth steps into `[T, ...]`."""
    if num_frames == 1 or len(keys) == 1:
        return np.repeat(keys[:1], num_frames, axis=0)
    position = np.linspace(0, len(keys) - 1, num_frames)
    start = np.minimum(position.astype(int), len(keys) - 2)
    part = (position - start).reshape(-1, *[1] * (keys.ndim - 1))
    part = part * part * (3 - 2 * part)
    return keys[start] * (1 - part) + keys[start + 1] * part
