"""Things that a hand holds: ball, can, box, fitted to the room inside the grip.

Axes: T frames, V vertices, F faces. Millimetres, hand frame.
"""

from dataclasses import dataclass

import numpy as np

from simhand_mm.synthetic.collisions import SEGMENTS, segment_distance
from simhand_mm.synthetic.mesh import unit, vertex_normals
from simhand_mm.synthetic.textures import lattice_noise, linear_rgb

PROP_KINDS = ("ball", "can", "box")
_FINGER_RADIUS_MM = 8.5


@dataclass(frozen=True)
class Prop:
    """A thing that stays fixed in the hand.

    Args:
        vertices: `[V, 3]` mm.
        normals: `[V, 3]` unit, outwards.
        faces: `[F, 3]`, counter-clockwise seen from outside.
        albedo: `[V, 3]` linear.
        specular: Strength of the highlight.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    albedo: np.ndarray
    specular: float


def fit_prop(rng: np.random.Generator, joints: np.ndarray, kind: str) -> Prop | None:
    """Draw a thing that fits between palm and fingers in every frame.

    Args:
        rng: Source of randomness.
        joints: `[T, 21, 3]` mm of the posed hand.
        kind: One of `PROP_KINDS`.

    Returns:
        The thing, or None when the grip leaves room for less than a marble.
    """
    center = joints[:, [4, 6, 8, 10, 12, 14, 16]].mean(axis=(0, 1)) * 0.5
    center += joints[:, [5, 9, 13, 2]].mean(axis=(0, 1)) * 0.5
    starts, ends = joints[:, SEGMENTS[:, 0]], joints[:, SEGMENTS[:, 1]]
    for _ in range(12):  # walk away from the nearest bone towards the middle of the grip
        gap = segment_distance(starts, ends, center, center + 1e-6)
        frame, segment = np.unravel_index(np.argmin(gap), gap.shape)
        nearest = _closest_point(starts[frame, segment], ends[frame, segment], center)
        center = center + unit(center - nearest) * 1.5
    half_length = 0.0 if kind == "ball" else rng.uniform(40, 70)
    axis = np.array([half_length + 1e-3, 0, 0])
    room = segment_distance(starts, ends, center - axis, center + axis).min() - _FINGER_RADIUS_MM
    if room < 6.0:
        return None
    vertices, faces = _shape(kind, min(room, 38.0), half_length)
    vertices = vertices + center
    color = linear_rgb(rng.uniform(20, 245, 3))
    mottle = 0.18 * lattice_noise(rng, vertices / 14.0)
    return Prop(
        vertices=vertices,
        normals=vertex_normals(vertices, faces),
        faces=faces,
        albedo=np.clip(color * (1 + mottle[:, None]), 0.005, 0.95),
        specular=rng.uniform(0.02, 0.6),
    )


def _closest_point(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return the point of a segment that is nearest to `point`."""
    step = end - start
    return start + np.clip((point - start) @ step / (step @ step), 0, 1) * step


def _shape(kind: str, radius: float, half_length: float):
    """Return vertices and faces about the origin; a can or box lies across the palm (along x)."""
    if kind == "ball":
        profile = np.linspace(-1, 1, 15) * np.pi / 2
        return _lathe(radius * np.sin(profile), radius * np.cos(profile))
    if kind == "can":
        # Rings on each edge twice, so that normals keep the rim sharp.
        along = np.array([-1, -1, -1, *np.linspace(-1, 1, 7), 1, 1, 1]) * half_length
        ring = np.array([1e-3, 0.98, 1, *np.ones(7), 1, 0.98, 1e-3]) * radius
        return _lathe(along, ring)
    return _box(np.array([half_length, radius * 0.72, radius * 0.72]))


def _lathe(along: np.ndarray, radius: np.ndarray, sides: int = 28):
    """Turn a profile about the x axis."""
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
    """Return a box with its own four vertices on each side, so that its edges stay sharp."""
    vertices, faces = [], []
    for axis in range(3):
        u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
        for sign in (1, -1):
            corner = np.array([-u - v, u - v, u + v, -u + v])[::sign] + sign * np.eye(3)[axis]
            start = 4 * len(vertices)
            vertices.append(corner * half)
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return np.concatenate(vertices), np.array(faces)
