"""Persons: hand shape, skin and sleeve.

Axes: V coarse, R refined vertices. Hand frame and millimetres as in ``mesh.py``; colours are RGB in
linear light.
"""

from dataclasses import dataclass

import numpy as np

from simhand_mm.synthetic.drawing.surfaces import Surface, vertex_normals
from simhand_mm.synthetic.drawing.textures import lattice_noise, linear_rgb
from simhand_mm.synthetic.hand.mesh import HandMesh, refine
from simhand_mm.synthetic.hand.skin import paint_skin

_NUM_MACRO_MODES = 8  # race, gender, age, build; the rest pairs up: slimmer/thicker, shorter/longer
_HAND_MODE_LIMIT = np.array([0.5, 0.3, 0.3, 0.4, 0.0, 0.0])  # size is sampled separately


@dataclass(frozen=True)
class Subject:
    """The right hand of a person at rest; the left hand is its mirror image.

    Attributes:
        vertices: ``[V, 3]`` mm.
        joints: ``[21, 3]`` mm.
        albedo: ``[R, 3]`` linear colour of the refined vertices.
        specular: ``[R]`` strength of the highlight, stronger on nails.
        gloss: ``[R]`` exponent of the highlight.
        sleeve: A sleeve about the forearm at rest, or None.
    """

    vertices: np.ndarray
    joints: np.ndarray
    albedo: np.ndarray
    specular: np.ndarray
    gloss: np.ndarray
    sleeve: Surface | None


def sample_shape(rng: np.random.Generator, mesh: HandMesh) -> tuple[np.ndarray, np.ndarray]:
    """Sample the vertices ``[V, 3]`` and joints ``[21, 3]`` (mm) of a person's hand at rest."""
    macro = np.clip(rng.normal(0, 0.8, _NUM_MACRO_MODES), -1.6, 1.6)
    hand = rng.uniform(0, 1, len(mesh.vertex_modes) - _NUM_MACRO_MODES) * _HAND_MODE_LIMIT
    # Use one mode of each pair: a finger cannot be slimmer and thicker at once.
    hand[::2][rng.random(3) < 0.5] = 0
    hand[1::2][hand[::2] > 0] = 0
    palm_length = np.clip(rng.normal(91, 7), 76, 106)
    return mesh.shaped(np.concatenate([macro, hand]), palm_length)


def sample_subject(rng: np.random.Generator, mesh: HandMesh) -> Subject:
    """Sample a person."""
    vertices, joints = sample_shape(rng, mesh)
    refined, normals = refine(vertices, vertex_normals(vertices, mesh.faces), mesh.edges)
    albedo, nail = paint_skin(rng, refined, normals, joints)
    specular, gloss = rng.uniform(0.05, 0.14) + 0.25 * nail, rng.uniform(9, 18) + 35 * nail
    has_sleeve = rng.random() < 0.55
    sleeve = _sample_sleeve(rng, refined, normals, mesh.fine_faces) if has_sleeve else None
    return Subject(vertices, joints, albedo, specular, gloss, sleeve)


def _sample_sleeve(
    rng: np.random.Generator, points: np.ndarray, normals: np.ndarray, faces: np.ndarray
) -> Surface:
    """Sample a plain, striped or mottled sleeve: the forearm mesh, enlarged."""
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
