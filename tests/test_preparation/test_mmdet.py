"""The mmdet detector: what it needs is told at once, its classes become sides."""

from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from simhand_mm.preparation.detectors import MMDetDetector
from simhand_mm.preparation.finder_settings import MediaPipeRecipe
from simhand_mm.preparation.frame_reader import Frame

pytest.importorskip("mmdet")
FRAME = Frame(0, 0.0, np.zeros((8, 8, 3), np.uint8))


def test_without_compiled_operators_the_run_stops_at_once():
    if __import__("importlib").util.find_spec("mmcv._ext").loader:
        pytest.skip("this mmcv has compiled operators")
    with pytest.raises(NotImplementedError, match="mmcv must be installed with its compiled"):
        MMDetDetector("config.py", "weights.pth")


class Instances(SimpleNamespace):
    def numpy(self):
        return self


@pytest.fixture
def detector(monkeypatch):
    """A detector that finds three things; returns a function of its classes."""

    def build(classes, **options):
        found = Instances(
            bboxes=np.array([[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 9, 9]], np.float32),
            scores=np.array([0.9, 0.8, 0.3], np.float32),
            labels=np.array([0, 1, 0]),
        )
        model = SimpleNamespace(dataset_meta={"classes": classes})
        monkeypatch.setattr("mmcv.ops.nms", lambda *_: None)
        monkeypatch.setattr("mmdet.apis.init_detector", lambda *_, **__: model)
        monkeypatch.setattr(
            "mmdet.apis.inference_detector", lambda *_: SimpleNamespace(pred_instances=found)
        )
        return MMDetDetector("config.py", "weights.pth", **options)

    return build


def test_classes_become_sides(detector):
    boxes = detector(("Left_Hand", "right hand"))("video", FRAME)
    assert [box.handedness for box in boxes] == ["left", "right"]
    np.testing.assert_array_equal(boxes[1].bbox_xyxy, [5, 6, 7, 8])
    (box,) = detector(("cup", "hand"))("video", FRAME)
    assert (box.handedness, box.score) == ("", pytest.approx(0.8))


def test_min_score_reaches_the_detector(detector, monkeypatch):
    boxes = detector(("hand", "cup"), min_score=0.2)("video", FRAME)
    assert [box.score for box in boxes] == pytest.approx([0.9, 0.3])
    build = Mock()
    monkeypatch.setattr("simhand_mm.preparation.finder_settings.MMDetDetector", build)
    MediaPipeRecipe(min_score=0.2, mmdet=("c.py", "w.pth"))._build_detector()
    build.assert_called_once_with("c.py", "w.pth", min_score=0.2)


def test_detector_without_hands_is_refused(detector):
    with pytest.raises(ValueError, match=r"must have a class with 'hand'.*\['cup', 'person'\]"):
        detector(("cup", "person"))


def test_two_sources_of_boxes_are_refused():
    with pytest.raises(ValueError, match="detections and mmdet must not both be given"):
        MediaPipeRecipe(detections="boxes.parquet", mmdet=("c.py", "w.pth")).build()
