"""The real MediaPipe, both interfaces, on synthetic hands whose truth is known."""

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from simhand_mm.executors import LocalExecutor
from simhand_mm.pool import HandPool, write_detections
from simhand_mm.preparation.finder_settings import MediaPipeRecipe
from simhand_mm.preparation.keypoints import MediaPipeHands, MediaPipeTasks
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation
from simhand_mm.preparation.video_files import find_videos
from simhand_mm.preparation.videos import sample_frames
from simhand_mm.synthetic import Contents, GroundTruth, synthesize

pytest.importorskip("mediapipe")


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    root = tmp_path_factory.mktemp("synthetic")
    synthesize(root, Contents(5, 3, num_train_stills=0, num_test_stills=0))
    return root


@pytest.fixture(scope="module")
def frames(synthetic):
    videos = find_videos(synthetic / "videos")
    return [(v.video_id, frame) for v in videos for frame in sample_frames(v.path, 10)]


@pytest.fixture(scope="module")
def task_file(tmp_path_factory):
    """The model file of the Tasks API, from the parts that the wheel of MediaPipe brings."""
    models = Path(importlib.util.find_spec("mediapipe").submodule_search_locations[0]) / "modules"
    path = tmp_path_factory.mktemp("model") / "hand_landmarker.task"
    with zipfile.ZipFile(path, "w") as archive:
        palm, hand = "palm_detection_full.tflite", "hand_landmark_full.tflite"
        archive.write(models / "palm_detection" / palm, "hand_detector.tflite")
        archive.write(models / "hand_landmark" / hand, "hand_landmarks_detector.tflite")
    return str(path)


def check_against_truth(estimator, frames, synthetic):
    truth = GroundTruth.load(synthetic)
    num_true = num_found = num_right_side = 0
    for video_id, frame in frames:
        rows = np.nonzero((truth.video_id == video_id) & (truth.frame_index == frame.index))[0]
        num_true += len(rows)
        for hand in estimator(frame.image):
            gaps = np.linalg.norm(hand.keypoints_2d - truth.keypoints_2d[rows], axis=-1).mean(-1)
            nearest = rows[gaps.argmin()]
            extent = np.ptp(truth.keypoints_2d[nearest], axis=0).max()
            num_found += gaps.min() < 0.25 * extent
            num_right_side += hand.handedness == truth.handedness[nearest]
            assert hand.keypoint_score.shape == (21,)
            assert 0 <= hand.keypoint_score.min() <= hand.keypoint_score.max() <= 1
    assert num_found >= 0.8 * num_true
    assert num_right_side >= 0.9 * num_found


def test_legacy_solution_finds_hands_and_their_side(frames, synthetic):
    check_against_truth(MediaPipeHands(), frames, synthetic)


def test_tasks_find_hands_and_their_side(frames, synthetic, task_file):
    check_against_truth(MediaPipeTasks(task_file), frames, synthetic)


def test_order_of_images_does_not_matter(frames):
    estimator = MediaPipeHands()
    images = [frame.image for _, frame in frames[:4]]
    forward = [estimator(image) for image in images]
    backward = [estimator(image) for image in images[::-1]][::-1]
    for some, others in zip(forward, backward, strict=True):
        for a, b in zip(some, others, strict=True):
            np.testing.assert_array_equal(a.keypoints_2d, b.keypoints_2d)


def test_nothing_is_found_in_an_empty_image():
    assert MediaPipeHands()(np.full((120, 160, 3), 90, np.uint8)) == []


def test_missing_model_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"hand_landmarker\.task.*nowhere\.task"):
        MediaPipeTasks("nowhere.task")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.task must be a file"):
        MediaPipeRecipe(task_file="nowhere.task").record()


def test_mediapipe_pool_and_its_quiet_terminal(synthetic, tmp_path, capfd):
    run = Preparation(synthetic / "videos", tmp_path, CropSettings(fps=10), MediaPipeRecipe())
    run.run(LocalExecutor(1))
    pool = HandPool(tmp_path)
    assert len(pool) >= 12
    assert pool.info["finder"]["mediapipe"]
    assert pool.info["crop_size"] == 224
    assert pool.keypoints_2d.min() > 0
    assert pool.keypoints_2d.max() < 223
    told = capfd.readouterr().err
    assert "TensorFlow" not in told
    assert "landmark_projection" not in told


def test_mediapipe_in_given_boxes(synthetic, tmp_path):
    truth = GroundTruth.load(synthetic)
    rows = [row for row, frame in enumerate(truth.frame_index) if frame == 1]
    boxes = [
        {
            "video_id": truth.video_id[row],
            "frame_index": truth.frame_index[row],
            "bbox_xyxy": truth.bbox_xyxy[row],
            "score": 0.75,
            "handedness": "left",
        }
        for row in rows
    ]
    write_detections(tmp_path / "boxes.parquet", boxes)
    recipe = MediaPipeRecipe(detections=str(tmp_path / "boxes.parquet"))
    run = Preparation(synthetic / "videos", tmp_path / "pool", CropSettings(fps=10), recipe)
    info = run.run(LocalExecutor(0))
    pool = HandPool(tmp_path / "pool")
    assert set(pool.frame_index.tolist()) == {1}
    assert len(rows) >= len(pool) >= 0.7 * len(rows)
    assert pool.is_mirrored.all()  # the side is the detector's
    assert set(pool.bbox_score.tolist()) == {0.75}
    assert set(info["num_drops"]) <= {"no_keypoints", "outside_box", "no_hand"}
