"""The quality gate: decides which hands of a frame enter the pool."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simhand_mm.functional.boxes import square_box
from simhand_mm.preparation.finders import FoundHand, is_in_frame, share_inside

_BOX_MARGIN = 1.3  # keypoints may reach a little beyond the box of a detector


@dataclass(frozen=True)
class QualityGate:
    """Quality limits for hands, each with its drop reason.

    Reasons without a setting: ``nan_keypoints``, ``no_keypoints`` (the estimator finds nothing in
    the box), ``constant_keypoints`` (all at one point) and ``outside_frame`` for boxes.

    Attributes:
        min_score: Minimum score of the box, and minimum mean score of the keypoints
            (``low_score``).
        min_hand_px: Minimum of the longer side of the keypoints' extent in the frame
            (``too_small``).
        min_inside: Minimum fraction of keypoints inside the frame (``outside_frame``) and inside
            the box of the hand enlarged by 1.3 (``outside_box``).
        min_sharpness: Minimum variance of the Laplacian of the crop (``blurred``); 0 keeps all.
        min_separation: Two hands of a frame are duplicates if the mean distance of their keypoints
            is below this fraction of the hand's size (``duplicate``); the one with the higher score
            is kept.
    """

    min_score: float = 0.5
    min_hand_px: float = 24.0
    min_inside: float = 0.75
    min_sharpness: float = 0.0
    min_separation: float = 0.2

    def reasons_to_drop(
        self, hands: Sequence[FoundHand], frame_size_wh: tuple[int, int]
    ) -> list[str]:
        """Return the drop reason of each hand of a frame, or ''."""
        reasons = [self._reason(hand, frame_size_wh) for hand in hands]
        good = [position for position, reason in enumerate(reasons) if not reason]
        kept: list[FoundHand] = []
        # Sorting is stable: of equal scores, the first is kept.
        for position in sorted(good, key=lambda position: -hands[position].bbox_score):
            if all(self._differ(hands[position], other) for other in kept):
                kept.append(hands[position])
            else:
                reasons[position] = "duplicate"
        return reasons

    def _reason(self, hand: FoundHand, frame_size_wh: tuple[int, int]) -> str:
        points = hand.keypoints_2d
        if points is not None and not np.isfinite(points).all():
            return "nan_keypoints"
        if not is_in_frame(hand.bbox_xyxy, frame_size_wh):
            return "outside_frame"
        if points is None or hand.keypoint_score is None:
            return "no_keypoints"
        if _extent(points) < 1:
            return "constant_keypoints"
        if _extent(points) < self.min_hand_px:
            return "too_small"
        if not min(hand.bbox_score, float(hand.keypoint_score.mean())) >= self.min_score:
            return "low_score"
        if share_inside(points, np.array([0, 0, *frame_size_wh])) < self.min_inside:
            return "outside_frame"
        if share_inside(points, square_box(hand.bbox_xyxy, _BOX_MARGIN)) < self.min_inside:
            return "outside_box"
        return ""

    def _differ(self, a: FoundHand, b: FoundHand) -> bool:
        if a.keypoints_2d is None or b.keypoints_2d is None:
            return True
        distance = np.linalg.norm(a.keypoints_2d - b.keypoints_2d, axis=-1).mean()
        extent = max(_extent(a.keypoints_2d), _extent(b.keypoints_2d))
        return bool(distance >= self.min_separation * extent)


def _extent(keypoints_2d: np.ndarray) -> float:
    """Longer side of the keypoints' extent, in px of the frame."""
    return float(np.ptp(keypoints_2d, axis=0).max())
