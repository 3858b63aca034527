"""Import and export of backbones: no missing weights, and bit-identical features."""

import subprocess
import sys
from pathlib import Path

import mmpretrain.models
import pytest
import torch
import torchvision
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import _load_checkpoint_with_prefix

from simhand_mm.pretraining import checkpoints
from simhand_mm.pretraining.checkpoints import export_backbone, import_checkpoint, read_backbone
from simhand_mm.pretraining.publishing import save_backbone

ROOT = Path(__file__).parents[2]


def make_torchvision(depth=18):
    torch.manual_seed(0)
    model = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model.eval()


def features_of_torchvision(model, images):
    x = model.maxpool(model.relu(model.bn1(model.conv1(images))))
    return model.layer4(model.layer3(model.layer2(model.layer1(x))))


LAYOUTS = {
    "torchvision": lambda weights: weights,
    "peclr": lambda weights: {"state_dict": weights},
    "data parallel": lambda weights: {f"module.{key}": value for key, value in weights.items()},
    "lightning": lambda weights: {
        "epoch": 99,
        "state_dict": {
            **{
                f"encoder.features.{number}.{key.split('.', 1)[1]}": value
                for number, layer in checkpoints._LIGHTNING_FEATURES.items()
                for key, value in weights.items()
                if key.split(".")[0] == layer
            },
            "encoder.final_layer.0.weight": torch.ones(2, 2),
            "projection_head.0.weight": torch.ones(2, 2),
        },
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_import_gives_bit_identical_features(layout, tmp_path):
    original = make_torchvision()
    torch.save(LAYOUTS[layout](original.state_dict()), tmp_path / "theirs.pth")
    report, _ = import_checkpoint(tmp_path / "theirs.pth", tmp_path / "ours.pth")
    assert len(report.matched) == 100  # counters of batches are no weights
    assert report.missing == []
    assert len(report.unexpected) == 2  # the classifier, or the heads
    loaded = torch.load(tmp_path / "ours.pth", weights_only=True)["state_dict"]
    network = mmpretrain.models.ResNet(18)
    network.eval()
    network.load_state_dict({key.removeprefix("backbone."): v for key, v in loaded.items()})
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(network(images)[0], features_of_torchvision(original, images))


@pytest.mark.parametrize("framework, depth", [("torchvision", 50), ("timm", 18)])
def test_export_without_prefix(framework, depth, tmp_path):
    weights = {k: v for k, v in make_torchvision(depth).state_dict().items() if "fc." not in k}
    save_backbone(tmp_path / "backbone.pth", weights, {})
    report = export_backbone(tmp_path / "backbone.pth", tmp_path / "out.pth", framework)
    assert report.missing == ["fc.weight", "fc.bias"]
    assert report.unexpected == []
    model = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    loaded = torch.load(tmp_path / "out.pth", weights_only=True)
    result = model.load_state_dict(loaded, strict=False)
    assert result.missing_keys == ["fc.weight", "fc.bias"] and not result.unexpected_keys
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(
        features_of_torchvision(model.eval(), images),
        features_of_torchvision(make_torchvision(depth), images),
    )


@pytest.mark.parametrize("framework", ["mmpretrain", "mmpose"])
def test_export_loads_in_openmmlab_with_nothing_missing(framework, tmp_path):
    from mmengine.registry import MODELS

    weights = {k: v for k, v in make_torchvision().state_dict().items() if "fc." not in k}
    save_backbone(tmp_path / "backbone.pth", weights, {})
    report = export_backbone(tmp_path / "backbone.pth", tmp_path / "out.pth", framework)
    assert report.missing == report.unexpected == []
    init_default_scope(framework)
    network = MODELS.build({"type": "ResNet", "depth": 18})
    network.eval()
    loaded = _load_checkpoint_with_prefix("backbone.", str(tmp_path / "out.pth"))
    assert network.load_state_dict(loaded, strict=True)
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(network(images)[0], features_of_torchvision(make_torchvision(), images))


def test_export_from_a_training_checkpoint(tmp_path):
    weights = {f"backbone.{k}": v for k, v in make_torchvision().state_dict().items()}
    weights["neck.fc0.weight"] = torch.ones(2, 2)
    torch.save({"state_dict": weights, "meta": {}, "optimizer": {}}, tmp_path / "epoch_1.pth")
    backbone, others, layout = read_backbone(tmp_path / "epoch_1.pth")
    assert layout == "mm"
    assert others == ["neck.fc0.weight"]
    assert "conv1.weight" in backbone


def test_narrow_networks_export_to_openmmlab_only(tmp_path):
    narrow = mmpretrain.models.ResNet(18, stem_channels=8, base_channels=8)
    save_backbone(tmp_path / "backbone.pth", narrow.state_dict(), {})
    report = export_backbone(tmp_path / "backbone.pth", tmp_path / "mm.pth", "mmpose")
    assert report.missing == []
    with pytest.raises(ValueError, match=r"fit a ResNet of torchvision.*100 reshaped.*_channels=8"):
        export_backbone(tmp_path / "backbone.pth", tmp_path / "tv.pth", "torchvision")
    assert not (tmp_path / "tv.pth").exists()


def test_files_without_a_resnet_raise(tmp_path):
    torch.save({"state_dict": {"encoder.weight": torch.ones(2)}}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"must contain a ResNet.*has \['encoder.weight'\]"):
        import_checkpoint(tmp_path / "other.pth", tmp_path / "out.pth")
    weights = make_torchvision().state_dict()
    del weights["layer4.1.conv2.weight"]
    torch.save(weights, tmp_path / "broken.pth")
    with pytest.raises(ValueError, match=r"whole ResNet.*1 missing \(layer4.1.conv2.weight\)"):
        import_checkpoint(tmp_path / "broken.pth", tmp_path / "out.pth")
    torch.save({**weights, "layer4.1.conv2.weight": torch.ones(3)}, tmp_path / "reshaped.pth")
    with pytest.raises(ValueError, match=r"whole ResNet.*1 reshaped \(layer4.1.conv2.weight\)"):
        import_checkpoint(tmp_path / "reshaped.pth", tmp_path / "out.pth")
    with pytest.raises(ValueError, match="framework must be one of"):
        export_backbone(tmp_path / "broken.pth", tmp_path / "out.pth", "keras")
    assert not (tmp_path / "out.pth").exists()


@pytest.mark.slow
def test_command_lines_print_the_report(tmp_path):
    torch.save(make_torchvision().state_dict(), tmp_path / "theirs.pth")
    for command, expected in (
        (["import_backbone.py", "theirs.pth", "ours.pth"], "100 matched, 0 reshaped, 0 missing"),
        (["export_backbone.py", "ours.pth", "out.pth", "--to", "timm"], "0 unexpected"),
    ):
        run = subprocess.run(
            [sys.executable, str(ROOT / "tools" / command[0]), *command[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert expected in run.stdout
