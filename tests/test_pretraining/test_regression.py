"""Pre-training by regression of keypoints: the heads, alone and with other heads."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from simhand_mm.pretraining import HandPairDataset, KeypointHeatmapHead, KeypointRegressionHead

COORDINATES = {"type": "simhand_mm.KeypointRegressionHead", "in_channels": 64, "input_size": 32}
HEATMAPS = {
    "type": "simhand_mm.KeypointHeatmapHead",
    "in_channels": 64,
    "input_size": 32,
    "deconv_channels": (16, 16, 16),
    "head_channels": 16,
}


@pytest.fixture
def build(model_config):
    def build(**options):
        init_default_scope("mmpretrain")
        torch.manual_seed(0)
        return MODELS.build(copy.deepcopy(model_config) | copy.deepcopy(options))

    return build


@pytest.fixture
def views(build, data_root):
    dataset = HandPairDataset(data_root, pairs="similar")
    return build().data_preprocessor(dataset.__getitems__(list(range(6))), training=True)


def keypoints_in(size, count=3):
    return torch.rand(count, 21, 2, generator=torch.Generator().manual_seed(0)) * (size - 1)


def test_loss_of_coordinates_is_their_error_in_half_sides():
    head = KeypointRegressionHead(16, 64, loss_weight=0.5)
    features = torch.randn(3, 16, 2, 2)
    predicted = head(features)
    assert predicted.shape == (3, 21, 2)
    out = head.loss(features, {"keypoints_2d": predicted.detach() + 8.0})
    assert out["loss_keypoints"].item() == pytest.approx(0.5 * 8 / 32, rel=1e-5)
    assert out["keypoint_error_px"].item() == pytest.approx(8 * 2**0.5, rel=1e-5)


def test_coordinates_start_in_the_middle_of_the_view():
    head = KeypointRegressionHead(16, 64)
    torch.nn.init.zeros_(head.fc.weight)
    torch.nn.init.zeros_(head.fc.bias)
    assert torch.equal(head(torch.randn(2, 16, 3, 3)), torch.full((2, 21, 2), 31.5))


def test_perfect_heatmaps_have_zero_loss_and_points_outside_are_ignored(monkeypatch):
    head = KeypointHeatmapHead(16, 32, (8, 8, 8), 8)
    keypoints = keypoints_in(32)
    x, y = ((keypoints[..., axis, None] + 0.5) / 2 - 0.5 - torch.arange(16) for axis in (0, 1))
    perfect = torch.exp(-(y[..., None] ** 2 + x[..., None, :] ** 2) / 2)
    monkeypatch.setattr(head, "forward", lambda features: perfect)
    features = torch.randn(3, 16, 2, 2)
    assert head.loss(features, {"keypoints_2d": keypoints})["loss_heat"] < 1e-9
    outside = keypoints.clone()
    outside[0, 3] = torch.tensor([-20.0, 5.0])
    assert head.loss(features, {"keypoints_2d": outside})["loss_heat"] < 1e-9
    wrong = keypoints.flip(1)
    assert head.loss(features, {"keypoints_2d": wrong})["loss_heat"] > 0.1


@pytest.mark.parametrize("head", [COORDINATES, HEATMAPS])
def test_some_steps_learn_the_keypoints_of_a_batch(build, views, head):
    model = build(neck=None, head=head).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        out = model(**views, mode="loss")
        loss, _ = model.parse_losses(out)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert model.head.latest_projection.shape == (12, 64)


@pytest.mark.parametrize("size", [None, 2])
def test_auxiliary_head_adds_its_loss(build, views, size):
    alone = build()(**views, mode="loss")
    model = build(auxiliary=COORDINATES | {"loss_weight": 0.5}, micro_batch_size=size)
    out = model(**views, mode="loss")
    assert set(out) == {*alone, "loss_head", "loss_keypoints", "keypoint_error_px"} - {"loss"}
    total, log = model.parse_losses(out)
    torch.testing.assert_close(total, out["loss_head"] + out["loss_keypoints"])
    assert log["loss"] == total
    total.backward()
    assert model.backbone.conv1.weight.grad.isfinite().all()
    assert model.auxiliary.fc.weight.grad.abs().sum() > 0
    if size is None:
        torch.testing.assert_close(out["loss_head"], alone["loss"])


def test_regression_in_bfloat16_computes_its_loss_in_float32(build, views):
    for head in (COORDINATES, HEATMAPS):
        model = build(neck=None, head=head)
        with torch.autocast("cpu", torch.bfloat16):
            out = model(**views, mode="loss")
        assert all(value.dtype == torch.float32 for value in out.values())
