"""The lifter's frame, one hand and one step at a time, with NumPy."""

import numpy as np


def look_at_hand(keypoints_2d, camera_matrix, valid):
    """Keypoints ``[21, 2]`` in the lifter's frame (0 where not valid) and the rotation to it."""
    rows = np.flatnonzero(valid)
    rays = {k: np.linalg.inv(camera_matrix) @ [*keypoints_2d[k], 1.0] for k in rows}
    direction = np.mean(list(rays.values()), axis=0)
    direction = direction / np.linalg.norm(direction)
    axis = np.cross(direction, [0, 0, 1.0])
    turn = rodrigues(axis, np.arcsin(np.linalg.norm(axis)))
    flat = {k: (turn @ ray)[:2] / (turn @ ray)[2] for k, ray in rays.items()}
    middle = np.mean(list(flat.values()), axis=0)
    flat = {k: point - middle for k, point in flat.items()}
    knuckles = [flat[k] for k in (5, 9, 13, 17) if k in flat]
    angle = 0.0
    if 0 in flat and knuckles:
        along = np.mean(knuckles, axis=0) - flat[0]
        angle = -np.pi / 2 - np.arctan2(along[1], along[0])  # to point up, to negative y
    roll = rodrigues(np.array([0, 0, 1.0]), angle)
    flat = {k: roll[:2, :2] @ point for k, point in flat.items()}
    spread = np.sqrt(np.mean([point @ point for point in flat.values()]))
    result = np.zeros((21, 2))
    for k, point in flat.items():
        result[k] = point / spread
    return result, roll @ turn


def rodrigues(axis, angle):
    """The rotation about an axis of any length."""
    if np.linalg.norm(axis) == 0:
        return np.eye(3)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
