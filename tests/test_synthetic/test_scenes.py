"""Whole scenes: labels inside the image, plausible anatomy, two different domains."""

import numpy as np
import pytest

from simhand_mm.functional.keypoints import FINGERS, bone_length, mirror_keypoints_3d
from simhand_mm.synthetic.domains import sample_any_still, sample_clip, sample_still
from simhand_mm.synthetic.drawing.backgrounds import (
    any_background,
    studio_background,
    wild_background,
)
from simhand_mm.synthetic.hand.collisions import SEGMENTS, segment_gap
from simhand_mm.synthetic.hand.gestures import GESTURES
from simhand_mm.synthetic.hand.kinematics import bone_transforms
from simhand_mm.synthetic.hand.mesh import load_hand_mesh
from simhand_mm.synthetic.hand.props import fit_prop
from simhand_mm.synthetic.hand.subjects import sample_subject
from simhand_mm.synthetic.scenes import render_frame


@pytest.fixture(scope="module")
def mesh():
    return load_hand_mesh()


def clip(mesh, seed, two_hands=False, num_frames=6):
    return sample_clip(np.random.default_rng(seed), mesh, num_frames, 160, 120, two_hands)


def test_labels_project_and_stay_inside_the_image(mesh):
    for seed in range(6):
        scene = clip(mesh, seed, two_hands=seed % 2 == 1)
        for frame in range(6):
            for label in scene.hand_labels(frame):
                homogeneous = label["keypoints_3d"] @ label["camera_matrix"].T
                expected = homogeneous[:, :2] / homogeneous[:, 2:]
                np.testing.assert_allclose(label["keypoints_2d"], expected, atol=1e-3)
                assert label["keypoints_2d"].min() > -2
                assert (label["keypoints_2d"] < (162, 122)).all()
                x1, y1, x2, y2 = label["bbox_xyxy"]
                assert 0 <= x1 < x2 <= 160 and 0 <= y1 < y2 <= 120


def test_left_hand_is_a_mirrored_right_hand(mesh):
    """The side of the thumb, seen from the palm, distinguishes the hands."""
    for seed in range(8):
        for label in clip(mesh, seed, two_hands=True).hand_labels(0):
            points = label["keypoints_3d"].astype(float)
            if label["handedness"] == "left":
                points = mirror_keypoints_3d(points)
            palm = np.cross(points[5] - points[0], points[17] - points[0])
            curl = points[[8, 12, 16, 20]].mean(axis=0) - points[[5, 9, 13, 17]].mean(axis=0)
            thumb = points[4] - points[0]
            assert palm @ (curl + thumb) > 0  # both point to the palm side


def test_two_hands_are_a_left_and_a_right_one_apart(mesh):
    for seed in range(6):
        first, second = clip(mesh, seed, two_hands=True).hand_labels(3)
        assert {first["handedness"], second["handedness"]} == {"left", "right"}
        left, right = sorted((first, second), key=lambda label: label["bbox_xyxy"][0])
        assert left["bbox_xyxy"][2] < right["bbox_xyxy"][0] + 4


def test_bones_have_human_sizes(mesh):
    for seed in range(30):
        joints = sample_subject(np.random.default_rng(seed), mesh).joints
        assert 75 < bone_length(joints) < 107
        for finger in range(len(FINGERS)):
            chain = joints[1 + 4 * finger : 5 + 4 * finger]
            first, second, third = np.linalg.norm(np.diff(chain, axis=0), axis=1)
            assert 12 < third < 45 and 8 < second < 50 and 13 < first < 65
            if finger > 0:
                assert first > second  # phalanges get shorter towards the tip


def test_neighbouring_frames_are_similar_and_videos_are_not(mesh):
    images = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        scene = sample_clip(rng, mesh, 24, 160, 120, two_hands=False)
        images.append([render_frame(rng, scene, mesh, f, 1.0).astype(float) for f in (10, 11)])
    within = np.mean([np.abs(a - b).mean() for a, b in images])
    between = np.mean([np.abs(images[i][0] - images[i - 1][0]).mean() for i in range(4)])
    assert between > 2 * within


def test_render_frame_is_repeatable(mesh):
    images = []
    for _ in range(2):
        rng = np.random.default_rng(5)
        scene = sample_clip(rng, mesh, 4, 160, 120, two_hands=True)
        images.append(render_frame(rng, scene, mesh, 2, 1.5))
    np.testing.assert_array_equal(*images)
    assert images[0].shape == (120, 160, 3) and images[0].dtype == np.uint8


def test_hand_covers_its_keypoints(mesh):
    """On a black background, the pixels at the keypoints are not black."""
    rng = np.random.default_rng(2)
    scene = sample_still(rng, mesh, sample_subject(rng, mesh), 128)
    scene = type(scene)(**{**vars(scene), "canvas": np.zeros_like(scene.canvas)})
    image = render_frame(rng, scene, mesh, 0, 2.0)
    points = np.rint(scene.hand_labels(0)[0]["keypoints_2d"]).astype(int)
    assert (image[points[:, 1], points[:, 0]].max(axis=1) > 25).mean() > 0.9


def test_backgrounds_are_varied_and_the_two_domains_differ():
    wild = [wild_background(np.random.default_rng(s), 96, 72) for s in range(12)]
    studio = [studio_background(np.random.default_rng(s), 96, 72) for s in range(12)]
    assert all(image.shape == (72, 96, 3) for image in wild + studio)

    def clutter(images):
        return np.median([np.abs(np.diff(p.astype(float), axis=1)).mean() for p in images])

    assert clutter(wild) > 3 * clutter(studio)
    assert np.std([image.mean() for image in wild]) > 5


def test_prop_fits_between_the_fingers(mesh):
    _, joints = bone_transforms(mesh.joints, GESTURES["grasp"][None])
    for seed in range(9):
        prop = fit_prop(np.random.default_rng(seed), joints)
        starts, ends = joints[0, SEGMENTS[:, 0]], joints[0, SEGMENTS[:, 1]]
        for vertex in prop.vertices:
            gap = np.linalg.norm(segment_gap(starts, ends, vertex, vertex), axis=1)
            assert gap.min() > 5  # outside every bone; may press into soft tissue


def test_prop_needs_space(mesh):
    _, joints = bone_transforms(mesh.joints, GESTURES["fist"][None])
    assert fit_prop(np.random.default_rng(0), joints * 0.3) is None


def test_stills_of_any_appearance_show_all_views_and_often_two_hands(mesh):
    rng = np.random.default_rng(0)
    subject = sample_subject(rng, mesh)
    scenes = [sample_any_still(rng, mesh, subject, 32) for _ in range(60)]
    tracks = [scene.tracks[0] for scene in scenes]
    assert 2 <= sum(len(scene.tracks) == 2 for scene in scenes) <= 25
    for scene in scenes:
        assert len({track.handedness for track in scene.tracks}) == len(scene.tracks)
    palms = np.stack([track.rotation[0][:, 2] for track in tracks])  # normals of palms
    assert (palms.min(0) < -0.6).all() and (palms.max(0) > 0.6).all()
    for track in tracks:
        np.testing.assert_allclose(track.rotation[0] @ track.rotation[0].T, np.eye(3), atol=1e-9)
        is_right = track.handedness == "right"
        assert np.linalg.det(track.rotation[0]) == pytest.approx(1 if is_right else -1)


def test_any_background_varies():
    rng = np.random.default_rng(0)
    images = [any_background(rng, 40, 30) for _ in range(40)]
    assert {image.shape for image in images} == {(30, 40, 3)}
    means = np.array([image.mean((0, 1)) for image in images])
    assert (means.std(0) > 20).all()
