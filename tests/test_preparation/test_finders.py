"""Boxes joined with keypoints."""

import numpy as np
import pytest

from simhand_mm.pool import HandBox, read_detections, write_detections
from simhand_mm.preparation.detectors import DetectionTable
from simhand_mm.preparation.finders import BoxFinder, FullFrameFinder
from simhand_mm.preparation.frame_reader import Frame
from tests.test_preparation.stubs import POSE, SquareEstimator, hand_frame

FRAME = Frame(3, 0.3, hand_frame(3))
EXPECTED = SquareEstimator()(FRAME.image)[0].keypoints_2d


class OneBox:
    def __init__(self, bbox_xyxy, handedness=""):
        self.box = HandBox(np.array(bbox_xyxy, float), handedness, 0.7)

    def frames_of(self, video_id):
        return None

    def __call__(self, video_id, frame):
        return [self.box]


def test_full_frame_box_is_tight_around_keypoints():
    (hand,) = FullFrameFinder(SquareEstimator())("v", FRAME)
    np.testing.assert_array_equal(hand.bbox_xyxy[:2], EXPECTED.min(0))
    np.testing.assert_array_equal(hand.bbox_xyxy[2:], EXPECTED.max(0) + 1)
    assert hand.bbox_score == pytest.approx(0.9)
    assert hand.handedness == "right"


@pytest.mark.parametrize("scale", [1.0, 2.5, 8.0])
def test_keypoints_in_a_box_come_back_in_frame_pixels(scale):
    box = (EXPECTED[:, 0].min(), EXPECTED[:, 1].min(), *(EXPECTED.max(0) + 1))
    (hand,) = BoxFinder(OneBox(box), SquareEstimator(), scale)("v", FRAME)
    np.testing.assert_array_equal(hand.keypoints_2d, EXPECTED)
    np.testing.assert_array_equal(hand.keypoints_3d, POSE)
    np.testing.assert_array_equal(hand.bbox_xyxy, box)
    assert hand.bbox_score == 0.7


def test_side_is_the_detectors_where_it_tells_one():
    for told, expected in (("left", "left"), ("", "right")):
        (hand,) = BoxFinder(OneBox((10, 5, 60, 50), told), SquareEstimator())("v", FRAME)
        assert hand.handedness == expected


@pytest.mark.parametrize("box", [(70, 50, 90, 60), (500, 500, 600, 600), (0, 0, 1e9, 1e9)])
def test_box_without_a_hand_has_no_keypoints(box):
    (hand,) = BoxFinder(OneBox(box), SquareEstimator(), 1.0)("v", FRAME)
    assert hand.keypoints_2d is None


def test_tight_keypoint_crop_is_refused():
    with pytest.raises(ValueError, match=r"keypoint_crop_scale must be at least 1, but got 0\.5"):
        BoxFinder(OneBox((0, 0, 1, 1)), SquareEstimator(), 0.5)


def record(video_id, frame_index, x1=0, **changes):
    record = {
        "video_id": video_id,
        "frame_index": frame_index,
        "bbox_xyxy": [x1, 0, x1 + 10, 10],
        "score": 0.5,
        "handedness": "",
    }
    return record | changes


def test_detection_table_round_trip(tmp_path):
    path = tmp_path / "detections.parquet"
    write_detections(path, [record("b", 7), record("a", 30, 2), record("b", 5), record("a", 30, 1)])
    table = DetectionTable(path)
    assert table.frames_of("a") == {30}
    assert table.frames_of("b") == {5, 7}
    assert table.frames_of("c") == frozenset()
    boxes = table("a", Frame(30, 0.0, FRAME.image))
    assert [box.bbox_xyxy[0] for box in boxes] == [2, 1]  # the order in a frame is kept
    assert table("a", FRAME) == []
    assert len(read_detections(path, "b")) == 2


def test_bad_detection_tables_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"bbox_xyxy must be x1 < x2.*video 'a', frame 3"):
        write_detections(tmp_path / "d.parquet", [record("a", 3, bbox_xyxy=[5, 0, 5, 9])])
    with pytest.raises(FileNotFoundError, match=r"must be a table of detections, but .*nowhere"):
        DetectionTable(tmp_path / "nowhere.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ValueError, match="must be a table of detections"):
        DetectionTable(tmp_path / "text.parquet")
