import numpy as np
import pytest

from simhand_mm.functional.keypoints import SKELETON
from simhand_mm.synthetic.drawing.surfaces import unit, vertex_normals
from simhand_mm.synthetic.hand.mesh import load_hand_mesh, refine, skin_vertices


@pytest.fixture(scope="module")
def mesh():
    return load_hand_mesh()


def test_mesh_lies_in_the_hand_frame(mesh):
    joints = mesh.joints
    np.testing.assert_allclose(joints[0], 0, atol=1e-9)
    assert joints[9, 0] == pytest.approx(0, abs=1e-6) and joints[9, 2] == pytest.approx(0, abs=1e-6)
    assert joints[4, 0] > 30 > -30 > joints[20, 0]  # thumb and pinky on their sides
    assert 80 < joints[9, 1] < 105  # millimetres
    np.testing.assert_allclose(mesh.skin_weights.sum(axis=1), 1)


def test_mesh_faces_point_outwards(mesh):
    """The signed volume of a closed surface is positive; the open elbow has little effect."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    volume_cm3 = np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6 / 1000
    assert 500 < volume_cm3 < 3000


def test_joints_lie_inside_the_mesh(mesh):
    """Each joint is within a finger's thickness of the skin, and the skin surrounds it."""
    for joint in mesh.joints[1:]:
        offset = mesh.vertices - joint
        near = offset[np.linalg.norm(offset, axis=1) < 25]
        assert np.linalg.norm(unit(near).mean(axis=0)) < 0.95
        assert np.linalg.norm(offset, axis=1).min() < 20


def test_shaped_hand_has_the_requested_palm_length(mesh):
    rng = np.random.default_rng(0)
    for palm_length in (76.0, 104.0):
        _, joints = mesh.shaped(rng.normal(0, 0.5, 14), palm_length)
        assert np.linalg.norm(joints[9] - joints[0]) == pytest.approx(palm_length)
        lengths = [np.linalg.norm(joints[b] - joints[a]) / palm_length for a, b in SKELETON]
        assert min(lengths) > 0.12 and max(lengths) < 1.15


def test_skin_vertices_equals_loop_over_bones():
    rng = np.random.default_rng(1)
    vertices, transforms = rng.normal(size=(7, 3)), rng.normal(size=(17, 3, 4))
    weights = rng.dirichlet(np.ones(17), 7)
    expected = np.zeros((7, 3))
    for vertex in range(7):
        for bone in range(17):
            moved = transforms[bone, :, :3] @ vertices[vertex] + transforms[bone, :, 3]
            expected[vertex] += weights[vertex, bone] * moved
    np.testing.assert_allclose(skin_vertices(vertices, weights, transforms), expected)


def test_skin_vertices_of_identity_is_rest(mesh):
    identity = np.tile(np.eye(3, 4), (17, 1, 1))
    skinned = skin_vertices(mesh.vertices, mesh.skin_weights, identity)
    np.testing.assert_allclose(skinned, mesh.vertices, atol=1e-9)


def test_refine_keeps_a_plane_and_rounds_a_ball(mesh):
    rng = np.random.default_rng(2)
    edges = np.array([[0, 1], [1, 2], [2, 0]])
    flat = np.concatenate([rng.normal(size=(3, 2)), np.ones((3, 1))], axis=1)
    vertices, normals = refine(flat, np.tile([0.0, 0, 1], (3, 1)), edges)
    np.testing.assert_allclose(vertices[:, 2], 1)
    np.testing.assert_allclose(vertices[3], (flat[0] + flat[1]) / 2)
    ball = unit(rng.normal(size=(3, 3)) * 0.2 + [0, 0, 1])
    straight, _ = refine(ball, ball, edges, roundness=0.0)
    curved, normals = refine(ball, ball, edges, roundness=1.0)
    for index in range(3, 6):
        assert np.linalg.norm(straight[index]) < np.linalg.norm(curved[index]) <= 1.05
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)


def test_refined_faces_cover_the_same_area(mesh):
    start, end = mesh.edges.T
    middle = (mesh.vertices[start] + mesh.vertices[end]) / 2
    fine = np.concatenate([mesh.vertices, middle])

    def area(vertices, faces):
        a, b, c = (vertices[faces[:, corner]] for corner in range(3))
        return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()

    assert area(fine, mesh.fine_faces) == pytest.approx(area(mesh.vertices, mesh.faces))
    coarse, fine = (
        vertex_normals(v, f) for v, f in ((mesh.vertices, mesh.faces), (fine, mesh.fine_faces))
    )
    assert np.einsum("vi,vi->v", coarse, fine[: len(coarse)]).min() > 0.7
