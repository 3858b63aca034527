"""The hand mesh: loading, shape of a subject, refinement and linear blend skinning.

Axes: V coarse vertices, E coarse edges, F faces, B = 17 bones, M shape modes.
Hand frame: right hand, millimetres, origin at the wrist, x to the thumb side, y to the middle
knuckle, z out of the palm. A left hand is the mirror image x -> -x.

``hand_mpfb.npz`` is the right forearm and hand of the MakeHuman/MPFB base mesh with its rig and
shape targets, all CC0 1.0, cut out and reduced to 21 joints. Lengths in metres:

    V  [1877, 3]      rest vertices        W   [1877, 17]      skinning weights (see ``HandMesh``)
    F  [3726, 3]      triangles            dV  [14, 1877, 3]   shape modes of the vertices
    J  [21, 3]        rest joints          dJ  [14, 21, 3]     shape modes of the joints

Modes 0 to 7 are principal components of race, gender, age and build, in units of one standard
deviation; 8 to 13 make the fingers slimmer, thicker, shorter, longer and the hand smaller, larger.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from simhand_mm.synthetic.drawing.surfaces import unit

MESH_PATH = Path(__file__).with_name("hand_mpfb.npz")

WRIST, INDEX_MCP, MIDDLE_MCP, PINKY_MCP = 0, 5, 9, 17


@dataclass(frozen=True)
class HandMesh:
    """A right hand with its forearm at rest, in the hand frame (see the module docstring).

    Attributes:
        vertices: ``[V, 3]`` mm.
        faces: ``[F, 3]``, counter-clockwise seen from outside.
        skin_weights: ``[V, B]``, rows sum to one; bone 0 is the forearm, 1 the hand, 2 to 16 the
            three phalanges of thumb, index, middle, ring and pinky.
        joints: ``[21, 3]`` mm.
        vertex_modes: ``[M, V, 3]`` mm, displacement of the vertices per unit of each shape mode.
        joint_modes: ``[M, 21, 3]`` mm, displacement of the joints per unit of each shape mode.
        edges: ``[E, 2]`` edges of the coarse mesh; vertex V + e of the refined mesh lies on edge e.
        fine_faces: ``[4F, 3]`` faces of the refined mesh.
    """

    vertices: np.ndarray
    faces: np.ndarray
    skin_weights: np.ndarray
    joints: np.ndarray
    vertex_modes: np.ndarray
    joint_modes: np.ndarray
    edges: np.ndarray
    fine_faces: np.ndarray

    def shaped(self, coefficients: np.ndarray, palm_length_mm: float):
        """Return vertices ``[V, 3]`` and joints ``[21, 3]`` (mm) of one person's hand at rest.

        Args:
            coefficients: ``[M]`` shape coefficients.
            palm_length_mm: Length from the wrist to the knuckle of the middle finger.
        """
        vertices = self.vertices + np.tensordot(coefficients, self.vertex_modes, 1)
        joints = self.joints + np.tensordot(coefficients, self.joint_modes, 1)
        scale = palm_length_mm / np.linalg.norm(joints[MIDDLE_MCP] - joints[WRIST])
        return vertices * scale, joints * scale


@lru_cache(maxsize=1)
def load_hand_mesh() -> HandMesh:
    """Load the built-in mesh (MakeHuman/MPFB, CC0 1.0) in the hand frame."""
    with np.load(MESH_PATH) as archive:
        data = {name: archive[name] for name in archive.files}
    joints = data["J"].astype(np.float64)
    to_hand = _hand_frame(joints) * 1000.0  # metres to millimetres, once
    origin = joints[WRIST]
    faces = data["F"].astype(np.int64)
    weights = data["W"].astype(np.float64)
    edges, fine_faces = _split_edges(faces, len(data["V"]))
    return HandMesh(
        vertices=(data["V"] - origin) @ to_hand.T,
        faces=faces,
        skin_weights=weights / weights.sum(axis=1, keepdims=True),
        joints=(joints - origin) @ to_hand.T,
        vertex_modes=data["dV"].astype(np.float64) @ to_hand.T,
        joint_modes=data["dJ"].astype(np.float64) @ to_hand.T,
        edges=edges,
        fine_faces=fine_faces,
    )


def skin_vertices(vertices: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Apply linear blend skinning to rest vertices ``[V, 3]`` with transforms ``[B, 3, 4]``."""
    blended = (weights @ transforms.reshape(len(transforms), 12)).reshape(-1, 3, 4)
    return np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]


def refine(vertices: np.ndarray, normals: np.ndarray, edges: np.ndarray, roundness: float = 0.7):
    """Add a vertex at the middle of each edge, on the curved surface given by the normals.

    Phong tessellation (Boubekeur and Alexa, 2008): the midpoint of an edge is projected onto the
    tangent planes of both ends; ``roundness`` 0 keeps it on the straight edge.

    Returns:
        Vertices and unit normals ``[V + E, 3]``.
    """
    start, end = edges[:, 0], edges[:, 1]
    middle = (vertices[start] + vertices[end]) / 2
    lifted = middle - sum(
        np.einsum("ei,ei->e", middle - vertices[side], normals[side])[:, None] * normals[side] / 2
        for side in (start, end)
    )
    middle = middle + roundness * (lifted - middle)
    middle_normals = unit(normals[start] + normals[end])
    return np.concatenate([vertices, middle]), np.concatenate([normals, middle_normals])


def _hand_frame(joints: np.ndarray) -> np.ndarray:
    """Return the rotation ``[3, 3]`` from the frame of ``joints`` to the hand frame."""
    wrist = joints[WRIST]
    along = unit(joints[MIDDLE_MCP] - wrist)
    palm = np.cross(joints[INDEX_MCP] - wrist, joints[PINKY_MCP] - wrist)
    palm = unit(palm - (palm @ along) * along)
    return np.stack([np.cross(along, palm), along, palm])


def _split_edges(faces: np.ndarray, num_vertices: int):
    """Return the unique edges ``[E, 2]`` and the faces ``[4F, 3]`` after splitting each edge."""
    a, b, c = faces.T
    ends = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1), axis=-1)  # [F, 3, 2]
    edges, inverse = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    ab, bc, ca = inverse.reshape(-1, 3).T + num_vertices
    pieces = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return edges, np.concatenate([np.stack(piece, axis=1) for piece in pieces])
