"""A coloured mesh that can be moved and drawn."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A mesh with the colours of its vertices.

    Axes: V vertices, F faces.

    Args:
        vertices: ``[V, 3]`` mm.
        normals: ``[V, 3]`` unit, outwards.
        faces: ``[F, 3]``, counter-clockwise seen from outside.
        albedo: ``[V, 3]`` RGB in linear light.
        specular: ``[V]`` strength of the highlight.
        gloss: ``[V]`` exponent of the highlight.
        scatter: 1 for skin, 0 for matter that light does not enter.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    albedo: np.ndarray
    specular: np.ndarray
    gloss: np.ndarray
    scatter: float = 0.0

    def moved(self, rotation: np.ndarray, translation: np.ndarray) -> "Surface":
        """Return the surface turned by ``[3, 3]``, then shifted by ``[3]`` mm.

        A rotation that mirrors turns the faces over, so that they keep facing outwards.
        """
        is_mirror = np.linalg.det(rotation) < 0
        return replace(
            self,
            vertices=self.vertices @ rotation.T + translation,
            normals=self.normals @ rotation.T,
            faces=self.faces[:, ::-1] if is_mirror else self.faces,
        )
