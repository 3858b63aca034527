"""The Python snippets of README.md and docs/backbones.md run as they are printed."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from simhand_mm.pose import HandPoseDataset  # noqa: F401 (registers the parts of DetNet)
from simhand_mm.pretraining.publishing import EncoderRecipe, save_backbone
from simhand_mm.synthetic import Contents, synthesize

ROOT = Path(__file__).parents[1]
BACKBONES = "docs/backbones.md"


def snippet(name: str, document: str = "README.md") -> str:
    """Return the code block after ``<!-- runs: NAME -->``."""
    text = (ROOT / document).read_text("utf-8")
    found = re.search(rf"<!-- runs: {name} -->\n```python\n(.*?)```", text, re.S)
    assert found, name
    return found[1]


def test_loss():
    names: dict = {}
    exec(snippet("loss"), names)
    assert names["projections"].grad.abs().sum() > 0


@pytest.mark.slow
def test_hands_of_a_picture(tmp_path, monkeypatch, capsys):
    synthesize(tmp_path, Contents(num_videos=0, num_train_stills=0, num_test_stills=1))
    shutil.copy(next((tmp_path / "images" / "test").iterdir()), tmp_path / "picture.jpg")
    monkeypatch.chdir(tmp_path)
    exec(snippet("inference"), {})
    assert re.search(r"(left|right) \[\[", capsys.readouterr().out)


def test_another_backbone_from_pretraining_to_detnet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("pre-train", "fine-tune"):
        Path(f"{name}.py").write_text(snippet(name, BACKBONES))
    config = Config.fromfile("pre-train.py")
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    keypoints = 64 * torch.rand(4, 21, 2)
    samples = {"rotation_deg": torch.zeros(4), "translation": torch.zeros(4, 2)}
    samples |= {"keypoints_2d": keypoints, "crop_keypoints_2d": keypoints}
    assert model.loss(torch.randn(4, 3, 64, 64), samples)["loss"].isfinite()

    recipe = EncoderRecipe.of_config(config)
    meta = {"recipe": {"backbone": recipe.backbone}}
    save_backbone("backbone.pth", model.backbone.state_dict(), meta)
    names: dict = {}
    exec(snippet("pytorch", BACKBONES), names)
    assert names["maps"][-1].shape == (1, 768, 2, 2)

    config = Config.fromfile("fine-tune.py")
    config.model.backbone.init_cfg.checkpoint = "backbone.pth"
    init_default_scope(config.default_scope)
    detnet = MODELS.build(config.model)
    detnet.init_weights()
    torch.testing.assert_close(detnet.backbone.state_dict(), model.backbone.state_dict())
    heat, _, _ = detnet.head(detnet.backbone(torch.randn(1, 3, 64, 64)))
    assert heat.shape == (1, 21, 16, 16)


def test_the_table_of_backbones_is_right():
    init_default_scope("mmpretrain")
    rows = re.findall(r"\| `(type='.*)`.* \| (\d+) \|", (ROOT / BACKBONES).read_text("utf-8"))
    assert len(rows) == 4
    for options, channels in rows:
        if "TIMM" not in options:  # timm is not among the packages of the project
            network = MODELS.build(eval(f"dict({options})"))
            network.eval()
            assert network(torch.zeros(1, 3, 64, 64))[-1].shape[1] == int(channels), options
