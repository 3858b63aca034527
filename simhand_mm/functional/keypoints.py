"""The 21-keypoint hand: the layout, and the operations that all stages share.

The order is that of FreiHAND, OpenPose and MediaPipe: the wrist, then thumb, index, middle, ring
and pinky, each from the palm to the tip. All functions accept NumPy arrays and torch tensors, and
return new ones.
"""

from typing import Any

import numpy as np

from simhand_mm.functional.arrays import Array

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
KEYPOINT_NAMES = ("wrist", *(f"{finger}_{joint}" for finger in FINGERS for joint in range(1, 5)))
NUM_KEYPOINTS = len(KEYPOINT_NAMES)

WRIST = 0
MIDDLE_MCP = 9
REFERENCE_BONE = (WRIST, MIDDLE_MCP)
# The bone from wrist to middle MCP measures 50 mm (child) to 130 mm (large hand, with label noise).
# Far outside this range the unit is wrong: metres give about 0.1, centimetres about 10.
PLAUSIBLE_BONE_MM = (25.0, 250.0)

# The parent of each keypoint along its finger; the wrist is its own parent.
PARENTS = tuple(
    WRIST if keypoint == WRIST or keypoint % 4 == 1 else keypoint - 1
    for keypoint in range(NUM_KEYPOINTS)
)
SKELETON = tuple((parent, child) for child, parent in enumerate(PARENTS) if child != WRIST)


def mirror_keypoints_3d(keypoints_3d: Array) -> Array:
    """Reflect keypoints in the camera's yz plane, which corresponds to flipping the image.

    Args:
        keypoints_3d: ``[..., 3]``, any unit, camera frame (x right).

    Returns:
        ``[..., 3]``, same unit.
    """
    mirrored = _copy(keypoints_3d)
    mirrored[..., 0] = -keypoints_3d[..., 0]
    return mirrored


def root_relative(keypoints: Array) -> Array:
    """Subtract the wrist, the root of the hand.

    Args:
        keypoints: ``[..., 21, D]``, any unit.

    Returns:
        ``[..., 21, D]``, same unit.
    """
    moved: Any = keypoints - keypoints[..., WRIST : WRIST + 1, :]
    return moved


def bone_length(keypoints: Array) -> Array:
    """Length of the reference bone, from wrist to middle MCP: the scale of the hand.

    Args:
        keypoints: ``[..., 21, D]``, any unit.

    Returns:
        ``[...]``, in the unit of ``keypoints``.
    """
    difference: Any = keypoints[..., MIDDLE_MCP, :] - keypoints[..., WRIST, :]
    return (difference**2).sum(-1) ** 0.5


def _copy(array: Array) -> Array:
    return array.copy() if isinstance(array, np.ndarray) else array.clone()
