"""Coloured meshes and their normals."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A mesh with vertex colours.

    Axes: V vertices, F faces.

    Attributes:
        vertices: ``[V, 3]`` mm.
        normals: ``[V, 3]`` unit, outwards.
        faces: ``[F, 3]``, counter-clockwise seen from outside.
        albedo: ``[V, 3]`` RGB in linear light.
        specular: ``[V]`` strength of the highlight.
        gloss: ``[V]`` exponent of the highlight.
        scatter: Subsurface scattering: 1 for skin, 0 for opaque materials.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    albedo: np.ndarray
    specular: np.ndarray
    gloss: np.ndarray
    scatter: float = 0.0

    def moved(self, rotation: np.ndarray, translation: np.ndarray) -> "Surface":
        """Return the surface rotated by ``[3, 3]``, then translated by ``[3]`` mm.

        If the matrix mirrors, the faces are flipped, so that they still face outwards.
        """
        is_mirror = np.linalg.det(rotation) < 0
        return replace(
            self,
            vertices=self.vertices @ rotation.T + translation,
            normals=self.normals @ rotation.T,
            faces=self.faces[:, ::-1] if is_mirror else self.faces,
        )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors ``[..., 3]`` to unit length; a zero vector stays zero."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    return vectors / np.maximum(length, 1e-9)[..., None]


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return area-weighted unit normals ``[V, 3]``.

    They point to the side from which the faces are counter-clockwise.
    """
    corners = vertices[faces]  # [F, 3, 3]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    corner_index = faces.T.ravel()
    sums = [
        np.bincount(corner_index, np.tile(face_normals[:, axis], 3), len(vertices))
        for axis in range(3)
    ]
    return unit(np.stack(sums, axis=1).astype(vertices.dtype))
