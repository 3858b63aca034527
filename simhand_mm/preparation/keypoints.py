"""Estimators of 2D hand keypoints with a common protocol.

``handedness`` is always the person's own hand. The legacy MediaPipe solution assumes a mirrored
image, so its label is swapped here.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class HandKeypoints:
    """One hand in an image.

    Attributes:
        keypoints_2d: ``[21, 2]`` px of the image, x right, y down, pixel centres at integers.
        keypoint_score: ``[21]`` in [0, 1].
        handedness: ``'left'`` or ``'right'``, the person's own hand.
        keypoints_3d: ``[21, 3]`` mm, axes of the camera, origin anywhere; None if the estimator
            has no 3D. MediaPipe's "world landmarks".
    """

    keypoints_2d: np.ndarray
    keypoint_score: np.ndarray
    handedness: str
    keypoints_3d: np.ndarray | None = None


class KeypointEstimator(Protocol):
    """Finds the keypoints of the hands in an image."""

    def __call__(self, image: np.ndarray) -> list[HandKeypoints]:
        """Return the hands in ``image`` (``uint8 [H, W, 3]`` RGB), in a reproducible order."""
        ...


class MediaPipeHands:
    """The palm detector and the landmark model of MediaPipe's legacy solution (0.10.21).

    MediaPipe has no scores for individual keypoints; ``keypoint_score`` repeats the score of the
    hand. By default images are processed independently: the result does not depend on their order.

    Args:
        max_hands: Maximum number of hands per image.
        min_score: Minimum confidence of the palm detector, in [0, 1].
        is_video: Images are the frames of a video, in order: hands are followed from frame to
            frame, and searched for only while fewer than ``max_hands`` are followed.
    """

    def __init__(self, max_hands: int = 4, min_score: float = 0.5, is_video: bool = False) -> None:
        version = mediapipe_version()
        import mediapipe

        if not hasattr(mediapipe, "solutions"):
            raise ImportError(
                f"MediaPipe must have its legacy solutions, but version {version} has not. "
                "Install mediapipe==0.10.21, or give a model for the Tasks API (task_file)."
            )
        with _quiet():
            solutions: Any = mediapipe.solutions
            self._model = solutions.hands.Hands(
                static_image_mode=not is_video,
                max_num_hands=max_hands,
                model_complexity=1,
                min_detection_confidence=min_score,
            )
            # The graph starts in background threads: wait for it.
            self._model.process(np.zeros((64, 64, 3), np.uint8))
        self._has_found_any = False

    def __call__(self, image: np.ndarray) -> list[HandKeypoints]:
        """See :class:`KeypointEstimator`."""
        # The last log messages are written with the first hand.
        with nullcontext() if self._has_found_any else _quiet():
            result = self._model.process(np.ascontiguousarray(image))
        self._has_found_any = self._has_found_any or bool(result.multi_hand_landmarks)
        hands = zip(
            result.multi_hand_landmarks or (),
            result.multi_hand_world_landmarks or (),
            result.multi_handedness or (),
            strict=True,
        )
        found = []
        for landmarks, world, sides in hands:
            side = sides.classification[0]
            handedness = {"Left": "right", "Right": "left"}[side.label]  # label of a mirrored image
            found.append(
                _to_hand(landmarks.landmark, world.landmark, handedness, side.score, image)
            )
        return found


class MediaPipeTasks:
    """The hand landmarker of MediaPipe's Tasks API; its label is not swapped.

    Needs a model file (``hand_landmarker.task``); newer versions of MediaPipe have only this API.

    Args:
        task_file: The model file.
        max_hands: Maximum number of hands per image.
        min_score: Minimum confidence of the palm detector, in [0, 1].
    """

    def __init__(self, task_file: str, max_hands: int = 4, min_score: float = 0.5) -> None:
        mediapipe_version()
        import mediapipe
        from mediapipe.tasks import python as tasks

        if not os.path.isfile(task_file):
            raise FileNotFoundError(
                f"task_file must be a MediaPipe model (hand_landmarker.task), but {task_file} is "
                "not a file. Correct the path."
            )
        self._new_image = partial(mediapipe.Image, mediapipe.ImageFormat.SRGB)
        options = tasks.vision.HandLandmarkerOptions(
            tasks.BaseOptions(model_asset_path=str(task_file)),
            num_hands=max_hands,
            min_hand_detection_confidence=min_score,
        )
        with _quiet():
            try:
                self._model = tasks.vision.HandLandmarker.create_from_options(options)
            except RuntimeError as error:
                raise ValueError(
                    f"task_file must be a MediaPipe model (hand_landmarker.task), but loading "
                    f"{task_file} gives: {error} Download it again."
                ) from error
            self._model.detect(self._new_image(np.zeros((64, 64, 3), np.uint8)))

    def __call__(self, image: np.ndarray) -> list[HandKeypoints]:
        """See :class:`KeypointEstimator`."""
        result = self._model.detect(self._new_image(np.ascontiguousarray(image)))
        return [
            _to_hand(landmarks, world, sides[0].category_name.lower(), sides[0].score, image)
            for landmarks, world, sides in zip(
                result.hand_landmarks, result.hand_world_landmarks, result.handedness, strict=True
            )
        ]


def _to_hand(
    landmarks: Sequence[Any],
    world: Sequence[Any],
    handedness: str,
    score: float,
    image: np.ndarray,
) -> HandKeypoints:
    height, width = image.shape[:2]
    # Landmarks are fractions of the image from edge to edge; the first pixel's centre is 0.
    keypoints = np.array([[point.x * width, point.y * height] for point in landmarks]) - 0.5
    keypoints_3d = np.array([[point.x, point.y, point.z] for point in world]) * 1000  # from metres
    return HandKeypoints(keypoints, np.full(len(keypoints), score), handedness, keypoints_3d)


def mediapipe_version() -> str:
    """Version of the installed MediaPipe, without importing it."""
    try:
        return metadata.version("mediapipe")
    except metadata.PackageNotFoundError as error:
        raise ImportError(
            "MediaPipe must be installed to estimate keypoints. Run: "
            'pip install --no-deps mediapipe==0.10.21 && pip install "simhand-mm[prepare]".'
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the log messages of MediaPipe's native libraries.

    They write to the file descriptor and cannot be turned off. Python exceptions are not affected.
    """
    saved = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(silence)
