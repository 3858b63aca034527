import json

import numpy as np
import pytest

from simhand_mm.converters.conversion import hold_out
from simhand_mm.converters.freihand import convert_freihand
from simhand_mm.pool import read_poses, write_poses
from tests.test_converters import official_layouts as layouts


@pytest.fixture
def rights(hands):
    return [hand for hand in hands if hand["handedness"] == "right"]


@pytest.fixture
def root(tmp_path, rights, data_root):
    layouts.write_freihand(tmp_path / "FreiHAND_pub_v2", rights, data_root)
    return tmp_path / "FreiHAND_pub_v2"


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_train_has_four_versions_in_official_order(root, rights, same_hand):
    conversion = convert_freihand(root, "train")
    assert len(conversion.records) == 4 * len(rights)
    assert not conversion.drops
    for number, record in enumerate(conversion.records):
        same_hand(record, rights[number % len(rights)])
        assert record["image_path"] == f"training/rgb/{number:08d}.jpg"
        assert (root / record["image_path"]).is_file()
        assert record["keypoints_valid"].all()


def test_test_labels_are_read_from_the_separate_archive(root, rights, same_hand):
    records = convert_freihand(root, "test").records
    assert len(records) == len(rights)
    for record, hand in zip(records, rights, strict=True):
        same_hand(record, hand)
    merged = root / "evaluation_xyz.json"
    merged.write_text((root.with_name(f"{root.name}_eval") / merged.name).read_text())
    assert len(convert_freihand(root, "test").records) == len(rights)


def test_table_round_trip(root, tmp_path):
    records = convert_freihand(root, "train").records
    write_poses(tmp_path / "poses.parquet", records)
    poses = read_poses(tmp_path / "poses.parquet")
    np.testing.assert_allclose(poses["keypoints_3d"][3], records[3]["keypoints_3d"])


def test_missing_image_and_nan_are_counted(root, rights):
    (root / "training/rgb/00000001.jpg").unlink()
    edit(root / "training_xyz.json", lambda xyz: xyz[0].__setitem__(0, [float("nan")] * 3))
    conversion = convert_freihand(root, "train")
    assert conversion.drops["image missing"] == 1
    assert conversion.drops["wrist or middle MCP without label"] == 4
    assert conversion.examples["image missing"] == "training/00000001"
    assert len(conversion.records) == 4 * len(rights) - 5


def test_missing_file_names_its_archive(root):
    (root / "training_K.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"training_K\.json .*FreiHAND_pub_v2\.zip"):
        convert_freihand(root, "train")
    (root.with_name(f"{root.name}_eval") / "evaluation_xyz.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"FreiHAND_pub_v2_eval\.zip"):
        convert_freihand(root, "test")


def test_truncated_json_raises(root):
    path = root / "training_xyz.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match=r"training_xyz\.json must be JSON, but .*Extract"):
        convert_freihand(root, "train")


def test_missing_camera_raises(root):
    edit(root / "training_K.json", lambda cameras: cameras.pop())
    with pytest.raises(ValueError, match="must have the same number of entries"):
        convert_freihand(root, "train")


def test_malformed_labels_are_counted_and_the_others_kept(root, rights):
    edit(root / "training_xyz.json", lambda xyz: xyz[2].pop())
    edit(root / "training_K.json", lambda cameras: cameras[0].pop())
    conversion = convert_freihand(root, "train")
    assert conversion.drops == {
        "label is not an array of numbers [21, 3]": 4,
        "label is not an array of numbers [3, 3]": 4,
    }
    assert conversion.examples["label is not an array of numbers [21, 3]"] == "training/00000002"
    assert len(conversion.records) == 4 * len(rights) - 8


def test_millimetres_raise(root):
    def to_mm(xyz):
        xyz[:] = (1000 * np.array(xyz)).tolist()

    edit(root / "training_xyz.json", to_mm)
    with pytest.raises(ValueError, match="must be in metres"):
        convert_freihand(root, "train")


def test_hold_out_keeps_versions_of_a_hand_together(root, rights):
    train, val = hold_out(convert_freihand(root, "train").records, 1e-3)
    assert len(val) == 4
    assert len({record["sequence_id"] for record in val}) == 1
    assert not {r["sequence_id"] for r in val} & {r["sequence_id"] for r in train}
    # The first rows, which form the subset "first", stay in the training set.
    assert [r["sample_id"] for r in train[:2]] == ["training/00000000", "training/00000001"]
