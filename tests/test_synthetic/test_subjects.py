import numpy as np
import pytest

from simhand_mm.synthetic.drawing.surfaces import vertex_normals
from simhand_mm.synthetic.hand.mesh import load_hand_mesh, refine
from simhand_mm.synthetic.hand.skin import paint_skin
from simhand_mm.synthetic.hand.subjects import sample_subject


@pytest.fixture(scope="module")
def hand():
    """Refined vertices, normals and joints of the average hand."""
    mesh = load_hand_mesh()
    normals = vertex_normals(mesh.vertices, mesh.faces)
    return *refine(mesh.vertices, normals, mesh.edges), mesh.joints


def test_skin_colours_are_plausible_and_people_differ(hand):
    people = [paint_skin(np.random.default_rng(seed), *hand)[0] for seed in range(12)]
    for albedo in people:
        assert albedo.min() > 0 and albedo.max() < 1
        red, green, blue = albedo.mean(axis=0)
        assert red > green > blue
    brightness = [albedo.mean() for albedo in people]
    assert max(brightness) > 3 * min(brightness)


def test_palms_of_dark_hands_are_lighter_than_their_backs(hand):
    points, normals, _ = hand
    on_hand = (points[:, 1] > 20) & (points[:, 1] < 80)
    palm, back = on_hand & (normals[:, 2] > 0.7), on_hand & (normals[:, 2] < -0.7)
    people = [paint_skin(np.random.default_rng(seed), *hand)[0] for seed in range(12)]
    darkest = min(people, key=np.mean)
    assert darkest[palm].mean() > 1.5 * darkest[back].mean()


def test_nails_lie_on_the_backs_of_the_fingertips(hand):
    points, normals, joints = hand
    _, nail = paint_skin(np.random.default_rng(0), *hand)
    for finger in range(1, 5):
        tip, dip = joints[4 + 4 * finger], joints[3 + 4 * finger]
        bone = np.linalg.norm(tip - dip)
        on_nail = (nail > 0.5) & (np.linalg.norm(points - tip, axis=1) < bone)
        assert on_nail.sum() > 5
        assert normals[on_nail, 2].mean() < 0  # away from the palm
    assert (nail > 0.5).mean() < 0.1


def test_sleeves_stay_below_the_wrist():
    mesh = load_hand_mesh()
    people = [sample_subject(np.random.default_rng(seed), mesh) for seed in range(12)]
    sleeves = [person.sleeve for person in people if person.sleeve]
    assert 0 < len(sleeves) < 12
    for sleeve in sleeves:
        top = sleeve.vertices[:, 1].max()
        assert top <= -12
        assert (sleeve.vertices[:, 1] == top).sum() > 8  # a straight cuff
