"""Boxes of hand_object_detector, 100DOH and COCO-style files."""

import json
import os
import pickle

import numpy as np
import pytest

from simhand_mm.converters.boxes import parse_frame_name, parse_side
from simhand_mm.converters.coco_boxes import convert_coco_boxes
from simhand_mm.converters.hand_object_detector import (
    convert_100doh_json,
    convert_100doh_voc,
    convert_hand_object_detector,
)
from simhand_mm.pool import read_detections, write_detections

RIGHT = [10, 20, 60, 90, 0.9, 3, 0.1, 0.5, 0.5, 1]
LEFT = [100, 20, 160, 90, 0.8, 0, 0, 0, 0, 0]
LOW = [100, 20, 160, 90, 0.2, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "name, expected",
    [
        ("ego/a1b2/frame_000030.npy", ("ego/a1b2", 30)),
        ("boardgame_v_abc_frame000169.jpg", ("boardgame_v_abc", 169)),
        ("clip1/000007.png", ("clip1", 7)),
        ("clip_12_34.png", ("clip_12", 34)),
        ("frame_000030.npy", None),
        ("clip/poster.png", None),
    ],
)
def test_frame_names(name, expected):
    if expected:
        assert parse_frame_name(name) == expected
    else:
        with pytest.raises(ValueError, match="name must be <video>/frame_<number>"):
            parse_frame_name(name)


def test_sides():
    assert [parse_side(value) for value in (0, 1, 0.0, "1", "L", "Right", "left")] == [
        *("left", "right", "left", "right", "left", "right", "left")
    ]
    with pytest.raises(ValueError, match=r"side must be .*'both'"):
        parse_side("both")


def save(root, name, value):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, value)
    else:
        path.write_bytes(pickle.dumps(value))


def test_arrays_none_and_dicts_are_read(tmp_path):
    save(tmp_path, "v1/frame_000000.npy", np.array([RIGHT, LEFT, LOW]))
    save(tmp_path, "v1/frame_000030.npy", None)
    save(tmp_path, "v1/frame_000060.pkl", None)
    save(tmp_path, "v2/frame_000000.pkl", {"hand_dets": np.array([LEFT]), "obj_dets": None})
    save(tmp_path, "v2/frame_000030.pkl", np.array([LEFT], np.float32))
    np.savez(tmp_path / "v2" / "frame_000060.npz", hand_dets=np.array([RIGHT]))
    conversion = convert_hand_object_detector(tmp_path)
    assert conversion.num_frames == 6
    assert dict(conversion.drops) == {"low score": 1}
    write_detections(tmp_path / "boxes.parquet", conversion.boxes)
    first, second = read_detections(tmp_path / "boxes.parquet", "v1")
    assert first["bbox_xyxy"] == RIGHT[:4]
    assert first["score"] == pytest.approx(0.9)
    assert [first["handedness"], second["handedness"]] == ["right", "left"]
    frames = [row["frame_index"] for row in read_detections(tmp_path / "boxes.parquet", "v2")]
    assert frames == [0, 30, 60]


class Hostile:
    def __reduce__(self):
        return os.system, ("touch /tmp/simhand_mm_was_here",)


def test_unusable_detections_are_counted(tmp_path):
    nan, flat, side = list(RIGHT), list(RIGHT), list(RIGHT)
    nan[0], flat[2], side[9] = float("nan"), flat[0], 2
    save(tmp_path, "v/frame_0.npy", np.array([nan, flat, side, RIGHT]))
    save(tmp_path, "v/cover.npy", np.array([RIGHT]))
    (tmp_path / "v/frame_4.npy").write_text("no array")
    (tmp_path / "v/frame_5.pkl").write_bytes(b"")
    conversion = convert_hand_object_detector(tmp_path)
    assert len(conversion.boxes) == 1
    assert conversion.drops == {
        "box or score is not finite": 1,
        "box without area": 1,
        "side is neither 0 nor 1": 1,
        "unreadable file": 3,
    }
    assert "v/cover.npy: name must be" in conversion.summary()


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("v/frame_1.npy", np.zeros((3, 5)), "hand_dets must be [N, 10], but is (3, 5)"),
        ("v/frame_2.pkl", Hostile(), "posix.system, which is refused"),
        ("v/frame_3.npy", np.array([Hostile()], dtype=object), "posix.system, which is refused"),
        ("v/frame_4.pkl", {"obj_dets": None}, "hand_dets"),
        ("v/frame_5.pkl", "text", "could not convert string"),
    ],
)
def test_wrong_files_are_counted_and_no_code_is_run(tmp_path, name, value, message):
    save(tmp_path, name, value)
    summary = convert_hand_object_detector(tmp_path).summary()
    assert f"{name}: " in summary
    assert message in summary
    assert not os.path.exists("/tmp/simhand_mm_was_here")


def test_folder_without_detections_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"root must contain \.npy or \.pkl"):
        convert_hand_object_detector(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"root must have Annotations/\*\.xml"):
        convert_100doh_voc(tmp_path)


VOC = """<annotation><object><name>targetobject</name><bndbox><xmin>1</xmin><ymin>1</ymin>
<xmax>5</xmax><ymax>5</ymax></bndbox></object><object><name>hand</name><handside>1</handside>
<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>60</xmax><ymax>90</ymax></bndbox></object></annotation>
"""


def test_100doh_labels(tmp_path):
    folder = tmp_path / "Annotations"
    folder.mkdir()
    (folder / "food_v_x_frame000030.xml").write_text(VOC)
    (folder / "food_v_x_frame000060.xml").write_text("<annotation>")
    (folder / "food_v_x_frame000090.xml").write_text(VOC.replace("<xmin>11</xmin>", ""))
    conversion = convert_100doh_voc(tmp_path)
    (box,) = conversion.boxes
    np.testing.assert_array_equal(box["bbox_xyxy"], [10, 20, 60, 90])
    assert (box["video_id"], box["frame_index"]) == ("food_v_x", 30)
    assert box["handedness"] == "right"
    assert conversion.drops == {"unreadable file": 1, "unreadable hand": 1}


@pytest.mark.parametrize(
    "field, side",
    [
        *[("<handside>0</handside>", "left"), ("<handside>1.0</handside>", "right")],
        *[("<handside>None</handside>", ""), ("<handside></handside>", ""), ("", "")],
    ],
)
def test_100doh_sides_as_in_the_official_loader(tmp_path, field, side):
    (tmp_path / "Annotations").mkdir()
    text = VOC.replace("<handside>1</handside>", field)
    (tmp_path / "Annotations/food_v_x_frame000030.xml").write_text(text)
    conversion = convert_100doh_voc(tmp_path)
    assert [box["handedness"] for box in conversion.boxes] == [side]
    assert not conversion.drops


def test_100doh_json(tmp_path):
    path = tmp_path / "trainval.json"
    box = {"x1": 0.1, "y1": 0.2, "x2": 0.5, "y2": 0.6, "width": 200, "height": 100}
    px = {"x1": 10, "y1": 20, "x2": 50, "y2": 60, "hand_side": None}
    frames = {
        "food_v_x_frame000030.jpg": [box | {"hand_side": "r", "obj_bbox": None}, px],
        "food_v_x_frame000060.jpg": [],
        "food_v_x_frame000090.jpg": [{"x1": 0.1}, px, "wrong"],
        "food_v_x_frame000120.jpg": 5,
        "poster.jpg": [box],
    }
    path.write_text(json.dumps(frames))
    conversion = convert_100doh_json(path)
    np.testing.assert_allclose(conversion.boxes[0]["bbox_xyxy"], [20, 20, 100, 60])
    np.testing.assert_array_equal(conversion.boxes[1]["bbox_xyxy"], [10, 20, 50, 60])
    assert [box["handedness"] for box in conversion.boxes] == ["right", "", ""]
    assert conversion.num_frames == 3
    assert conversion.drops == {"unreadable frame": 2, "unreadable hand": 2}
    path.write_text("[1, 2]")
    with pytest.raises(ValueError, match="must map names of frames to hands"):
        convert_100doh_json(path)


def test_coco_boxes(tmp_path):
    content = {
        "images": [
            *({"id": 1, "file_name": "v/frame_000030.jpg"}, {"id": 2, "file_name": "x.jpg"}),
            *("wrong", None, {"id": []}, {"id": 3, "file_name": 5}, {"file_name": "v/1.jpg"}),
        ],
        "categories": [{"id": 0, "name": "left_hand"}, {"id": 1, "name": "cup"}],
        "annotations": [
            {"image_id": 1, "bbox": [10, 20, 50, 70], "category_id": 0},
            {"image_id": 1, "bbox": [10, 20, 50, 70], "category_id": 0, "handedness": "right"},
            {"image_id": 1, "bbox": [10, 20, 50, 70], "category_id": 1},
            {"image_id": 1, "bbox": [10, 20, 50, 70], "score": 0.1},
            {"image_id": 1, "bbox": [10, 20, 0, 70]},
            {"image_id": 2, "bbox": [10, 20, 50, 70]},
            {"image_id": 3, "bbox": [10, 20, 50, 70]},
            {"image_id": 1, "bbox": "wrong"},
            {"image_id": 1, "bbox": None},
            "wrong",
        ],
    }
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    conversion = convert_coco_boxes(path)
    assert [box["handedness"] for box in conversion.boxes] == ["left", "right"]
    np.testing.assert_array_equal(conversion.boxes[0]["bbox_xyxy"], [10, 20, 60, 90])
    assert sum(conversion.drops.values()) == 7
    for wrong in ("[]", "{", '{"images": 3, "annotations": []}'):
        path.write_text(wrong)
        with pytest.raises(ValueError, match=r"boxes\.json must be COCO-style JSON"):
            convert_coco_boxes(path)
