"""Many poses of many people without images, for models that are trained on poses alone.

Wider than the poses of the videos: half of the hands take each finger from another gesture.
Axes: P poses of a person, A = 23 angles (layout in ``kinematics.py``, degrees).
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
from simhand_mm.synthetic.hand.mesh import load_hand_mesh
from simhand_mm.synthetic.hand.poses import FINGER_OF_ANGLE, limit_pose
from simhand_mm.synthetic.hand.subjects import sample_shape

_MAX_PENETRATION_MM = 4.0
_STREAM = 3  # 0, 1 and 2 are the videos and stills of a data set


def sample_hand_poses(num_people: int, poses_per_person: int, seed: int) -> np.ndarray:
    """Sample poses of right hands.

    Args:
        num_people: Number of people. Another seed gives other people.
        poses_per_person: Number of poses of each person.
        seed: The only source of randomness.

    Returns:
        ``[num_people * poses_per_person, 21, 3]`` float32 mm, hand frame of ``mesh.py``.
    """
    mesh = load_hand_mesh()
    poses = np.empty((num_people, poses_per_person, 21, 3), np.float32)
    for person in range(num_people):
        rng = np.random.default_rng([seed, person, _STREAM])
        _, rest_joints = sample_shape(rng, mesh)
        count = 0
        while count < poses_per_person:
            angles = limit_pose(sample_angles(rng, 2 * poses_per_person))
            _, joints = bone_transforms(rest_joints, angles)
            joints = joints[penetration_mm(joints) < _MAX_PENETRATION_MM]
            taken = joints[: poses_per_person - count]
            poses[person, count : count + len(taken)] = taken
            count += len(taken)
    return poses.reshape(-1, 21, 3)


def sample_free_pose(
    rng: np.random.Generator, rest_joints: np.ndarray, num_candidates: int = 8
) -> np.ndarray:
    """Sample one pose ``[A]`` of :func:`sample_angles`, with any angle of the wrist.

    Several candidates are drawn; the one with the least self-collision is returned.

    Args:
        rng: Source of randomness.
        rest_joints: ``[21, 3]`` mm, joints of the hand at rest.
        num_candidates: Number of candidates.
    """
    angles = sample_angles(rng, num_candidates)
    angles[:, WRIST_ANGLES] = rng.normal(0, (20, 10), (num_candidates, 2))
    angles = limit_pose(angles)
    _, joints = bone_transforms(rest_joints, angles)
    return angles[np.argmin(np.round(penetration_mm(joints), 1))]


def sample_angles(rng: np.random.Generator, num_poses: int) -> np.ndarray:
    """Sample unchecked angles ``[P, A]``: blends of two gestures, for the hand or each finger."""
    gestures = np.stack(list(GESTURES.values()))
    one_gesture = rng.random((num_poses, 1)) < 0.5
    first, second = (
        np.where(one_gesture, choice[:, :1], choice)[:, FINGER_OF_ANGLE]
        for choice in rng.integers(len(gestures), size=(2, num_poses, 5))
    )
    share = rng.uniform(0, 1, (num_poses, 1)) + rng.normal(0, 0.15, (num_poses, 5))
    share = np.clip(np.where(one_gesture, share, rng.uniform(0, 1, (num_poses, 5))), 0, 1)
    share = (share * (rng.random((num_poses, 1)) < 0.7))[:, FINGER_OF_ANGLE]
    angle = np.arange(NUM_ANGLES)
    pose = (1 - share) * gestures[first, angle] + share * gestures[second, angle]
    curl = rng.normal(0, 7, (num_poses, 4, 1)) + rng.normal(0, 6, (num_poses, 4, 3))
    pose[:, FLEXION] += curl.reshape(num_poses, -1)
    pose[:, ABDUCTION] += rng.normal(0, 3.0, (num_poses, 4))
    pose[:, THUMB_BASE] += rng.normal(0, 8.0, (num_poses, 3))
    pose[:, THUMB_FLEXION] += rng.normal(0, 8.0, (num_poses, 2))
    pose[:, WRIST_ANGLES] = 0  # turns the forearm only
    return pose
