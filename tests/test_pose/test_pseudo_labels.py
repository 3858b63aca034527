import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS, init_default_scope

from simhand_mm.pool import write_poses
from simhand_mm.pose import HandCrop, HandPoseDataset, Keypoints2DDataset, PseudoLabelDataset
from simhand_mm.pose.registry import KEYPOINT_CODECS
from tests.pools import make_hand, write_pool

CODEC = {"type": "simhand_mm.DetNetCodec", "input_size": (64, 64), "heatmap_size": (16, 16)}


def record(number, is_mirrored):
    """A crop that is white at the tip of the middle finger and black elsewhere."""
    keypoints = np.random.default_rng(number).uniform(20, 76, (21, 2)).round().astype(np.float32)
    crop = np.zeros((96, 96, 3), np.uint8)
    cv2.circle(crop, keypoints[12].astype(int).tolist(), 2, (255, 255, 255), -1)
    scores = np.ones(21, np.float32)
    scores[3] = 0.2
    return make_hand(
        "v",
        number,
        handedness="left" if is_mirrored else "right",
        bbox_xyxy=np.float32([0, 0, 50, 50]),
        keypoints_2d=keypoints,
        keypoint_score=scores,
        crop=cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(),
    )


@pytest.fixture
def root(tmp_path):
    write_pool(tmp_path / "pool", {"v": [record(0, False), record(1, True)]}, crop_size=96)
    return tmp_path


@pytest.mark.parametrize("index", [0, 1])
def test_labels_match_the_image(root, index):
    """Pools store left hands mirrored; nothing is mirrored a second time."""
    item = HandCrop((128, 128), 1.5)(PseudoLabelDataset(str(root))[index])
    assert not item["is_mirrored"]
    brightness = item["img"][..., 0].astype(float)
    rows, columns = np.mgrid[:128, :128]
    found = [(brightness * axis).sum() / brightness.sum() for axis in (columns, rows)]
    np.testing.assert_allclose(found, item["transformed_keypoints"][0, 12], atol=0.7)


def test_keypoints_of_low_confidence_are_not_used(root):
    visible = PseudoLabelDataset(str(root), min_score=0.5)[0]["keypoints_visible"]
    assert np.flatnonzero(visible[0] == 0).tolist() == [3]
    assert len(PseudoLabelDataset(str(root), min_score=1.5)) == 0


def test_mixes_with_labelled_hands(root, data_root):
    """Both kinds use the same pipeline; only labelled hands have weight in the 3D losses."""
    init_default_scope("mmpose")
    pipeline = [
        {"type": "LoadImage"},
        {"type": "simhand_mm.HandCrop", "input_size": (64, 64), "bbox_scale": 1.5},
        {"type": "GenerateTarget", "encoder": CODEC},
        {"type": "PackPoseInputs", "meta_keys": ("sample_id", "affine")},
    ]
    labelled = {"type": "simhand_mm.HandPoseDataset", "data_root": str(data_root)}
    pseudo = {"type": "simhand_mm.PseudoLabelDataset", "data_root": str(root)}
    in_2d = {"type": "simhand_mm.Keypoints2DDataset", "data_root": str(data_root)}
    datasets = [each | {"pipeline": pipeline} for each in (labelled, pseudo, in_2d)]
    mixed = DATASETS.build({"type": "ConcatDataset", "datasets": datasets})
    assert len(mixed) == 18
    targets = [mixed[i]["data_samples"].gt_instances.hand_targets for i in (0, 9, 17)]
    _, labels = KEYPOINT_CODECS.build(CODEC).unpack(torch.from_numpy(np.concatenate(targets)))
    assert labels["location_weights"].sum(1).tolist() == [21, 0, 0]
    assert labels["keypoint_weights"][1:].sum(1).tolist() == [21, 21]
    assert labels["bone_length_mm"].isnan().tolist() == [False, True, True]


def test_hands_with_2d_labels_need_no_3d_labels(data_root, records):
    for record in records:
        record["keypoints_3d"][:] = np.nan
        record["camera_matrix"] = np.full((3, 3), np.nan)
    records[0]["keypoints_2d"][4] = np.nan
    records[1]["keypoints_valid"] = np.arange(21) == 3
    records[2]["bbox_xyxy"] = np.zeros(4)
    write_poses(data_root / "poses/train-2d.parquet", records)
    dataset = Keypoints2DDataset(str(data_root), "poses/train-2d.parquet")
    assert [dataset.get_data_info(i)["sample_id"] for i in range(2)] == ["hand_0", "hand_3"]
    item = dataset[0]
    assert np.flatnonzero(item["keypoints_visible"][0] == 0).tolist() == [4]
    assert not {"keypoints_3d", "camera_matrix"} & item.keys()
    with pytest.raises(ValueError, match=r"most rows of .* must be usable"):
        HandPoseDataset(str(data_root), "poses/train-2d.parquet")
