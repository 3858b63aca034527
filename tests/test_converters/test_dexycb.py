import numpy as np
import pytest

from simhand_mm.converters.dexycb import _CHOICES, DexYCBSettings, convert_dexycb
from tests.test_converters import official_layouts as layouts


@pytest.fixture
def lefts(hands):
    return [hand for hand in hands if hand["handedness"] == "left"]


@pytest.fixture
def root(tmp_path, lefts, data_root):
    """Two of the ten subjects, to save time."""
    layouts.write_dexycb(tmp_path, lefts, data_root)
    return tmp_path


def convert(root, split="train", setup="s1", min_inside=0):
    return convert_dexycb(root, split, DexYCBSettings(setup, min_inside, True))


def first_label(root):
    return next(root.glob(f"20200709-subject-01/*/{layouts.SERIALS[0]}/labels_000000.npz"))


def edit_labels(path, **changes):
    content = dict(np.load(path))
    content.update(changes)
    np.savez(path, **content)


def test_left_hands_are_not_mirrored_and_in_the_camera_frame(root, lefts, same_hand):
    records = convert(root).records
    assert len(records) == 8  # subject 07 is not in this split
    for number, record in enumerate(records):
        same_hand(record, lefts[number % len(lefts)])
        assert (root / record["image_path"]).is_file()
        assert record["subject_id"] == "20200709-subject-01"
    assert records[0]["image_path"].endswith("/836212060125/color_000000.jpg")
    numbers = [record["sample_id"] for record in records]
    assert numbers == [f"s1_train/{number:06d}" for number in range(8)]


def test_setups_split_by_subject_and_camera(root):
    def count(split, setup):
        return len(convert(root, split, setup).records)

    assert count("val", "s1") == 8  # subject 07 is index 6
    assert count("train", "s0") == 2 * 8  # sequence 0 of both subjects
    assert count("train", "s2") == 2 * 6  # cameras 0 to 5
    assert count("train", "s3") == 2 * 8


def test_images_have_the_official_numbers(root, lefts, data_root):
    """Numbers run over subject, sequence, camera and frame, and include dropped frames."""
    sequence = root / "20200709-subject-01" / "20200709_140003"
    hands = [lefts[number % len(lefts)] for number in range(8)]
    layouts.write_dexycb_frame(sequence, hands, data_root, frame=1)
    meta = sequence / "meta.yml"
    meta.write_text(meta.read_text().replace("num_frames: 0", "num_frames: 2"))
    conversion = convert(root)
    numbers = [int(record["sample_id"].rsplit("/", 1)[1]) for record in conversion.records]
    assert numbers == [*range(8), *range(9, 24, 2)]
    assert conversion.drops == {"image missing": 8}
    assert conversion.counts()["read"] == 24


def test_all_ten_subjects(tmp_path, lefts, data_root):
    layouts.write_dexycb(tmp_path, lefts, data_root, [f"{n:02d}" for n in range(1, 11)])
    counts = {
        (setup, split): len(convert_dexycb(tmp_path, split, DexYCBSettings(setup, 0)).records)
        for setup, split in (("s1", "train"), ("s1", "val"), ("s1", "test"), ("s2", "test"))
    }
    assert list(counts.values()) == [7 * 8, 8, 2 * 8, 10]


@pytest.mark.parametrize(
    "split, missing", [("train", "02, 03, 04, 05, 06, 10"), ("test", "08, 09")]
)
def test_missing_subjects_raise_unless_allowed(root, split, missing):
    with pytest.raises(FileNotFoundError, match=f"lacks {missing}.*--allow-missing-subjects"):
        convert_dexycb(root, split)
    if split == "test":  # not one subject of it is there
        with pytest.raises(FileNotFoundError, match=f"lacks {missing}"):
            convert(root, split)


def test_missing_sequences_cameras_and_calibration_raise(root):
    sequence = root / "20200709-subject-01" / "20200709_140050"
    (sequence / layouts.SERIALS[3]).rmdir()
    with pytest.raises(FileNotFoundError, match=r"20200709_140050 must have .*841412060263"):
        convert(root)
    (sequence / "meta.yml").unlink()
    with pytest.raises(FileNotFoundError, match=r"must have 100 sequences .*, but has 99"):
        convert(root)
    (root / f"calibration/intrinsics/{layouts.SERIALS[7]}_640x480.yml").unlink()
    with pytest.raises(FileNotFoundError, match=r"932122062010_640x480\.yml must exist"):
        convert(root)


def test_damaged_meta_raises(root):
    (root / "20200709-subject-01" / "20200709_140050" / "meta.yml").write_text("num_frames: [")
    with pytest.raises(ValueError, match=r"20200709_140050/meta\.yml must have mano_sides"):
        convert(root)


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


def test_frames_without_hand_are_dropped(root):
    label = first_label(root)
    edit_labels(label, joint_3d=np.full((1, 21, 3), -1, np.float32))
    conversion = convert(root)
    assert conversion.drops == {"no hand labelled (-1)": 1}
    assert conversion.examples["no hand labelled (-1)"].endswith("836212060125/color_000000.jpg")
    assert conversion.counts() == {"read": 8, "labelled": 7, "kept": 7}


@pytest.mark.parametrize(
    "corner, is_kept",
    [([0.0, 100], False), ([0.5, 100], True), ([640, 480], True), ([640.5, 480], False)],
)
def test_visibility_filter_has_the_released_borders(root, corner, is_kept):
    """The labelled 2D joints must have 0 < x <= 640 and 0 < y <= 480."""
    points = np.full((1, 21, 2), 100, np.float32)
    points[0, 0] = corner  # the wrist
    for label in root.glob("20200709-subject-01/*/*/labels_000000.npz"):
        edit_labels(label, joint_2d=np.full((1, 21, 2), 100, np.float32))
    edit_labels(first_label(root), joint_2d=points)
    reason = "wrist or middle MCP outside the image, or fewer than 10 keypoints inside"
    assert convert(root, min_inside=10).drops == ({} if is_kept else {reason: 1})
    assert not convert(root, min_inside=0).drops


def test_damaged_label_and_missing_image_are_counted(root):
    labels = sorted(root.glob("20200709-subject-01/*/*/labels_*.npz"))
    labels[0].write_bytes(labels[0].read_bytes()[:100])
    (labels[1].parent / "color_000000.jpg").unlink()
    labels[2].unlink()
    conversion = convert(root)
    assert conversion.drops == {
        "label file damaged or not of 21 joints": 1,
        "image missing": 1,
        "label file missing": 1,
    }


def test_millimetres_raise(root):
    for label in root.glob("*/*/*/labels_*.npz"):
        edit_labels(label, joint_3d=np.load(label)["joint_3d"] * 1000)
    with pytest.raises(ValueError, match="must be in metres"):
        convert(root)


@pytest.mark.parametrize("joints", [20, 42])
def test_wrong_joint_count_is_counted(root, joints):
    label = first_label(root)
    edit_labels(label, joint_3d=np.ones((1, joints, 3), np.float32))
    conversion = convert(root)
    assert conversion.drops == {"label file damaged or not of 21 joints": 1}


def test_nan_joints_are_not_labelled(root):
    label = first_label(root)
    hand = np.load(label)["joint_3d"]
    hand[0, 4] = np.nan
    edit_labels(label, joint_3d=hand)
    record = convert(root).records[0]
    assert np.flatnonzero(~record["keypoints_valid"]).tolist() == [4]
    hand[0, 0] = np.nan
    edit_labels(label, joint_3d=hand)
    conversion = convert(root)
    assert conversion.drops == {"wrist or middle MCP without label": 1}


@pytest.mark.parametrize("content", ["color: {fx: 1", "depth: {fx: 1}", "color: {fx: one}"])
def test_damaged_calibration_raises(root, content):
    (root / "calibration/intrinsics/836212060125_640x480.yml").write_text(content)
    with pytest.raises(
        ValueError, match=r"836212060125_640x480\.yml must have fx, .*calibration\.tar\.gz"
    ):
        convert(root)


def test_missing_folders_raise(tmp_path, root):
    with pytest.raises(FileNotFoundError, match="calibration/intrinsics"):
        convert_dexycb(tmp_path / "nowhere", "train")
    for subject in root.glob("*-subject-*"):
        subject.rename(root / f"_{subject.name[-2:]}")
    with pytest.raises(FileNotFoundError, match="20200709-subject-01"):
        convert_dexycb(root, "train")
