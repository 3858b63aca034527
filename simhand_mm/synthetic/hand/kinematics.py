"""Forward kinematics: joint positions and bone transforms of a right hand from joint angles.

Axes: T poses, B = 17 bones, A = 23 angles. Hand frame as in ``mesh.py``, angles in degrees.
A pose is a flat vector of angles, so that poses can be blended and interpolated linearly::

    0:12   flexion of index, middle, ring, pinky at MCP, PIP, DIP; 0 is straight
    12:16  sideways swing of the four fingers from rest, positive towards the thumb
    16:19  thumb metacarpal: angle in the palm plane from the direction of the middle finger towards
           the thumb side, elevation out of the palm plane, twist of the pad towards the palm
    19:21  flexion of the thumb at MCP and IP; 0 is straight
    21:23  wrist: flexion towards the palm, deviation towards the thumb
"""

from itertools import pairwise

import numpy as np

from simhand_mm.synthetic.drawing.surfaces import unit

NUM_ANGLES = 23
FLEXION, ABDUCTION = slice(0, 12), slice(12, 16)
THUMB_BASE, THUMB_FLEXION, WRIST_ANGLES = slice(16, 19), slice(19, 21), slice(21, 23)

_PALM_NORMAL = np.array([0.0, 0.0, 1.0])
_ALONG_HAND = np.array([0.0, 1.0, 0.0])
_TO_THUMB = np.array([1.0, 0.0, 0.0])


def axis_rotation(axis: np.ndarray, angle_deg: np.ndarray) -> np.ndarray:
    """Return right-handed rotations ``[..., 3, 3]`` about a unit axis ``[3]`` (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(angle_deg)[..., None, None]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def bone_transforms(rest_joints: np.ndarray, poses: np.ndarray):
    """Compute bone transforms and joints of a posed right hand.

    Args:
        rest_joints: ``[21, 3]`` mm, joints of the hand at rest.
        poses: ``[T, A]`` degrees, laid out as in the module docstring.

    Returns:
        transforms ``[T, B, 3, 4]`` from rest to posed vertices of each bone, and joints
        ``[T, 21, 3]`` in mm. The hand bone stays fixed; the forearm rotates about the wrist.
    """
    num_poses = len(poses)
    transforms = np.zeros((num_poses, 17, 3, 4))
    joints = np.repeat(rest_joints[None], num_poses, axis=0)
    transforms[:, 1, :, :3] = np.eye(3)
    flexion, deviation = poses[:, WRIST_ANGLES].T
    forearm = axis_rotation(_TO_THUMB, -flexion) @ axis_rotation(_PALM_NORMAL, deviation)
    transforms[:, 0] = _about(forearm, rest_joints[0])
    for finger in range(5):
        chain = rest_joints[1 + 4 * finger : 5 + 4 * finger]
        rotations = (
            _thumb_rotations(chain, poses)
            if finger == 0
            else _finger_rotations(chain, poses, finger)
        )
        total = transforms[:, 1]
        for segment, rotation in enumerate(rotations):
            total = _compose(total, _about(rotation, chain[segment]))
            transforms[:, 2 + 3 * finger + segment] = total
            joints[:, 2 + 4 * finger + segment] = (
                total[:, :, :3] @ chain[segment + 1] + total[:, :, 3]
            )
    return transforms, joints


def _finger_rotations(chain: np.ndarray, poses: np.ndarray, finger: int) -> list:
    """Return the three local rotations ``[T, 3, 3]`` of a finger at MCP, PIP and DIP."""
    directions = unit(np.diff(chain, axis=0))
    axis = unit(np.cross(directions[0], _PALM_NORMAL))
    straight = unit(_ALONG_HAND - (_ALONG_HAND @ axis) * axis)
    flexion = poses[:, FLEXION].reshape(-1, 4, 3)[:, finger - 1]
    flexion = flexion - _bend_deg(axis, [straight, *directions])
    mcp, pip, dip = (axis_rotation(axis, flexion[:, segment]) for segment in range(3))
    swing = axis_rotation(_PALM_NORMAL, -poses[:, ABDUCTION][:, finger - 1])
    return [swing @ mcp, pip, dip]


def _thumb_rotations(chain: np.ndarray, poses: np.ndarray) -> list:
    """Return the three local rotations ``[T, 3, 3]`` of the thumb at CMC, MCP and IP."""
    directions = unit(np.diff(chain, axis=0))
    axis = unit(np.cross(directions[0], directions[2]))
    flexion = poses[:, THUMB_FLEXION] - _bend_deg(axis, directions)
    azimuth, elevation, twist = poses[:, THUMB_BASE].T
    rest_azimuth = np.rad2deg(np.arctan2(directions[0, 0], directions[0, 1]))
    rest_elevation = np.rad2deg(np.arcsin(directions[0, 2]))
    # Rotate the metacarpal into the palm plane, twist it there, then raise it to its elevation.
    outward = unit(np.array([directions[0, 0], directions[0, 1], 0.0]))
    side = np.cross(outward, _PALM_NORMAL)
    lower = axis_rotation(side, np.full(len(poses), -rest_elevation))
    roll = axis_rotation(outward, twist)
    lift = axis_rotation(side, elevation)
    swing = axis_rotation(_PALM_NORMAL, rest_azimuth - azimuth)
    mcp, ip = (axis_rotation(axis, flexion[:, segment]) for segment in range(2))
    return [swing @ lift @ roll @ lower, mcp, ip]


def _bend_deg(axis: np.ndarray, directions) -> np.ndarray:
    """Return the angles in degrees between successive directions, measured about ``axis``."""
    flat = [unit(direction - (direction @ axis) * axis) for direction in directions]
    return np.array(
        [
            np.rad2deg(np.arctan2(np.cross(first, second) @ axis, first @ second))
            for first, second in pairwise(flat)
        ]
    )


def _about(rotation: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Return the transforms ``[T, 3, 4]`` that rotate about a point."""
    return np.concatenate([rotation, (center - rotation @ center)[..., None]], axis=-1)


def _compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return the transforms ``[T, 3, 4]`` that apply ``inner``, then ``outer``."""
    rotation, shift = outer[..., :3], outer[..., 3:]
    return np.concatenate([rotation @ inner[..., :3], rotation @ inner[..., 3:] + shift], axis=-1)
