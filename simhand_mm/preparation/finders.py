"""Hands of a frame: boxes of a detector joined with the keypoints of an estimator."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.keypoints import KeypointEstimator


@dataclass(frozen=True)
class FoundHand:
    """One hand in a frame.

    Attributes:
        bbox_xyxy: ``[4]``, px of the frame.
        bbox_score: In [0, 1].
        handedness: ``'left'`` or ``'right'``, the person's own hand.
        keypoints_2d: ``[21, 2]`` px of the frame; None where a box has no keypoints.
        keypoint_score: ``[21]`` in [0, 1]; None as ``keypoints_2d``.
    """

    bbox_xyxy: np.ndarray
    bbox_score: float
    handedness: str
    keypoints_2d: np.ndarray | None
    keypoint_score: np.ndarray | None


class HandFinder(Protocol):
    """Finds the hands of a frame."""

    def __call__(self, video_id: str, frame: Frame) -> list[FoundHand]:
        """Hands in a reproducible order."""


class FullFrameFinder:
    """Runs an estimator that has its own detector on whole frames.

    The box of a hand is the tight box around its keypoints, its score their mean score.

    Args:
        estimator: For instance :class:`~simhand_mm.preparation.keypoints.MediaPipeHands`.
    """

    def __init__(self, estimator: KeypointEstimator) -> None:
        self._estimator = estimator

    def __call__(self, video_id: str, frame: Frame) -> list[FoundHand]:
        """See :class:`HandFinder`."""
        return [
            FoundHand(
                bbox_xyxy=keypoints_to_box(hand.keypoints_2d),
                bbox_score=float(hand.keypoint_score.mean()),
                handedness=hand.handedness,
                keypoints_2d=hand.keypoints_2d,
                keypoint_score=hand.keypoint_score,
            )
            for hand in self._estimator(frame.image)
        ]
