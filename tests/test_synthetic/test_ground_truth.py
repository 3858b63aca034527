import numpy as np
import pytest

from simhand_mm.synthetic import GroundTruth


@pytest.fixture
def truth():
    """Video a: two hands in frame 0, one in frame 1; video b: one hand in frame 0."""
    rng = np.random.default_rng(0)
    pose = rng.normal(0, 40, (21, 3))
    return GroundTruth(
        video_id=np.array(["a", "a", "a", "b"]),
        frame_index=np.array([0, 0, 1, 0]),
        handedness=np.array(["left", "right", "right", "left"]),
        bbox_xyxy=np.array([[0, 0, 50, 50], [30, 0, 80, 50], [5, 5, 60, 60], [0, 0, 9, 9]], float),
        keypoints_2d=np.zeros((4, 21, 2)),
        keypoints_3d=np.stack(
            [pose * (-1, 1, 1), pose + 7, pose + [1, 0, 0] * np.eye(21)[:, :1], pose]
        ),
        camera_matrix=np.tile(np.eye(3), (4, 1, 1)),
    )


def test_match_takes_the_best_overlap(truth):
    boxes = np.array([[2, 2, 48, 52], [33, 0, 83, 50], [0, 0, 55, 60], [100, 100, 120, 120]], float)
    rows = truth.match(["a"] * 4, np.array([0, 0, 1, 0]), boxes, ["left", "right", "right", "left"])
    np.testing.assert_array_equal(rows, [0, 1, 2, -1])


def test_match_prefers_the_same_handedness_at_equal_overlap(truth):
    boxes = np.array([[15.0, 0, 65, 50]] * 2)
    rows = truth.match(["a", "a"], np.array([0, 0]), boxes, ["right", "left"])
    np.testing.assert_array_equal(rows, [1, 0])


def test_match_stays_within_the_frame(truth):
    box = np.array([[0.0, 0, 50, 50]])
    assert truth.match(["a"], np.array([2]), box, ["left"]).tolist() == [-1]
    assert truth.match(["c"], np.array([0]), box, ["left"]).tolist() == [-1]


def test_pair_distance_mirrors_left_hands_and_aligns_wrists(truth):
    first, second = np.array([0, 0, 0, 1, -1]), np.array([1, 2, -1, 1, 3])
    distance = truth.pair_distance_mm(first, second)
    # Row 0 is row 1 mirrored and shifted: the same pose. Row 2 has its wrist moved by 1 mm.
    np.testing.assert_allclose(distance, [0, 20 / 21, np.nan, 0, np.nan], atol=1e-9)


def test_load_of_an_unfinished_data_set_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"does not exist. Run simhand synth"):
        GroundTruth.load(tmp_path)
