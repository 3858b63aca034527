"""Objects in the hand (ball, can, box), fitted to the space inside the grip.

Axes: T frames, V vertices, F faces. Millimetres, hand frame.
"""

import numpy as np

from simhand_mm.synthetic.drawing.surfaces import Surface, unit, vertex_normals
from simhand_mm.synthetic.drawing.textures import lattice_noise, linear_rgb
from simhand_mm.synthetic.hand.collisions import SEGMENTS, segment_gap

_KINDS = ("ball", "can", "box")
_FINGER_RADIUS_MM = 8.5
_LEAST_RADIUS_MM, _MOST_RADIUS_MM = 6.0, 38.0


def fit_prop(rng: np.random.Generator, joints: np.ndarray) -> Surface | None:
    """Sample an object that fits between palm and fingers in every frame.

    Args:
        rng: Source of randomness.
        joints: ``[T, 21, 3]`` mm of the posed hand, hand frame.

    Returns:
        The object in the hand frame, or None if the grip is too narrow.
    """
    for kind in rng.permutation(_KINDS):
        half_length = 0.0 if kind == "ball" else rng.uniform(35, 70)
        center, across, radius = _grip_room(joints, half_length)
        if radius >= _LEAST_RADIUS_MM:
            break
    else:
        return None
    vertices, faces = _shape(kind, min(radius, _MOST_RADIUS_MM), half_length)
    depth = unit(np.cross(across, [0.0, 1.0, 0.0]))
    vertices = center + vertices @ np.stack([across, np.cross(depth, across), depth])
    color = linear_rgb(rng.uniform(20, 245, 3))
    mottle = 0.18 * lattice_noise(rng, vertices / 14.0)
    return Surface(
        vertices=vertices,
        normals=vertex_normals(vertices, faces),
        faces=faces,
        albedo=np.clip(color * (1 + mottle[:, None]), 0.005, 0.95),
        specular=np.full(len(vertices), rng.uniform(0.02, 0.6)),
        gloss=np.full(len(vertices), 40.0),
    )


def _grip_room(joints: np.ndarray, half_length: float):
    """Fit the thickest rod inside the grip: centre and axis ``[3]``, radius (mm)."""
    across = unit((joints[:, 6] - joints[:, 18]).mean(axis=0))  # from the pinky's PIP
    center = joints[:, [4, 6, 8, 10, 12, 14, 16, 5, 9, 13, 2]].mean(axis=(0, 1))
    starts, ends = joints[:, SEGMENTS[:, 0]], joints[:, SEGMENTS[:, 1]]
    reach = across * (half_length + 1e-3)
    best = (center, 0.0)
    for _ in range(40):  # move away from the nearest bone
        gap = segment_gap(starts, ends, center - reach, center + reach).reshape(-1, 3)
        distance = np.linalg.norm(gap, axis=1)
        nearest = np.argmin(distance)
        if distance[nearest] > best[1]:
            best = (center, distance[nearest])
        center = center - unit(gap[nearest]) * 1.0
    return best[0], across, best[1] - _FINGER_RADIUS_MM


def _shape(kind: str, radius: float, half_length: float):
    """Return vertices and faces, centred at the origin; the long axis of a can or box is x."""
    if kind == "ball":
        profile = np.linspace(-1, 1, 15) * np.pi / 2
        return _lathe(radius * np.sin(profile), radius * np.cos(profile))
    if kind == "can":
        # Duplicate the rings at each edge, so that the normals keep the rim sharp.
        along = np.array([-1, -1, -1, *np.linspace(-1, 1, 7), 1, 1, 1]) * half_length
        ring = np.array([1e-3, 0.98, 1, *np.ones(7), 1, 0.98, 1e-3]) * radius
        return _lathe(along, ring)
    return _box(np.array([half_length, radius * 0.72, radius * 0.72]))


def _lathe(along: np.ndarray, radius: np.ndarray, sides: int = 28):
    """Revolve a profile about the x axis; return vertices and faces."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    circle = np.stack([np.zeros(sides), np.cos(angle), np.sin(angle)], axis=1)
    axis = np.stack([along, np.zeros_like(along), np.zeros_like(along)], axis=1)
    vertices = (axis[:, None] + radius[:, None, None] * circle).reshape(-1, 3)
    ring = np.arange(len(along) - 1)[:, None] * sides
    here, there = np.arange(sides), (np.arange(sides) + 1) % sides
    a, b = (ring + here).ravel(), (ring + there).ravel()
    faces = np.concatenate(
        [np.stack([a, b, a + sides], axis=1), np.stack([b, b + sides, a + sides], axis=1)]
    )
    return vertices, faces


def _box(half: np.ndarray):
    """Return a box with four separate vertices per side, so that its edges stay sharp."""
    vertices, faces = [], []
    for axis in range(3):
        u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
        for sign in (1, -1):
            corner = np.array([-u - v, u - v, u + v, -u + v])[::sign] + sign * np.eye(3)[axis]
            start = 4 * len(vertices)
            vertices.append(corner * half)
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return np.concatenate(vertices), np.array(faces)
