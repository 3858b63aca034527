import json

import numpy as np
import pytest

from simhand_mm.converters.assemblyhands import (
    KEYPOINT_ORDER,
    AssemblyHandsSettings,
    convert_assemblyhands,
)
from tests.test_converters import official_layouts as layouts


@pytest.fixture
def root(tmp_path, hands, data_root):
    layouts.write_assemblyhands(tmp_path, hands, data_root)
    return tmp_path


def edit(root, name, change):
    path = root / f"annotations/train/assemblyhands_train_{name}_v1-1.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_both_hands_in_the_camera_frame_and_our_order(root, hands, same_hand):
    records = convert_assemblyhands(root, "train").records
    assert {record["handedness"] for record in records} == {"left", "right"}
    for record, hand in zip(records, hands, strict=True):
        same_hand(record, hand)
        np.testing.assert_allclose(record["bbox_xyxy"], hand["bbox_xyxy"], rtol=1e-6)
        assert (root / record["image_path"]).is_file()


def test_order_is_wrist_first_and_fingers_from_palm_to_tip():
    assert KEYPOINT_ORDER == (
        20,
        3,
        2,
        1,
        0,
        7,
        6,
        5,
        4,
        11,
        10,
        9,
        8,
        15,
        14,
        13,
        12,
        19,
        18,
        17,
        16,
    )


def test_validity_follows_the_joints(root, hands):
    def change(data):
        offset = 0 if hands[0]["handedness"] == "right" else 21
        data["annotations"][0]["joint_valid"][offset + 0] = 0  # tip of the thumb, ours 4
        offset = 0 if hands[1]["handedness"] == "right" else 21
        data["annotations"][1]["joint_valid"][offset : offset + 12] = [0] * 12

    edit(root, "ego_data", change)
    conversion = convert_assemblyhands(root, "train")
    assert np.flatnonzero(~conversion.records[0]["keypoints_valid"]).tolist() == [4]
    assert np.isnan(conversion.records[0]["keypoints_3d"][4]).all()
    assert conversion.drops == {"fewer than 10 valid joints": 1}


def test_official_list_of_invalid_hands(root, hands):
    sides = [hand["handedness"] for hand in hands]
    numbers = {"right": "0", "left": "1"}
    lines = [
        f"{layouts.assemblyhands_file_name(0)},{numbers[sides[0]]}",
        f"{layouts.assemblyhands_file_name(1)},{numbers[sides[1]]}",
        f"{layouts.assemblyhands_file_name(2)}," + ("1" if sides[2] == "right" else "0"),
    ]
    (root / "annotations/train/invalid_train_ego.txt").write_text("\n".join(lines))
    conversion = convert_assemblyhands(root, "train")
    assert conversion.drops == {"on the official list of invalid hands": 2}
    assert len(conversion.records) == len(hands) - 2


def test_missing_image_is_counted(root):
    (root / "images" / layouts.assemblyhands_file_name(3)).unlink()
    assert convert_assemblyhands(root, "train").drops == {"image missing": 1}


def test_malformed_annotations_are_counted_and_the_others_kept(root, hands):
    def break_four(data):
        data["annotations"][0]["bbox"] = None
        del data["annotations"][1]["joint_valid"]
        data["annotations"][3]["image_id"] = "nowhere"
        data["images"][4]["frame_idx"] = None

    edit(root, "joint_3d", lambda c: c["annotations"]["seq_a"]["000020"]["world_coord"].pop())
    edit(root, "ego_data", break_four)
    conversion = convert_assemblyhands(root, "train")
    assert conversion.drops == {
        "malformed annotation": 3,
        "not 42 validity flags": 1,
        "label is not an array of numbers [42, 3]": 1,
    }
    assert len(conversion.records) == len(hands) - 5


def test_placeholder_joints_are_dropped(root, hands):
    """In the published files of a challenge's test split, all joints are the same point."""

    def flatten(content):
        content["annotations"]["seq_a"]["000020"]["world_coord"] = [[1.0, 1.0, 1.0]] * 42

    edit(root, "joint_3d", flatten)
    drops = convert_assemblyhands(root, "train").drops
    assert drops == {"3D joints are placeholders, all at one point": 1}


def test_joints_flagged_invalid_can_be_used_as_in_the_toolkit(root, hands):
    def flag(data):
        for number, joint in ((0, 20), (1, 0)):  # the wrist of one, the tip of a thumb
            offset = 0 if hands[number]["handedness"] == "right" else 21
            data["annotations"][number]["joint_valid"][offset + joint] = 0

    edit(root, "ego_data", flag)
    ours = convert_assemblyhands(root, "train")
    assert ours.drops == {"wrist or middle MCP without label": 1}
    toolkit = convert_assemblyhands(root, "train", AssemblyHandsSettings(use_invalid_joints=True))
    assert len(toolkit.records) == len(hands)
    assert all(record["keypoints_valid"].all() for record in toolkit.records)
    np.testing.assert_allclose(
        toolkit.records[1]["keypoints_3d"], hands[1]["keypoints_3d"], atol=1e-3
    )


def test_metres_raise(root):
    def to_metres(content):
        for sequence in content["calibration"].values():
            for frame in sequence["extrinsics"].values():
                for extrinsics in frame.values():
                    for row in extrinsics:
                        row[3] /= 1000

    def scale(content):
        for frame in content["annotations"]["seq_a"].values():
            frame["world_coord"] = (np.array(frame["world_coord"]) / 1000).tolist()

    edit(root, "ego_calib", to_metres)
    edit(root, "joint_3d", scale)
    with pytest.raises(ValueError, match="must be in millimetres"):
        convert_assemblyhands(root, "train")


def test_missing_camera_and_missing_joints_are_counted(root, hands):
    def lose_a_camera(content):
        del content["calibration"]["seq_a"]["intrinsics"]["HMC_1_mono10bit"]
        del content["calibration"]["seq_a"]["extrinsics"]["000020"]

    edit(root, "ego_calib", lose_a_camera)
    edit(root, "joint_3d", lambda content: content["annotations"]["seq_a"].pop("000030"))
    conversion = convert_assemblyhands(root, "train")
    assert conversion.drops == {"no camera matrix": 2, "frame without 3D joints": 1}
    side = hands[1]["handedness"]
    assert conversion.examples["no camera matrix"] == f"{layouts.assemblyhands_file_name(1)}/{side}"
    assert len(conversion.records) == len(hands) - 3


def test_missing_annotations_raise(root):
    with pytest.raises(FileNotFoundError, match=r"assemblyhands_val_ego_data_v1-1\.json"):
        convert_assemblyhands(root, "val")
    with pytest.raises(FileNotFoundError, match=r"those of test are not public: use val"):
        convert_assemblyhands(root, "test")
