"""The algorithm: a step, micro-batches, and memory layouts."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch import nn
from torch.utils import checkpoint

from simhand_mm.pretraining import HandPairDataset


@pytest.fixture
def build(model_config):
    def build(**options):
        init_default_scope("mmpretrain")
        torch.manual_seed(0)
        model = MODELS.build(copy.deepcopy(model_config) | options)
        model.init_weights()
        return model

    return build


@pytest.fixture
def views(build, data_root):
    dataset = HandPairDataset(data_root, pairs="similar")
    batch = dataset.__getitems__(list(range(6)))
    return build().data_preprocessor(batch, training=True)


def step(model, views):
    loss = model.train()(**views, mode="loss")["loss"]
    loss.backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return loss.item(), gradients


def test_loss_sees_queries_before_positives(build, views):
    model = build()
    (projection,) = model.encode(views["inputs"])
    assert projection.shape == (12, 8)
    assert model(**views, mode="loss")["loss"].isfinite()
    assert model.extract_feat(views["inputs"])[0].shape[:2] == (12, 64)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_micro_batches_give_the_gradient_of_the_whole_batch(build, views, size):
    """Holds if no layer mixes samples, i.e. without BatchNorm."""

    def without_norms(model):
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.forward = lambda x: x
        return model

    whole = step(without_norms(build()), views)
    parts = step(without_norms(build(micro_batch_size=size)), views)
    assert whole[1].keys() == parts[1].keys()
    assert parts[0] == pytest.approx(whole[0], rel=1e-6)
    for name, gradient in whole[1].items():
        torch.testing.assert_close(parts[1][name], gradient, rtol=1e-3, atol=1e-6, msg=name)


def test_micro_batches_use_their_own_batch_statistics(build, views):
    """The gradient is that of one loss over projections that were computed part by part."""
    model, reference = build(micro_batch_size=2), build()
    reference.train()
    queries, positives = views["inputs"].chunk(2)
    parts = [
        reference.encode(torch.cat([queries[i : i + 2], positives[i : i + 2]]))[0].chunk(2)
        for i in (0, 2, 4)
    ]
    projection = torch.cat([q for q, _ in parts] + [p for _, p in parts])
    loss = reference.head.loss(projection, views["data_samples"])["loss"]
    loss.backward()
    value, gradients = step(model, views)
    assert value == pytest.approx(loss.item(), rel=1e-6)
    for name, parameter in reference.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-4, atol=1e-7, msg=name)
    for (name, buffer), expected in zip(model.named_buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(buffer, expected, msg=f"{name} was updated twice")


def test_micro_batches_keep_activations_of_one_part_only(build, views):
    saved = []

    def count(tensor):
        saved.append(tensor.numel())
        return tensor

    sizes = {}
    for size in (None, 1):
        saved.clear()
        model = build(micro_batch_size=size).train()
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            model(**views, mode="loss")
        sizes[size] = sum(saved)
    assert sizes[1] - views["inputs"].numel() < sizes[None] / 100


def test_micro_batches_keep_the_images_once(build, views, monkeypatch):
    """What enters a checkpoint is kept until the backward pass: views of the batch, no copies."""
    kept = []

    def note(function, *images, **options):
        kept.extend(images)
        return checkpoint.checkpoint(function, *images, **options)

    monkeypatch.setattr("simhand_mm.pretraining.model.checkpoint", note)
    build(micro_batch_size=2).train().encode(views["inputs"])
    assert sum(len(images) for images in kept) == len(views["inputs"])
    own = views["inputs"].untyped_storage().data_ptr()
    assert {images.untyped_storage().data_ptr() for images in kept} == {own}


def test_micro_batches_with_dropout_have_the_gradient_of_their_own_loss(build, views):
    """In the backward pass, dropout must drop the same units as in the forward pass."""

    def with_dropout(model):
        model.backbone.layer4.append(nn.Dropout(0.5))
        return model.train()

    model, reference = with_dropout(build(micro_batch_size=2)), with_dropout(build())
    torch.manual_seed(1)
    _, gradients = step(model, views)
    torch.manual_seed(1)
    parts = zip(*(half.split(2) for half in views["inputs"].chunk(2)), strict=True)
    halves = [reference.encode(torch.cat(part))[0].chunk(2) for part in parts]
    projection = torch.cat([part[i] for i in (0, 1) for part in halves])
    reference.head.loss(projection, views["data_samples"])["loss"].backward()
    for name, parameter in reference.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-4, atol=1e-7, msg=name)


def test_neck_and_heads_read_the_last_of_several_maps(build, model_config, views):
    model = build()
    backbone = model_config["backbone"] | {"out_indices": (1, 3)}
    several = build(backbone=backbone)
    assert torch.equal(several.encode(views["inputs"])[0], model.encode(views["inputs"])[0])


def test_backbones_without_maps_are_refused(build, views):
    arch = {"depths": [1] * 4, "channels": [8, 16, 32, 64]}
    model = build(backbone={"type": "ConvNeXt", "arch": arch})
    with pytest.raises(ValueError, match=r"backbone must return .*\(12, 64\).*gap_before_final"):
        model.encode(views["inputs"])


def test_channels_last_gives_the_same(build, views):
    value, gradients = step(build(), views)
    model = build(channels_last=True)
    model.load_state_dict(build().state_dict())  # random weights follow the layout
    assert model.backbone.layer1[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)
    other, other_gradients = step(model, views)
    assert other == pytest.approx(value, rel=1e-5)
    for name, gradient in gradients.items():
        # Sums are in another order, and small entries of a gradient are differences of large ones.
        assert (other_gradients[name] - gradient).norm() <= 1e-3 * gradient.norm() + 1e-6, name


def test_bad_micro_batch_size_raises(build):
    with pytest.raises(ValueError, match="micro_batch_size must be positive, but got 0"):
        build(micro_batch_size=0)
