"""Every reason of the gate, and what it lets through."""

from dataclasses import replace

import numpy as np
import pytest

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.preparation.finders import FoundHand
from simhand_mm.preparation.quality import QualityGate
from tests.test_preparation.stubs import PATTERN

SIZE_WH = (320, 240)


def hand(left=100.0, top=80.0, side=60.0, score=0.9, **changes):
    keypoints = np.array([left, top]) + side * PATTERN
    good = FoundHand(keypoints_to_box(keypoints), score, "right", keypoints, np.full(21, score))
    return replace(good, **changes)


def reasons(*hands, **limits):
    return QualityGate(**limits).reasons_to_drop(hands, SIZE_WH)


def test_good_hands_pass():
    assert reasons(hand(), hand(left=200), hand(left=5, top=5)) == ["", "", ""]
    assert reasons() == []


@pytest.mark.parametrize(
    "bad, reason",
    [
        (hand(keypoints_2d=None, keypoint_score=None), "no_keypoints"),
        (hand(keypoints_2d=np.full((21, 2), np.nan)), "nan_keypoints"),
        (hand(keypoints_2d=np.full((21, 2), 120.0)), "constant_keypoints"),
        (hand(side=20.0), "too_small"),
        (hand(score=0.4), "low_score"),
        (hand(bbox_score=float("nan")), "low_score"),
        (hand(left=-40.0), "outside_frame"),
        (hand(top=230.0), "outside_frame"),
        (hand(bbox_xyxy=np.array([400.0, 0, 500, 100])), "outside_frame"),
        (hand(bbox_xyxy=np.array([100.0, 80, 90, 140])), "outside_frame"),
        (hand(bbox_xyxy=np.array([np.nan, 80, 90, 140])), "outside_frame"),
        (hand(bbox_xyxy=np.array([200.0, 80, 260, 140])), "outside_box"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_has_its_reason(bad, reason):
    assert reasons(bad, hand(left=200)) == [reason, ""]


def test_of_duplicates_the_better_score_stays():
    assert reasons(hand(score=0.8), hand(left=103, score=0.9)) == ["duplicate", ""]
    assert reasons(hand(), hand(left=103)) == ["", "duplicate"]  # of equals the first
    assert reasons(hand(), hand(left=103), min_separation=0.0) == ["", ""]
    assert reasons(hand(score=0.3), hand(left=103)) == ["low_score", ""]


def test_limits_can_be_set():
    assert reasons(hand(side=20.0), min_hand_px=10) == [""]
    assert reasons(hand(left=-12.0), min_inside=0.5) == [""]
