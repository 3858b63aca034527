"""The gate between what was found in a frame and what enters the pool."""

from dataclasses import dataclass

import numpy as np

from simhand_mm.functional.boxes import square_box
from simhand_mm.preparation.finders import FoundHand


@dataclass(frozen=True)
class QualityGate:
    """Limits that a hand must keep; each limit has its reason.

    Attributes:
        min_score: Least score of the box and mean score of the keypoints (``low_score``).
        min_hand_px: Least longer side of the keypoints' box in the frame (``too_small``).
        min_inside: Least share of keypoints inside the frame (``outside_frame``) and inside the
            enlarged box of a detector (``outside_box``).
        min_sharpness: Least variance of the crop's Laplacian (``blurred``); 0 keeps all.
        min_separation: Two hands of a frame are one if their keypoints lie closer on average than
            this share of the hand's size (``duplicate``); the one with the better score stays.
    """

    min_score: float = 0.5
    min_hand_px: float = 24.0
    min_inside: float = 0.75
    min_sharpness: float = 0.0
    min_separation: float = 0.2

    def reason_to_drop(self, hand: FoundHand, frame_size_wh: tuple[int, int]) -> str | None:
        """Why a hand must stay out by itself, or None."""
        if hand.keypoints_2d is None:
            return "no_keypoints"
        points = hand.keypoints_2d
        if not (np.isfinite(points).all() and np.isfinite(hand.bbox_xyxy).all()):
            return "nan_keypoints"
        size = _hand_size(hand)
        if size < 1:
            return "constant_keypoints"
        if size < self.min_hand_px:
            return "too_small"
        if not min(hand.bbox_score, float(hand.keypoint_score.mean())) >= self.min_score:
            return "low_score"
        if _share_inside(points, (0, 0, *frame_size_wh)) < self.min_inside:
            return "outside_frame"
        if _share_inside(points, tuple(square_box(hand.bbox_xyxy, 1.3))) < self.min_inside:
            return "outside_box"
        return None

    def duplicates(self, hands: list[FoundHand]) -> set[int]:
        """Positions of hands that repeat one with a better score (of equals, an earlier one)."""
        order = sorted(range(len(hands)), key=lambda n: (-hands[n].bbox_score, n))
        kept: list[int] = []
        for position in order:
            if all(self._differ(hands[position], hands[other]) for other in kept):
                kept.append(position)
        return set(order) - set(kept)

    def _differ(self, a: FoundHand, b: FoundHand) -> bool:
        distance = np.linalg.norm(a.keypoints_2d - b.keypoints_2d, axis=-1).mean()
        return distance >= self.min_separation * max(_hand_size(a), _hand_size(b))


def _hand_size(hand: FoundHand) -> float:
    """Longer side of the tight box around the keypoints, in px between the outermost ones."""
    return float(np.ptp(hand.keypoints_2d, axis=0).max())


def _share_inside(points: np.ndarray, bbox_xyxy: tuple[float, ...]) -> float:
    x1, y1, x2, y2 = bbox_xyxy
    x, y = points[:, 0], points[:, 1]
    inside = (x >= x1 - 0.5) & (x <= x2 - 0.5) & (y >= y1 - 0.5) & (y <= y2 - 0.5)
    return float(inside.mean())
