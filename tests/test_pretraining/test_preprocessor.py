"""From batches of crops to views."""

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from simhand_mm.functional import affine as affine_maths
from simhand_mm.functional.equivariance import invert_augmentation
from simhand_mm.pretraining import HandPairDataset, HandPairPreprocessor, preprocessor

AUGMENTATION = {
    "rotation_deg": (-45, 45),
    "scale": (0.9, 1.5),
    "translation": (0.02, 0.1),
    "hue": (0.1, 1),
}


@pytest.fixture
def batch(data_root):
    dataset = HandPairDataset(data_root, pairs="similar")
    return dataset.__getitems__(list(range(6)))


def at_iteration(number, seed=3):
    hub = MessageHub.get_current_instance()
    hub.update_info("iter", number)
    hub.update_info("seed", seed)


def test_views_keypoints_and_recorded_geometry_agree(batch):
    out = HandPairPreprocessor(32, AUGMENTATION)(batch, training=True)
    samples = out["data_samples"]
    assert out["inputs"].shape == (12, 3, 32, 32)
    crops = torch.cat([batch["query_keypoints_2d"], batch["positive_keypoints_2d"]])
    torch.testing.assert_close(
        samples["keypoints_2d"], affine_maths.apply(samples["affine"], crops)
    )
    # The linear part of the map is a rotation by rotation_deg and a scaling.
    linear = samples["affine"][:, :, :2]
    angle = torch.rad2deg(torch.atan2(linear[:, 0, 1], linear[:, 0, 0]))
    torch.testing.assert_close(angle, samples["rotation_deg"])


def test_poses_before_augmentation_are_passed_through(batch):
    embedding = {f"{name}_pose_embedding": torch.randn(6, 14) for name in ("query", "positive")}
    samples = HandPairPreprocessor(32, AUGMENTATION)(batch | embedding, training=True)[
        "data_samples"
    ]
    crops = torch.cat([batch["query_keypoints_2d"], batch["positive_keypoints_2d"]])
    assert torch.equal(samples["crop_keypoints_2d"], crops)
    assert torch.equal(samples["pose_embedding"], torch.cat(list(embedding.values())))


def test_translation_is_the_shift_of_the_mean_keypoint(batch):
    samples = HandPairPreprocessor(32, AUGMENTATION)(batch, training=True)["data_samples"]
    offset = samples["keypoints_2d"].mean(1) - (32 - 1) / 2
    torch.testing.assert_close(samples["translation"], offset / 32, rtol=1e-4, atol=1e-5)


def test_keypoints_as_projection_are_rotated_back(batch):
    """If the projection is the keypoints themselves, undoing T undoes the rotation."""
    samples = HandPairPreprocessor(32, AUGMENTATION | {"translation": None})(batch, training=True)[
        "data_samples"
    ]
    centered = samples["keypoints_2d"] - samples["keypoints_2d"].mean(1, keepdim=True)
    upright = invert_augmentation(centered.flatten(1), samples["rotation_deg"])
    crops = torch.cat([batch["query_keypoints_2d"], batch["positive_keypoints_2d"]])
    expected = (crops - crops.mean(1, keepdim=True)).flatten(1)
    torch.testing.assert_close(
        upright, torch.nn.functional.normalize(expected, dim=1), rtol=1e-4, atol=1e-5
    )


def test_released_translation_is_divided_by_the_output_size(batch):
    exact = HandPairPreprocessor(32, AUGMENTATION)(batch, training=True)["data_samples"]
    released = HandPairPreprocessor(32, AUGMENTATION, translation_divisor="released")(
        batch, training=True
    )["data_samples"]
    zoom = released["affine"][:, :, :2].det().sqrt()[:, None]
    torch.testing.assert_close(released["translation"] * zoom, exact["translation"])


def test_both_views_of_one_crop_differ(data_root):
    dataset = HandPairDataset(data_root)
    batch = dataset.__getitems__(list(range(2)))
    out = HandPairPreprocessor(32, AUGMENTATION)(batch, training=True)
    query, positive = out["inputs"].chunk(2)
    assert not torch.allclose(query, positive)


def test_autocast_does_not_round_the_geometry(batch):
    preprocess = HandPairPreprocessor(32, AUGMENTATION)
    expected = preprocess(batch, training=True)
    with torch.autocast("cpu", torch.bfloat16):
        found = preprocess(batch, training=True)
    assert torch.equal(found["inputs"], expected["inputs"])
    for key, value in expected["data_samples"].items():
        assert torch.equal(found["data_samples"][key], value), key


def test_draws_depend_on_seed_and_iteration_only(batch):
    preprocess = HandPairPreprocessor(32, AUGMENTATION)
    at_iteration(5)
    first = preprocess(batch, training=True)["inputs"]
    at_iteration(6)
    other = preprocess(batch, training=True)["inputs"]
    at_iteration(5, seed=4)
    seeded = preprocess(batch, training=True)["inputs"]
    at_iteration(5)
    again = HandPairPreprocessor(32, AUGMENTATION)(batch, training=True)["inputs"]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, seeded)


def test_two_processes_draw_the_same_as_one(batch, monkeypatch):
    preprocess = HandPairPreprocessor(32, AUGMENTATION)
    whole = preprocess(batch, training=True)["inputs"]
    for rank in range(2):
        monkeypatch.setattr(preprocessor, "get_dist_info", lambda rank=rank: (rank, 2))
        part = {key: value[rank::2] for key, value in batch.items()}
        expected = torch.cat([view[rank::2] for view in whole.chunk(2)])
        assert torch.equal(preprocess(part, training=True)["inputs"], expected)


def test_result_does_not_depend_on_the_chunk_size(batch, monkeypatch):
    whole = HandPairPreprocessor(32, AUGMENTATION)(batch, training=True)["inputs"]
    monkeypatch.setattr(preprocessor, "_CHUNK", {"cpu": 4})
    parts = HandPairPreprocessor(32, AUGMENTATION)(batch, training=True)["inputs"]
    torch.testing.assert_close(parts, whole)


def test_nothing_is_drawn_outside_training(batch):
    preprocess = HandPairPreprocessor(32, AUGMENTATION)
    at_iteration(1)
    first = preprocess(batch)
    at_iteration(2)
    assert torch.equal(preprocess(batch)["inputs"], first["inputs"])
    assert not first["data_samples"]["rotation_deg"].any()


def test_normalisation_and_channel_order():
    crop = np.zeros((1, 48, 48, 3), np.uint8)
    crop[...] = (255, 0, 0)  # blue, as OpenCV stores it
    keypoints = torch.rand(1, 21, 2) * 10 + 20
    data = {"query": torch.from_numpy(crop), "query_keypoints_2d": keypoints,
            "positive_keypoints_2d": keypoints}  # fmt: skip
    images = HandPairPreprocessor(16)(data)["inputs"]
    expected = (torch.tensor([0, 0, 255]) - torch.tensor([123.675, 116.28, 103.53])) / (
        torch.tensor([58.395, 57.12, 57.375])
    )
    torch.testing.assert_close(images[0, :, 8, 8], expected)


def test_unknown_divisor_raises():
    with pytest.raises(ValueError, match="translation_divisor must be"):
        HandPairPreprocessor(16, translation_divisor="crop")
