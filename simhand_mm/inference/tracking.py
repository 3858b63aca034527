"""Following hands through a video: the detector runs only when a hand is missing."""

from collections.abc import Callable, Sequence

import numpy as np

from simhand_mm.functional.boxes import box_iou, keypoints_to_box
from simhand_mm.pool import HandBox, HandPose3D

Detector = Callable[[np.ndarray], Sequence[HandBox]]
Model = Callable[[np.ndarray, Sequence[HandBox]], list[HandPose3D]]


class TrackedHands:
    """Estimates the hands in the frames of a video; each crop is placed by the frame before.

    A hand is lost when the mean score of its keypoints is low, when its box leaves the image or
    changes its size suddenly, or when two boxes follow the same hand. While fewer than
    ``max_hands`` are followed, the detector searches every ``search_interval`` frames; while none
    is followed, it searches in every frame.

    Args:
        model: Estimates the hands in boxes of an image.
        detect: Finds boxes of hands in an image.
        max_hands: Maximum number of hands.
        min_score: Smallest mean score of the keypoints of a hand that is followed.
        search_interval: Number of frames between two searches.

    Attributes:
        num_searches: How often the detector has run.
    """

    def __init__(
        self,
        model: Model,
        detect: Detector,
        max_hands: int = 2,
        min_score: float = 0.3,
        search_interval: int = 10,
    ) -> None:
        self.model, self.detect, self.max_hands = model, detect, max_hands
        self.min_score, self.search_interval = min_score, search_interval
        self.num_searches = 0
        self._boxes: list[HandBox] = []
        self._since_search = search_interval

    def __call__(self, image: np.ndarray) -> list[HandPose3D]:
        """Return the hands in the next frame ``[H, W, 3]`` uint8, BGR."""
        boxes = list(self._boxes)
        self._since_search += 1
        is_due = self._since_search > self.search_interval
        if not boxes or (len(boxes) < self.max_hands and is_due):
            boxes += new_boxes(boxes, self.detect(image))[: self.max_hands - len(boxes)]
            self.num_searches += 1
            self._since_search = 0
        hands = self.model(image, boxes) if boxes else []
        kept = [hand for hand in hands if self._is_followed(hand, image)]
        kept = without_doubles(kept)
        self._boxes = [
            HandBox(keypoints_to_box(hand.keypoints_2d), hand.handedness, hand.box.score)
            for hand in kept
        ]
        return kept

    def _is_followed(self, hand: HandPose3D, image: np.ndarray) -> bool:
        before, after = hand.box.bbox_xyxy, keypoints_to_box(hand.keypoints_2d)
        center = (after[:2] + after[2:]) / 2
        growth = (after[2:] - after[:2]).max() / (before[2:] - before[:2]).max()
        is_inside = (center >= 0).all() and (center < image.shape[1::-1]).all()
        is_steady = bool(0.5 < growth < 2.0)
        return bool(hand.keypoint_score.mean() >= self.min_score) and is_inside and is_steady


def new_boxes(followed: Sequence[HandBox], found: Sequence[HandBox]) -> list[HandBox]:
    """Return the found boxes that no followed box covers (intersection over union below 0.3)."""
    if not followed or not found:
        return list(found)
    overlaps = box_iou(*(np.stack([box.bbox_xyxy for box in boxes]) for boxes in (found, followed)))
    return [box for box, overlap in zip(found, overlaps, strict=True) if overlap.max() < 0.3]


def without_doubles(hands: Sequence[HandPose3D]) -> list[HandPose3D]:
    """Drop, of two hands whose boxes overlap (IoU of 0.6), the one with the lower score."""
    kept: list[HandPose3D] = []
    for hand in sorted(hands, key=lambda hand: -hand.keypoint_score.mean()):
        boxes = [keypoints_to_box(other.keypoints_2d) for other in (hand, *kept)]
        if not kept or box_iou(np.stack(boxes[:1]), np.stack(boxes[1:])).max() < 0.6:
            kept.append(hand)
    return [hand for hand in hands if any(hand is other for other in kept)]
