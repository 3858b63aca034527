"""Common hand gestures as joint angles in degrees (for the layout see ``kinematics.py``)."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Angles: TypeAlias = tuple[int, ...]

# Flexion at MCP, PIP, DIP.
_STRAIGHT, _BOWED, _CURLED = (4, 6, 4), (12, 18, 9), (78, 90, 52)


def _pose(fingers: Sequence[Angles], swing: Angles, *thumb: Angles) -> np.ndarray:
    """Concatenate the angles of a pose ``[A]`` with a straight wrist.

    Args:
        fingers: Flexion of the index, middle, ring and pinky.
        swing: Sideways angle of these four fingers.
        *thumb: Angles of the metacarpal, then flexion of the other thumb joints.
    """
    parts = (*fingers, swing, *thumb, (0, 0))
    return np.concatenate(parts).astype(np.float64)


_NO_SWING = (0, 0, 0, 0)

GESTURES = {
    "open": _pose([_STRAIGHT] * 4, (9, 2, -6, -12), (58, 34, 0), (8, 6)),
    "together": _pose([_STRAIGHT] * 4, (-10, 1, 10, 17), (24, 22, 5), (8, 8)),
    "relaxed": _pose(
        [(20, 30, 15), (25, 36, 18), (30, 38, 20), (34, 38, 20)],
        (2, 0, 0, -2),
        (48, 40, 8),
        (18, 16),
    ),
    "bent": _pose(
        [(50, 12, 6), (52, 12, 6), (52, 12, 6), (50, 12, 6)], (1, 0, 0, -2), (40, 38, 12), (14, 14)
    ),
    "claw": _pose(
        [(10, 58, 38), (10, 60, 40), (12, 60, 40), (14, 58, 38)],
        (8, 2, -5, -11),
        (56, 42, 10),
        (22, 26),
    ),
    "grasp": _pose(
        [(42, 46, 26), (45, 48, 28), (46, 48, 28), (46, 46, 28)],
        (5, 1, -3, -7),
        (52, 62, 25),
        (16, 20),
    ),
    "pinch": _pose(
        [(58, 46, 26), (62, 56, 30), (66, 62, 34), (68, 60, 35)], _NO_SWING, (32, 46, 34), (15, 14)
    ),
    "ok": _pose(
        [(48, 56, 30), _BOWED, (8, 12, 6), (5, 8, 5)], (2, 0, -5, -11), (32, 44, 34), (14, 14)
    ),
    "fist": _pose([_CURLED] * 4, _NO_SWING, (36, 54, -4), (32, 42)),
    "thumb_up": _pose([_CURLED] * 4, _NO_SWING, (46, 2, -10), (0, -6)),
    "point": _pose([_STRAIGHT, *[_CURLED] * 3], _NO_SWING, (16, 50, -4), (26, 36)),
    "gun": _pose([_STRAIGHT, *[_CURLED] * 3], _NO_SWING, (56, 6, -8), (2, 0)),
    "victory": _pose(
        [_STRAIGHT, _STRAIGHT, _CURLED, _CURLED], (10, -8, 0, 0), (10, 47, 2), (36, 28)
    ),
    "three": _pose([*[_STRAIGHT] * 3, _CURLED], (9, 1, -7, 0), (8, 46, 6), (54, 24)),
    "four": _pose([_STRAIGHT] * 4, (7, 2, -4, -10), (16, 44, 20), (48, 38)),
    "horns": _pose(
        [_STRAIGHT, _CURLED, _CURLED, _STRAIGHT], (4, 0, 0, -10), (14, 52, -4), (26, 38)
    ),
    "call": _pose([*[_CURLED] * 3, _STRAIGHT], (0, 0, 0, -14), (62, 10, -5), (2, 0)),
}
