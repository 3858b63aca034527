import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from simhand_mm.functional.affine import box_to_image_affine
from simhand_mm.pose import DetNetCodec, DetNetHead, DetNetLoss

DECODER = {"type": "simhand_mm.DetNetCodec", "input_size": (64, 64), "heatmap_size": (16, 16)}


@pytest.fixture
def head():
    torch.manual_seed(0)
    return DetNetHead(8, DECODER, deconv_channels=(8, 8, 8), head_channels=8)


def labelled_sample(record):
    codec = DetNetCodec((64, 64), (16, 16))
    hand = np.float32(record["keypoints_3d"])[None]
    targets = codec.encode(np.full((1, 21, 2), 30, np.float32), None, hand)
    sample = PoseDataSample()
    sample.gt_instances = InstanceData(**targets)
    return sample


@pytest.mark.parametrize("size", [2, 4])
def test_maps_are_a_quarter_of_the_input(head, size):
    heat, delta, location = head((torch.randn(3, 8, size, size),))
    side = 8 * size
    assert heat.shape == (3, 21, side, side)
    assert delta.shape == location.shape == (3, 21, 3, side, side)
    assert heat.min() > 0 and heat.max() < 1


def test_coordinate_planes_and_cascade_reach_the_outputs(head):
    """x is the first plane, y the second; the location head receives the heatmaps."""
    assert head.location_head[0].in_channels == 8 + 2 + 4 * 21
    head.eval()
    heat, _, _ = head(torch.zeros(1, 8, 2, 2))
    assert (
        heat.std(dim=(-1, -2)).min() > 0
    )  # features are constant, so the variation comes from the planes


def test_loss_trains_every_parameter(head, records):
    samples = [labelled_sample(record) for record in records[:2]]
    losses = head.loss((torch.randn(2, 8, 2, 2),), samples)
    assert set(losses) == {"loss_heat", "loss_delta", "loss_location"}
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
    lengths = [np.linalg.norm(r["keypoints_3d"][9] - r["keypoints_3d"][0]) for r in records[:2]]
    assert head.mean_bone_length_mm.item() == pytest.approx(np.mean(lengths), rel=1e-5)
    assert head.num_bones == 2


def test_maps_of_another_size_than_those_of_the_codec_raise(head, records):
    with pytest.raises(ValueError, match=r"lead to maps of 16 x 16 px.* 3 deconv.* to 32 x 32"):
        head.loss((torch.randn(1, 8, 4, 4),), [labelled_sample(records[0])])


def test_losses_are_the_same_for_packed_targets_and_for_samples_of_mmpose(head, records):
    feats = (torch.randn(2, 8, 2, 2),)
    samples = [labelled_sample(record) for record in records[:2]]
    packed = torch.from_numpy(np.concatenate([s.gt_instances.hand_targets for s in samples]))
    for name, loss in head.loss(feats, samples).items():
        assert torch.equal(loss, head.loss(feats, packed)[name])
        assert torch.equal(loss, head.loss(feats, list(packed.numpy()))[name])  # pseudo_collate


def test_loss_weights(records):
    maps = (torch.rand(1, 21, 4, 4), *torch.randn(2, 1, 21, 3, 4, 4))
    labels = {
        "keypoint_weights": torch.ones(1, 21),
        "location_labels": torch.randn(1, 21, 3),
        "location_weights": torch.ones(1, 21),
        "delta_labels": torch.randn(1, 21, 3),
        "delta_weights": torch.ones(1, 21),
    }
    heatmaps = torch.rand(1, 21, 4, 4)
    plain = DetNetLoss(1.0, 1.0, 1.0)(maps, heatmaps, labels)
    paper = DetNetLoss()(maps, heatmaps, labels)
    for name, factor in (("heat", 100), ("delta", 1), ("location", 10)):
        torch.testing.assert_close(paper[f"loss_{name}"], factor * plain[f"loss_{name}"])


@pytest.mark.parametrize("mirror", [False, True])
def test_predictions_are_in_the_frame_of_the_image(head, mirror):
    head.eval()
    head.mean_bone_length_mm.fill_(80.0)
    sample = PoseDataSample()
    sample.set_metainfo({"affine": box_to_image_affine((0, 0, 64, 64), (64, 64), mirror)})
    features = (torch.randn(1, 8, 2, 2),)
    pred = head.predict(features, [sample])[0]
    heat, _, location = head(features)
    _, _, locations = head.decoder.batch_decode(heat, location)
    expected = (locations - locations[:, :1]).detach().numpy() * 80
    if mirror:
        expected = expected * [-1, 1, 1]
    np.testing.assert_allclose(pred.keypoints_3d, expected, rtol=1e-4, atol=1e-3)
    assert pred.keypoints.shape == (1, 21, 2)
    assert pred.keypoint_scores.shape == (1, 21)
