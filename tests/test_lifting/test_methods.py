"""Ways to estimate a pose: what each of them takes from the estimator."""

import runpy
import sys

import cv2
import numpy as np
import pytest

from simhand_mm.cli import find_file
from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.functional.camera import project
from simhand_mm.lifting.lifter import Lifter
from simhand_mm.lifting.methods import estimate_poses
from simhand_mm.lifting.pseudo_labels import held_out_rows
from simhand_mm.pool import read_predictions, write_poses
from simhand_mm.pose.evaluation import evaluate_file
from simhand_mm.preparation import keypoints as estimators
from simhand_mm.preparation.keypoints import HandKeypoints
from simhand_mm.synthetic.hand.pose_set import sample_hand_poses
from tests.pools import make_hand, write_pool

CAMERA = np.array([[600.0, 0, 159.5], [0, 600, 119.5], [0, 0, 1]])


@pytest.fixture(scope="module")
def hands():
    """Four right hands, camera frame, mm."""
    poses = sample_hand_poses(2, 2, seed=5).astype(np.float64) @ np.diag([1.0, -1, -1])
    return poses + np.array([0, 30, 600])


def unit(poses):
    moved = poses - poses[:, :1]
    return moved / np.linalg.norm(moved[:, 9:10], axis=-1, keepdims=True)


def test_methods_mix_the_lifted_pose_with_the_other(hands):
    lifter, keypoints = Lifter.load(), project(hands, CAMERA)
    other = hands * 1.3 + 5
    other[3] = np.nan
    found = {
        method: estimate_poses(lifter, method, keypoints, None, CAMERA, other)
        for method in ("lifted", "half_and_half", "world_landmarks", "lifted_from_both")
    }
    lifted = found["lifted"].keypoints_3d
    np.testing.assert_array_equal(lifted, lifter(keypoints, None, CAMERA).keypoints_3d)
    mean = unit((lifted + unit(hands)) / 2)
    np.testing.assert_allclose(found["half_and_half"].keypoints_3d[:3], mean[:3], atol=1e-5)
    np.testing.assert_array_equal(found["half_and_half"].keypoints_3d[3], lifted[3])
    np.testing.assert_allclose(
        found["world_landmarks"].keypoints_3d[:3], unit(hands)[:3], atol=1e-5
    )
    assert np.isnan(found["world_landmarks"].keypoints_3d[3]).all()
    assert not found["world_landmarks"].is_plausible[3]
    assert not np.array_equal(found["lifted_from_both"].keypoints_3d[:3], lifted[:3])


def test_a_method_that_needs_another_pose_is_refused_without_one(hands):
    keypoints = project(hands, CAMERA)
    for other in (None, np.full((4, 21, 3), np.nan)):
        with pytest.raises(ValueError, match=r"method must be lifted .* got half_and_half"):
            estimate_poses(Lifter.load(), "half_and_half", keypoints, other_3d=other)


def test_the_end_of_videos_and_whole_short_ones_are_held_out(tmp_path):
    hands = {"long": [make_hand("long", frame) for frame in range(20)]}
    hands |= {f"short{n}": [make_hand(f"short{n}", frame) for frame in range(2)] for n in range(8)}
    pool = write_pool(tmp_path, hands)
    rows = held_out_rows(pool, 0.25)
    names = np.array(pool.video_ids)[pool.video_index]
    assert pool.frame_index[rows & (names == "long")].tolist() == [15, 16, 17, 18, 19]
    assert set(names[rows]) == {"long", "short3", "short7"}
    assert rows.sum() == 5 + 4
    assert not held_out_rows(pool, 0.0).any()


class Estimator:
    """Sees the hands where they are, but not the third one."""

    hands, number = np.zeros((0, 21, 3)), 0

    def __call__(self, image):
        number, Estimator.number = Estimator.number, Estimator.number + 1
        if number == 2:
            return []
        hand = self.hands[number]
        box = keypoints_to_box(project(hand, CAMERA))
        center, side = (box[:2] + box[2:]) / 2, len(image)
        keypoints = project(hand, CAMERA) - np.round(center - side / 2)
        return [HandKeypoints(keypoints, np.full(21, 0.9), "left", hand)]


def record_of(number, hand, **changes):
    points = project(hand, CAMERA)
    return {
        "sample_id": f"hand {number}",
        "image_path": "image.png",
        "width": 320,
        "height": 240,
        "camera_matrix": CAMERA,
        "keypoints_3d": hand,
        "keypoints_2d": points,
        "keypoints_valid": np.ones(21, bool),
        "bbox_xyxy": keypoints_to_box(points),
        "handedness": "right",
        "subject_id": "",
        "sequence_id": "",
        "source": "test",
        **changes,
    }


def predict(folder, monkeypatch, records, hands, *options):
    """Run the command on hands that a stub finds; return the table of labels and the output."""
    poses, output = folder / "poses/test.parquet", folder / "predictions.parquet"
    write_poses(poses, records)
    cv2.imwrite(str(folder / "image.png"), np.zeros((240, 320, 3), np.uint8))
    monkeypatch.setattr(estimators, "MediaPipeHands", Estimator)
    Estimator.hands, Estimator.number = hands, 0
    monkeypatch.setattr(sys, "argv", ["predict_poses.py", str(poses), str(output), *options])
    runpy.run_path(str(find_file("tools/predict_poses.py")), run_name="__main__")
    return poses, output


def test_predicted_hands_can_be_evaluated(hands, tmp_path, monkeypatch):
    records = [record_of(number, hand) for number, hand in enumerate(hands)]
    errors = {}
    for method in ("lifted", "world_landmarks"):
        poses, output = predict(tmp_path, monkeypatch, records, hands, "--method", method)
        assert read_predictions(output)["sample_id"] == ["hand 0", "hand 1", "hand 3"]
        errors[method] = evaluate_file(poses, output, hands_of=output)
    assert errors["world_landmarks"]["root_scale"]["mpjpe_mm"] < 0.01
    assert errors["lifted"]["root_scale"]["mpjpe_mm"] < 20
    assert errors["lifted"]["none"]["mpjpe_mm"] < 80  # placed where it is seen
    with pytest.raises(ValueError, match=r"lacks 1 of 4.*--hands-of"):
        evaluate_file(poses, output)


def test_one_bad_row_does_not_end_a_prediction(hands, tmp_path, monkeypatch, capsys):
    """Labels are not needed. Rows without what is needed are named, and the others predicted."""
    unlabelled = {
        "keypoints_3d": np.full((21, 3), np.nan),
        "keypoints_2d": np.full((21, 2), np.nan),
    }
    good = [record_of("a", hands[0]), record_of("b", hands[1], **unlabelled)]
    good += [record_of(name, hands[3]) for name in ("unseen", "c", "d", "e")]
    seen = np.stack([hands[k] for k in (0, 1, 3, 3, 3, 3)])
    bad = [
        {"handedness": "both"},
        {"camera_matrix": np.full((3, 3), np.nan)},
        {"image_path": "missing.png"},
        {"bbox_xyxy": np.full(4, np.nan)},
    ]
    records = [record_of(k, hands[0], **changes) for k, changes in enumerate(bad)]
    _, output = predict(tmp_path, monkeypatch, records[:2] + good + records[2:], seen)
    found = read_predictions(output, ("keypoints_3d", "error_mm"))
    assert found["sample_id"] == [f"hand {name}" for name in "abcde"]
    assert np.isfinite(found["keypoints_3d"]).all()
    assert np.isnan(found["error_mm"]).tolist() == [False, True, False, False, False]
    printed = capsys.readouterr().out
    assert (
        f"dropped: 1 hands whose image cannot be read, first {tmp_path / 'missing.png'}" in printed
    )
    assert "5 of 10 hands found" in printed


def test_a_wrong_folder_of_images_is_named(hands, tmp_path, monkeypatch, capsys):
    records = [record_of(0, hands[0], image_path="missing.png")]
    with pytest.raises(SystemExit):
        predict(tmp_path, monkeypatch, records, hands)
    error = capsys.readouterr().err
    assert f"of which 1 cannot be read (first: {tmp_path / 'missing.png'}: No such file" in error
