"""A person: the shape of the hand, the skin, the sleeve.

Axes: V coarse, R refined vertices. Hand frame and millimetres as in `mesh.py`; colours are RGB in
linear light.
"""

from dataclasses import dataclass

import numpy as np

from simhand_mm.synthetic.mesh import HandMesh, refine, unit, vertex_normals
from simhand_mm.synthetic.surfaces import Surface
from simhand_mm.synthetic.textures import lattice_noise, linear_rgb

# From fair to dark, sRGB.
_SKIN_TONES = np.array(
    [
        (244, 214, 192),
        (232, 190, 160),
        (214, 166, 130),
        (188, 134, 98),
        (148, 98, 68),
        (104, 68, 48),
        (72, 48, 38),
    ]
)
_NUM_MACRO_MODES = 8  # race, gender, age, build; the rest pairs up: slimmer/thicker, shorter/longer
_HAND_MODE_LIMIT = np.array([0.5, 0.3, 0.3, 0.4, 0.0, 0.0])  # size is drawn apart


@dataclass(frozen=True)
class Subject:
    """One person's right hand at rest; the left one is its mirror image.

    Args:
        vertices: `[V, 3]` mm.
        joints: `[21, 3]` mm.
        albedo: `[R, 3]` linear colour of the refined vertices.
        specular: `[R]` strength of the highlight, stronger on nails.
        gloss: `[R]` exponent of the highlight.
        sleeve: A sleeve about the forearm at rest, or None.
    """

    vertices: np.ndarray
    joints: np.ndarray
    albedo: np.ndarray
    specular: np.ndarray
    gloss: np.ndarray
    sleeve: Surface | None


def sample_subject(rng: np.random.Generator, mesh: HandMesh) -> Subject:
    """Draw a person."""
    macro = np.clip(rng.normal(0, 0.8, _NUM_MACRO_MODES), -1.6, 1.6)
    hand = rng.uniform(0, 1, len(mesh.vertex_modes) - _NUM_MACRO_MODES) * _HAND_MODE_LIMIT
    hand[::2][rng.random(3) < 0.5] = 0
    hand[1::2][hand[::2] > 0] = 0
    palm_length = np.clip(rng.normal(91, 7), 76, 106)
    vertices, joints = mesh.shaped(np.concatenate([macro, hand]), palm_length)
    refined, normals = refine(vertices, vertex_normals(vertices, mesh.faces), mesh.edges)
    tone = rng.uniform(0, len(_SKIN_TONES) - 1)
    albedo, nail = _paint_skin(rng, refined, normals, joints, tone)
    return Subject(
        vertices=vertices,
        joints=joints,
        albedo=albedo,
        specular=rng.uniform(0.05, 0.14) + 0.25 * nail,
        gloss=rng.uniform(9, 18) + 35 * nail,
        sleeve=_sample_sleeve(rng, refined, normals, mesh.fine_faces)
        if rng.random() < 0.55
        else None,
    )


def _paint_skin(
    rng: np.random.Generator,
    points: np.ndarray,
    normals: np.ndarray,
    joints: np.ndarray,
    tone: float,
):
    """Return linear albedo `[R, 3]` and nail cover `[R]` of refined vertices."""
    step = min(int(tone), len(_SKIN_TONES) - 2)
    base = linear_rgb(_SKIN_TONES[step] + (tone - step) * np.diff(_SKIN_TONES, axis=0)[step])
    base = base * rng.normal(1, 0.04, 3)
    darkness = tone / (len(_SKIN_TONES) - 1)
    palm_length = np.linalg.norm(joints[9])
    scaled = points / palm_length
    on_hand = _step(scaled[:, 1], -0.35, 0.15)
    palm = on_hand * _step(normals[:, 2], -0.35, 0.45)
    # Palms carry little melanin: on dark skin they are much lighter than the back.
    palm_color = (
        base * (1 - 0.5 * darkness) + linear_rgb(np.array([222, 168, 140])) * 0.5 * darkness
    )
    color = base + palm[:, None] * (palm_color * (1.04, 0.97, 0.95) - base)

    blush, crease, nail = np.zeros((3, len(points)))
    for finger in range(5):
        chain = joints[1 + 4 * finger : 5 + 4 * finger]
        blush += 0.8 * _bump(points, chain[3], 0.13 * palm_length)
        blush += sum(0.45 * _bump(points, knuckle, 0.12 * palm_length) for knuckle in chain[:3])
        for before, knuckle, after in zip(chain[:2], chain[1:3], chain[2:], strict=True):
            along = (points - knuckle) @ unit(after - before) / palm_length
            near = _bump(points, knuckle, 0.15 * palm_length)
            crease += 0.9 * near * np.exp(-((along / 0.018) ** 2)) * palm
            wrinkle = np.exp(-((along / 0.06) ** 2)) * (0.5 + 0.5 * np.cos(along * 170))
            crease += 0.45 * near * wrinkle * (1 - palm)
        nail = np.maximum(nail, _nail_cover(points, normals, chain, palm_length))
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


def _nail_cover(points, normals, chain, palm_length: float) -> np.ndarray:
    """Return 1 on the nail of a finger with joints `[4, 3]`, 0 elsewhere, `[R]`."""
    bone = chain[3] - chain[2]
    along = unit(bone)
    bend_axis = np.cross(unit(chain[1] - chain[0]), along)
    dorsal = unit(np.cross(bend_axis, along))  # away from where the finger bends to
    relative = points - chain[2]
    place = relative @ along / np.linalg.norm(bone)
    radius = np.linalg.norm(relative - np.outer(relative @ along, along), axis=1)
    cover = _step(place, 0.50, 0.58) * _step(-place, -1.08, -1.0) * (radius < 0.16 * palm_length)
    return cover * _step(normals @ -dorsal, 0.60, 0.78)


def _palm_lines(scaled: np.ndarray) -> np.ndarray:
    """Return the depth of the three long lines of the palm, `[R]`; points in palm lengths."""
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


def _sample_sleeve(
    rng: np.random.Generator, points: np.ndarray, normals: np.ndarray, faces: np.ndarray
) -> Surface:
    """Draw a plain, striped or mottled sleeve: the skin of the forearm, blown up."""
    cuff = -rng.uniform(12, 120)
    faces = faces[(points[:, 1] < cuff)[faces].any(axis=1)]
    used, faces = np.unique(faces, return_inverse=True)
    points, normals = points[used], normals[used]
    loose = 5.0 + 6.0 * np.clip((cuff - points[:, 1]) / 100.0, 0, 1)
    loose += 1.2 * lattice_noise(rng, points / 20.0)
    vertices = points + normals * loose[:, None]
    vertices[:, 1] = np.minimum(vertices[:, 1], cuff)  # a straight edge
    faces = faces.reshape(-1, 3)
    pattern = 0.15 * lattice_noise(rng, points / 16.0)
    if rng.random() < 0.35:
        pattern = pattern + 0.4 * np.sign(np.sin(points[:, 1] / rng.uniform(2.0, 6.0)))
    color = linear_rgb(rng.uniform(15, 240, 3) * rng.uniform(0.4, 1.0))
    return Surface(
        vertices=vertices,
        normals=vertex_normals(vertices, faces),
        faces=faces,
        albedo=np.clip(color * (1 + pattern[:, None]), 0.005, 0.95),
        specular=np.full(len(used), 0.01),
        gloss=np.full(len(used), 8.0),
    )


def _bump(points: np.ndarray, center: np.ndarray, width: float) -> np.ndarray:
    """Return a Gaussian bump `[R]` about a centre."""
    return np.exp(-((points - center) ** 2).sum(axis=1) / width**2)


def _step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return a smooth step from 0 at `low` to 1 at `high`."""
    part = np.clip((values - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)
