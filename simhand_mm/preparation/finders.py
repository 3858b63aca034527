"""Finding hands in a frame: boxes of a detector combined with keypoints of an estimator."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from simhand_mm.functional.boxes import box_area, clip_box, keypoints_to_box
from simhand_mm.pool.cropping import cut_square
from simhand_mm.preparation.detectors import HandDetector
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.keypoints import HandKeypoints, KeypointEstimator


@dataclass(frozen=True)
class FoundHand:
    """One hand in a frame.

    Attributes:
        bbox_xyxy: ``[4]``, px of the frame.
        bbox_score: In [0, 1].
        handedness: ``'left'`` or ``'right'``, the person's own hand.
        keypoints_2d: ``[21, 2]`` px of the frame; None if the box has no keypoints.
        keypoint_score: ``[21]`` in [0, 1]; None as ``keypoints_2d``.
        keypoints_3d: ``[21, 3]`` mm, see :class:`~simhand_mm.preparation.keypoints.HandKeypoints`.
    """

    bbox_xyxy: np.ndarray
    bbox_score: float
    handedness: str
    keypoints_2d: np.ndarray | None = None
    keypoint_score: np.ndarray | None = None
    keypoints_3d: np.ndarray | None = None


class HandFinder(Protocol):
    """Finds the hands of a frame."""

    def frames_of(self, video_id: str) -> frozenset[int] | None:
        """Return the indices of the frames of a video that can be used; None for all."""
        ...

    def __call__(self, video_id: str, frame: Frame) -> list[FoundHand]:
        """Return hands in a reproducible order."""
        ...


class FullFrameFinder:
    """Runs an estimator with a built-in detector on whole frames.

    The box of a hand is the smallest box of its keypoints; its score is their mean score.

    Args:
        estimator: For example :class:`~simhand_mm.preparation.keypoints.MediaPipeHands`.
    """

    def __init__(self, estimator: KeypointEstimator) -> None:
        self._estimator = estimator

    def frames_of(self, video_id: str) -> None:
        """See :class:`HandFinder`."""
        return

    def __call__(self, video_id: str, frame: Frame) -> list[FoundHand]:
        """See :class:`HandFinder`."""
        return [
            FoundHand(
                bbox_xyxy=keypoints_to_box(hand.keypoints_2d),
                bbox_score=float(hand.keypoint_score.mean()),
                handedness=hand.handedness,
                keypoints_2d=hand.keypoints_2d,
                keypoint_score=hand.keypoint_score,
                keypoints_3d=hand.keypoints_3d,
            )
            for hand in self._estimator(frame.image)
        ]


class BoxFinder:
    """Runs an estimator inside the boxes of a detector.

    The estimator gets a larger crop than the pool stores, because landmark models that first detect
    the palm fail on tight crops. The handedness is the detector's if it predicts one.

    Args:
        detector: Source of the boxes.
        estimator: Finds keypoints in a crop.
        keypoint_crop_scale: Side of the square crop for the estimator, divided by the longer side
            of the box.
    """

    def __init__(
        self,
        detector: HandDetector,
        estimator: KeypointEstimator,
        keypoint_crop_scale: float = 2.5,
    ) -> None:
        if keypoint_crop_scale < 1:
            raise ValueError(
                f"keypoint_crop_scale must be at least 1, but got {keypoint_crop_scale}. The "
                "estimator needs the whole hand; 2 or more is recommended."
            )
        self._detector = detector
        self._estimator = estimator
        self._scale = keypoint_crop_scale

    def frames_of(self, video_id: str) -> frozenset[int] | None:
        """See :class:`HandFinder`."""
        return self._detector.frames_of(video_id)

    def __call__(self, video_id: str, frame: Frame) -> list[FoundHand]:
        """See :class:`HandFinder`."""
        found = []
        for box in self._detector(video_id, frame):
            hand = find_in_box(self._estimator, frame.image, box.bbox_xyxy, self._scale)
            found.append(
                FoundHand(
                    bbox_xyxy=box.bbox_xyxy,
                    bbox_score=box.score,
                    handedness=box.handedness or (hand.handedness if hand else ""),
                    keypoints_2d=hand and hand.keypoints_2d,
                    keypoint_score=hand and hand.keypoint_score,
                    keypoints_3d=hand and hand.keypoints_3d,
                )
            )
        return found


def find_in_box(
    estimator: KeypointEstimator, image: np.ndarray, bbox_xyxy: np.ndarray, scale: float = 2.5
) -> HandKeypoints | None:
    """Return the hand with most keypoints inside a box; None if there is none.

    Args:
        estimator: Finds keypoints in a crop.
        image: ``uint8 [H, W, 3]`` RGB.
        bbox_xyxy: ``[4]``, px of the image.
        scale: See :class:`BoxFinder`.

    Returns:
        The hand, in px of the whole image.
    """
    if not is_in_frame(bbox_xyxy, (image.shape[1], image.shape[0])):
        return None
    crop, corner = cut_square(image, bbox_xyxy, scale)
    hands = [replace(hand, keypoints_2d=hand.keypoints_2d + corner) for hand in estimator(crop)]
    return max(hands, key=lambda hand: share_inside(hand.keypoints_2d, bbox_xyxy), default=None)


def share_inside(keypoints_2d: np.ndarray, bbox_xyxy: np.ndarray) -> float:
    """Fraction of the keypoints ``[K, 2]`` inside a box ``[4]``; both in px of the same image."""
    low, high = np.asarray(bbox_xyxy[:2]) - 0.5, np.asarray(bbox_xyxy[2:]) - 0.5
    return float(((keypoints_2d >= low) & (keypoints_2d <= high)).all(-1).mean())


def is_in_frame(bbox_xyxy: np.ndarray, frame_size_wh: tuple[int, int]) -> bool:
    """Whether a box is valid and at least a quarter of its area is inside the frame."""
    area = box_area(bbox_xyxy)
    return bool(area > 0 and box_area(clip_box(bbox_xyxy, frame_size_wh)) >= area / 4)
