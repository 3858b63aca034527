"""Skin colours per vertex of a hand: tone, palm, blush, creases, nails.

Axes: R vertices. Hand frame as in ``mesh.py``; colours are RGB in linear light.
"""

import numpy as np

from simhand_mm.synthetic.drawing.surfaces import unit
from simhand_mm.synthetic.drawing.textures import SKIN_TONES, lattice_noise, linear_rgb


def paint_skin(
    rng: np.random.Generator, points: np.ndarray, normals: np.ndarray, joints: np.ndarray
):
    """Sample the skin colours of a person.

    Args:
        rng: Source of randomness.
        points: ``[R, 3]`` mm, vertices of the hand at rest.
        normals: ``[R, 3]`` unit.
        joints: ``[21, 3]`` mm.

    Returns:
        Albedo ``[R, 3]``, RGB in linear light, and nail coverage ``[R]``, 0 to 1.
    """
    base, darkness = _sample_tone(rng)
    scaled = points / np.linalg.norm(joints[9])
    palm = _step(scaled[:, 1], -0.35, 0.15) * _step(normals[:, 2], -0.35, 0.45)
    # Palms carry little melanin: on dark skin they are much lighter than the back.
    palm_color = base + 0.5 * darkness * (linear_rgb(np.array([222, 168, 140])) - base)
    color = base + palm[:, None] * (palm_color * (1.04, 0.97, 0.95) - base)

    blush, crease, nail = _finger_marks(scaled, normals, joints / np.linalg.norm(joints[9]), palm)
    crease += _palm_lines(scaled) * palm
    mottle = 0.7 * lattice_noise(rng, points / 11.0) + 0.5 * lattice_noise(rng, points / 4.0)
    color = color * (1 + 0.05 * mottle[:, None])
    strength = np.clip(blush, 0, 1)[:, None] * (1 - 0.5 * darkness)
    color = color * (1 - strength * (0.02, 0.26, 0.22))
    color = color * (1 - np.clip(crease, 0, 1)[:, None] * (0.30, 0.44, 0.46))
    polish = linear_rgb(rng.uniform(30, 230, 3)) if rng.random() < 0.15 else None
    nail_color = base * 0.65 + (0.24, 0.13, 0.11) if polish is None else polish
    color = color + 0.75 * nail[:, None] * (nail_color - color)
    return np.clip(color, 0.005, 0.95), nail


def _sample_tone(rng: np.random.Generator):
    """Sample a skin colour ``[3]`` and its darkness, 0 to 1."""
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    step = int(tone)
    srgb = SKIN_TONES[step] + (tone - step) * (SKIN_TONES[step + 1] - SKIN_TONES[step])
    return linear_rgb(srgb) * rng.normal(1, 0.04, 3), tone / (len(SKIN_TONES) - 1)


def _finger_marks(points: np.ndarray, normals: np.ndarray, joints: np.ndarray, palm: np.ndarray):
    """Return blush, creases and nails of the fingers, each ``[R]``; lengths in palm lengths."""
    blush, crease, nail = np.zeros((3, len(points)))
    for finger in range(5):
        chain = joints[1 + 4 * finger : 5 + 4 * finger]
        blush += 0.8 * _bump(points, chain[3], 0.13)
        blush += sum(0.45 * _bump(points, knuckle, 0.12) for knuckle in chain[:3])
        for before, knuckle, after in zip(chain[:2], chain[1:3], chain[2:], strict=True):
            along = (points - knuckle) @ unit(after - before)
            near = _bump(points, knuckle, 0.15)
            crease += 0.9 * near * np.exp(-((along / 0.018) ** 2)) * palm
            wrinkle = np.exp(-((along / 0.06) ** 2)) * (0.5 + 0.5 * np.cos(along * 170))
            crease += 0.45 * near * wrinkle * (1 - palm)
        nail = np.maximum(nail, _nail_cover(points, normals, chain))
    return blush, crease, nail


def _nail_cover(points: np.ndarray, normals: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """Return 1 on the nail of a finger with joints ``[4, 3]``, 0 elsewhere, ``[R]``."""
    bone = chain[3] - chain[2]
    along = unit(bone)
    bend_axis = np.cross(unit(chain[1] - chain[0]), along)
    dorsal = -unit(np.cross(bend_axis, along))  # opposite to the direction of flexion
    relative = points - chain[2]
    place = relative @ along / np.linalg.norm(bone)
    radius = np.linalg.norm(relative - np.outer(relative @ along, along), axis=1)
    cover = _step(place, 0.50, 0.58) * _step(-place, -1.08, -1.0) * (radius < 0.16)
    return cover * _step(normals @ dorsal, 0.60, 0.78)


def _palm_lines(scaled: np.ndarray) -> np.ndarray:
    """Return the depth of the three long lines of the palm, ``[R]``; points in palm lengths."""
    lines = (
        (0.33, 0.62, -0.36, 0.80, 0.10),
        (0.36, 0.72, -0.30, 0.62, -0.1),
        (0.3, 0.7, 0.02, 0.08, 0.22),
    )
    depth = np.zeros(len(scaled))
    for x0, y0, x1, y1, bow in lines:
        step = np.array([x1 - x0, y1 - y0])
        part = np.clip((scaled[:, :2] - (x0, y0)) @ step / (step @ step), 0, 1)
        curve = np.array([x0, y0]) + np.outer(part, step)
        curve += np.outer(bow * np.sin(np.pi * part), [y0 - y1, x1 - x0])
        depth += 0.8 * np.exp(-(((scaled[:, :2] - curve) ** 2).sum(axis=1) / 0.016**2))
    return depth


def _bump(points: np.ndarray, center: np.ndarray, width: float) -> np.ndarray:
    """Return a Gaussian bump ``[R]`` about a centre."""
    return np.exp(-((points - center) ** 2).sum(axis=1) / width**2)


def _step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return a smooth step from 0 at ``low`` to 1 at ``high``."""
    part = np.clip((values - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)
