import numpy as np
import pytest

from simhand_mm.converters.dexycb import _CHOICES, convert_dexycb
from tests.test_converters import official_layouts as layouts


@pytest.fixture
def lefts(hands):
    return [hand for hand in hands if hand["handedness"] == "left"]


@pytest.fixture
def root(tmp_path, lefts, data_root):
    layouts.write_dexycb(tmp_path, lefts, data_root)
    return tmp_path


def edit_labels(path, **changes):
    content = dict(np.load(path))
    content.update(changes)
    np.savez(path, **content)


def test_left_hands_stay_left_hands_in_the_camera_frame(root, lefts, same_hand):
    records = convert_dexycb(root, "train", "s1", min_inside=0).records
    for record, hand in zip(records, lefts, strict=True):  # subject 07 is not in this split
        same_hand(record, hand)
        assert (root / record["image_path"]).is_file()
        assert record["subject_id"] == "20200709-subject-01"
    assert records[0]["image_path"].endswith("/100/color_000000.jpg")
    numbers = [record["sample_id"] for record in records]
    assert numbers == [f"s1_train/{number:06d}" for number in range(len(lefts))]


def test_setups_split_by_subject_and_camera(root, lefts):
    def count(split, setup):
        return len(convert_dexycb(root, split, setup, min_inside=0).records)

    assert count("val", "s1") == len(lefts)  # subject 07 is index 6
    assert count("train", "s0") == 2 * len(lefts)  # sequence 0 of both subjects
    assert count("train", "s2") == 2 * min(len(lefts), 6)  # cameras 0 to 5
    assert count("train", "s3") == 2 * len(lefts)


@pytest.mark.parametrize("setup", ["s0", "s1", "s2", "s3"])
def test_splits_are_disjoint_and_complete(setup):
    def cells(split):
        subjects, cameras, sequences = _CHOICES[setup][split]
        return {
            (subject, camera, sequence)
            for subject in (subjects or range(10) if subjects is None else subjects)
            for camera in (range(8) if cameras is None else cameras)
            for sequence in (range(100) if sequences is None else sequences)
        }

    train, val, test = cells("train"), cells("val"), cells("test")
    assert not train & val and not train & test and not val & test
    assert len(train | val | test) == 10 * 8 * 100


def test_frames_without_hand_are_left_out(root, lefts):
    label = next(root.glob("20200709-subject-01/*/100/labels_000000.npz"))
    edit_labels(label, joint_3d=np.full((1, 21, 3), -1, np.float32))
    conversion = convert_dexycb(root, "train", "s1", min_inside=0)
    assert conversion.drops == {"no hand labelled (-1)": 1}
    assert conversion.examples["no hand labelled (-1)"].endswith("100/color_000000.jpg")
    num = len(lefts)
    assert conversion.counts() == {"read": num, "labelled": num - 1, "kept": num - 1}


def test_visibility_filter_is_named_and_counted(root, lefts):
    label = next(root.glob("20200709-subject-01/*/100/labels_000000.npz"))
    hand = np.load(label)["joint_3d"] + np.float32([5, 0, 0])  # five metres to the right
    edit_labels(label, joint_3d=hand)
    kept = convert_dexycb(root, "train", "s1", min_inside=10)
    reason = "wrist, middle MCP or all but 9 keypoints outside the picture"
    assert kept.drops == {reason: 1}
    assert not convert_dexycb(root, "train", "s1", min_inside=0).drops


def test_damaged_label_and_missing_picture_are_counted(root):
    labels = sorted(root.glob("20200709-subject-01/*/*/labels_*.npz"))
    labels[0].write_bytes(labels[0].read_bytes()[:100])
    (labels[1].parent / "color_000000.jpg").unlink()
    conversion = convert_dexycb(root, "train", "s1", min_inside=0)
    assert conversion.drops == {"label file damaged or not of 21 joints": 1, "picture missing": 1}


def test_millimetres_are_refused(root):
    for label in root.glob("*/*/*/labels_*.npz"):
        edit_labels(label, joint_3d=np.load(label)["joint_3d"] * 1000)
    with pytest.raises(ValueError, match="must be in metres"):
        convert_dexycb(root, "train", "s1", min_inside=0)


@pytest.mark.parametrize("joints", [20, 42])
def test_wrong_joint_count_is_counted(root, joints):
    label = next(root.glob("20200709-subject-01/*/100/labels_000000.npz"))
    edit_labels(label, joint_3d=np.ones((1, joints, 3), np.float32))
    conversion = convert_dexycb(root, "train", "s1", min_inside=0)
    assert conversion.drops == {"label file damaged or not of 21 joints": 1}


def test_nan_joints_are_no_labels(root):
    label = next(root.glob("20200709-subject-01/*/100/labels_000000.npz"))
    hand = np.load(label)["joint_3d"]
    hand[0, 4] = np.nan
    edit_labels(label, joint_3d=hand)
    record = convert_dexycb(root, "train", "s1", min_inside=0).records[0]
    assert np.flatnonzero(~record["keypoints_valid"]).tolist() == [4]
    hand[0, 0] = np.nan
    edit_labels(label, joint_3d=hand)
    conversion = convert_dexycb(root, "train", "s1", min_inside=0)
    assert conversion.drops == {"wrist or middle MCP without label": 1}


@pytest.mark.parametrize("content", ["color: {fx: 1", "depth: {fx: 1}", "color: {fx: one}"])
def test_damaged_calibration_is_named(root, content):
    (root / "calibration/intrinsics/100_640x480.yml").write_text(content)
    with pytest.raises(ValueError, match=r"100_640x480\.yml must have fx, .*calibration\.tar\.gz"):
        convert_dexycb(root, "train", "s1", min_inside=0)


def test_missing_folders_are_named(tmp_path, root):
    with pytest.raises(FileNotFoundError, match="calibration/intrinsics"):
        convert_dexycb(tmp_path / "nowhere", "train")
    for subject in root.glob("*-subject-*"):
        subject.rename(root / f"_{subject.name[-2:]}")
    with pytest.raises(FileNotFoundError, match="20200709-subject-01"):
        convert_dexycb(root, "train")
