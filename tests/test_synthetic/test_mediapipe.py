"""MediaPipe detects the rendered hands."""

import cv2
import numpy as np
import pytest

from simhand_mm.synthetic import Contents, GroundTruth, synthesize


def found_hands(root, truth):
    """Whether each true hand was detected, and whether the handedness of the detected is right."""
    hands = pytest.importorskip("mediapipe").solutions.hands.Hands(
        static_image_mode=True, model_complexity=1, min_detection_confidence=0.3, max_num_hands=2
    )
    found, right_side = np.zeros(len(truth.video_id), bool), []
    for video in np.unique(truth.video_id):
        capture = cv2.VideoCapture(str(root / "videos" / f"{video}.mp4"))
        for frame in np.unique(truth.frame_index[truth.video_id == video]):
            rows = np.flatnonzero((truth.video_id == video) & (truth.frame_index == frame))
            image = np.ascontiguousarray(capture.read()[1][:, :, ::-1])
            result = hands.process(image)
            marks = zip(
                result.multi_hand_landmarks or [], result.multi_handedness or [], strict=True
            )
            for landmarks, side in marks:
                points = np.array([(mark.x * 320, mark.y * 240) for mark in landmarks.landmark])
                error = np.linalg.norm(points - truth.keypoints_2d[rows], axis=-1).mean(axis=-1)
                size = np.ptp(truth.keypoints_2d[rows], axis=1).max(axis=-1)
                best = np.argmin(error / size)
                if error[best] < 0.35 * size[best]:
                    found[rows[best]] = True
                    # MediaPipe assumes mirrored images.
                    mirrored = {"Left": "right", "Right": "left"}[side.classification[0].label]
                    right_side.append(mirrored == truth.handedness[rows[best]])
    return found, np.array(right_side)


@pytest.mark.slow
def test_mediapipe_finds_four_out_of_five_hands(tmp_path):
    synthesize(tmp_path, Contents(20, 6, 0, 0, seed=11))
    found, right_side = found_hands(tmp_path, GroundTruth.load(tmp_path))
    assert found.mean() >= 0.8
    assert right_side.mean() >= 0.9
