"""Self-collision of a posed hand, with bones modelled as capsules.

Axes: T poses, S = 19 segments: three per finger, then the four metacarpals of the palm.
"""

import numpy as np

_PHALANGES = [(1 + 4 * finger + k, 2 + 4 * finger + k) for finger in range(5) for k in range(3)]
_METACARPALS = [(0, 5), (0, 9), (0, 13), (0, 17)]
SEGMENTS = np.array(_PHALANGES + _METACARPALS)
# Radius of the capsules, relative to the palm length (wrist to middle knuckle).
_RADIUS = np.array(
    [0.15, 0.115, 0.095] + [0.105, 0.09, 0.075] * 3 + [0.09, 0.075, 0.065] + [0.12] * 4
)


def _pairs_to_check() -> np.ndarray:
    """Return the segment pairs ``[P, 2]`` that must stay apart."""
    pairs = []
    for a in range(len(SEGMENTS)):
        for b in range(a + 1, len(SEGMENTS)):
            finger_a, finger_b = a // 3, min(b // 3, 5)  # 5 is the palm
            same = finger_a == finger_b
            # Neighbouring first segments are connected.
            roots = a % 3 == 0 and (finger_b == 5 or b % 3 == 0)
            thumb_root = a == 0
            if not (same or roots or thumb_root or finger_a == 5):
                pairs.append((a, b))
    return np.array(pairs)


_PAIRS = _pairs_to_check()


def segment_gap(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return the shortest vector ``[..., 3]`` from segment cd to segment ab, points ``[..., 3]``.

    Follows Ericson, Real-Time Collision Detection (2005), section 5.1.9.
    """

    def dot(u, v):
        return np.einsum("...i,...i->...", u, v)

    u, v, w = b - a, d - c, a - c
    uu, vv, uv = np.maximum(dot(u, u), 1e-9), np.maximum(dot(v, v), 1e-9), dot(u, v)
    uw, vw = dot(u, w), dot(v, w)
    s = np.clip((uv * vw - uw * vv) / np.maximum(uu * vv - uv * uv, 1e-9), 0, 1)
    t = np.clip((uv * s + vw) / vv, 0, 1)
    s = np.clip((uv * t - uw) / uu, 0, 1)
    return w + s[..., None] * u - t[..., None] * v


def penetration_mm(joints: np.ndarray, softness: float = 0.15) -> np.ndarray:
    """Return the deepest overlap of two segments, ``[T]`` mm, 0 without overlap.

    Args:
        joints: ``[T, 21, 3]`` mm.
        softness: Fraction of the radius by which soft tissue may be compressed.
    """
    palm_length = np.linalg.norm(joints[:, 9] - joints[:, 0], axis=-1)
    starts, ends = joints[:, SEGMENTS[:, 0]], joints[:, SEGMENTS[:, 1]]
    first, second = _PAIRS.T
    gap = segment_gap(starts[:, first], ends[:, first], starts[:, second], ends[:, second])
    room = (1 - softness) * (_RADIUS[first] + _RADIUS[second]) * palm_length[:, None]
    return np.maximum(room - np.linalg.norm(gap, axis=-1), 0).max(axis=1)
