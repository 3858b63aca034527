import numpy as np
import pytest
import torch

from simhand_mm.functional.affine import apply, invert
from simhand_mm.functional.camera import project, transform_keypoints_3d
from simhand_mm.pose import DetNetCodec, HandCrop
from simhand_mm.pose.transforms import warp_image


def sample_of(record):
    return {
        "img": np.zeros((record["height"], record["width"], 3), np.uint8),
        "bbox": np.float32(record["bbox_xyxy"])[None],
        "handedness": record["handedness"],
        "keypoints": np.float32(record["keypoints_2d"])[None],
        "keypoints_3d": np.float32(record["keypoints_3d"])[None],
        "camera_matrix": record["camera_matrix"],
    }


AUGMENTATION = {"max_shift": 0.1, "scale_std": 0.1, "max_rotation_deg": 180}


@pytest.mark.parametrize("index", range(8))
def test_camera_projects_onto_the_keypoints_after_every_augmentation(records, index):
    crop = HandCrop((128, 128), 2.0, **AUGMENTATION)
    for _ in range(5):
        moved = crop(sample_of(records[index]))
        pixels = project(moved["transformed_keypoints_3d"], moved["transformed_camera_matrix"])
        np.testing.assert_allclose(pixels, moved["transformed_keypoints"], atol=1e-3)
        # The same from the labels of the image, by applying the affine.
        expected = apply(moved["affine"], records[index]["keypoints_2d"])
        np.testing.assert_allclose(moved["transformed_keypoints"][0], expected, atol=1e-3)


@pytest.mark.parametrize("index", range(8))
def test_augment_encode_decode_undo_keeps_the_pose(records, index):
    """Augment, encode, decode and undo: the pose is the same to 1e-4 mm."""
    codec = DetNetCodec((128, 128), (32, 32), subpixel=True)
    crop = HandCrop((128, 128), 2.0, **AUGMENTATION)
    hand = np.float32(records[index]["keypoints_3d"]).astype(np.float64)
    length = np.linalg.norm(hand[9] - hand[0])
    for _ in range(5):
        moved = crop(sample_of(records[index]))
        encoded = codec.encode(
            moved["transformed_keypoints"],
            transformed_keypoints_3d=moved["transformed_keypoints_3d"],
        )
        heatmaps, targets = codec.unpack(torch.from_numpy(encoded["hand_targets"]))
        maps = np.broadcast_to(targets["location_labels"][0, :, :, None, None], (21, 3, 32, 32))
        points, _, locations = codec.decode((heatmaps[0], maps.copy()))
        undone = transform_keypoints_3d(moved["affine"], locations * length, inverse=True)[0]
        np.testing.assert_allclose(undone, hand - hand[0], atol=1e-4)
        inside = targets["keypoint_weights"][0].numpy() > 0
        image_points = apply(invert(moved["affine"]), points[0].astype(np.float64))
        error = np.abs(image_points - records[index]["keypoints_2d"])[inside]
        assert error.max() < 0.5


def test_left_hands_become_right_hands(records):
    left, right = sample_of(records[1]), sample_of(records[1])
    right["handedness"] = "right"
    crop = HandCrop((64, 64), 1.5)
    left, right = crop(left), crop(right)
    assert left["is_mirrored"] and not right["is_mirrored"]
    mirrored = 63 - right["transformed_keypoints"][..., 0]
    np.testing.assert_allclose(left["transformed_keypoints"][..., 0], mirrored, atol=1e-3)
    np.testing.assert_allclose(
        left["transformed_keypoints_3d"], right["transformed_keypoints_3d"] * [-1, 1, 1]
    )


@pytest.mark.parametrize("index", [0, 1])
def test_mmpose_maps_predictions_back_exactly(records, index):
    moved = HandCrop((64, 64), 1.5)(sample_of(records[index]))
    back = moved["transformed_keypoints"] / moved["input_size"] * moved["input_scale"]
    back = back + moved["input_center"] - 0.5 * moved["input_scale"]
    np.testing.assert_allclose(back[0], records[index]["keypoints_2d"], atol=1e-3)


def test_pixels_follow_the_keypoints(records):
    """A dot drawn at a keypoint appears at the transformed keypoint."""
    record = records[1]
    sample = sample_of(record)
    x, y = np.round(record["keypoints_2d"][9]).astype(int)
    sample["img"][y, x] = 255
    sample["keypoints"][0, 9] = x, y
    moved = HandCrop((256, 256), 1.5, max_rotation_deg=90)(sample)
    brightness = moved["img"][..., 0].astype(float)
    rows, columns = np.mgrid[:256, :256]
    found = [(brightness * axis).sum() / brightness.sum() for axis in (columns, rows)]
    np.testing.assert_allclose(found, moved["transformed_keypoints"][0, 9], atol=0.5)


def test_large_images_are_averaged_not_sampled():
    checkerboard = (np.indices((400, 400)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(checkerboard[..., None], 3, axis=2)
    affine = np.array([[0.1, 0, 0], [0, 0.1, 0]])
    shrunk = warp_image(image, affine, (40, 40))[2:-2, 2:-2]
    assert np.abs(shrunk.astype(float) - 127.5).max() < 2


def test_inference_without_labels():
    results = {"img": np.zeros((50, 60, 3), np.uint8), "bbox": np.float32([[5, 5, 40, 40]])}
    moved = HandCrop((64, 64), 1.5)(results)
    assert moved["img"].shape == (64, 64, 3)
    assert "transformed_keypoints" not in moved


def test_input_must_be_square():
    with pytest.raises(ValueError, match="input_size must be square"):
        HandCrop((64, 48), 1.5)
