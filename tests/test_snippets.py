"""The Python snippets of README.md and of some pages run as they are printed."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import VISBACKENDS, init_default_scope
from mmpretrain.registry import MODELS

from simhand_mm.cli import main
from simhand_mm.pool import HandPool, read_poses
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


def test_predictions_of_another_program(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "my_hands"
    synthesize(folder, Contents(num_videos=0, num_train_stills=0, num_test_stills=3))
    monkeypatch.chdir(tmp_path)
    truth = read_poses("my_hands/poses/test.parquet")["keypoints_3d"]
    guesses = iter(truth - truth[:, :1])  # relative to the wrist
    predict = {"predict": lambda image, box: next(guesses)}
    exec(snippet("other program", "docs/protocols.md"), predict)
    table = "my_hands/poses/test.parquet"
    for command in ("evaluate {} predictions.parquet", "compare {} a=predictions.parquet"):
        words = command.format(table).split()
        monkeypatch.setattr("sys.argv", ["simhand", *words])
        main()
    printed = capsys.readouterr().out
    assert re.search(r"^root +0\.00 ", printed, re.M) and "Report: " in printed


def test_own_keypoints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[20:40, 10:30, 0] = 255  # blue
    cv2.imwrite("a.png", picture)
    keypoints = np.tile([12.0, 22.0], (21, 1))
    box = (10, 20, 30, 40)
    hands_of = {"a": [("a.png", box, keypoints, side) for side in ("left", "right")]}
    exec(snippet("own keypoints", "docs/tutorial_pictures.md"), {"hands_of": hands_of})
    pool = HandPool("data/pool")
    assert pool.handedness_index.tolist() == [0, 1] and pool.is_mirrored.tolist() == [True, False]
    # The box is enlarged to 26 px, of which 3 px are before it; keypoints are centres of pixels.
    right = (12.5 - 7) * 224 / 26 - 0.5
    expected = [[224 - 1 - right, right], [right, right]]
    np.testing.assert_allclose(pool.keypoints_2d[:, 0], expected, rtol=1e-5)
    crop = cv2.imdecode(np.frombuffer(pool.read_crop(1), np.uint8), cv2.IMREAD_COLOR)
    assert (crop[60, 60] > [200, -1, -1]).all() and crop[60, 60, 2] < 50


@pytest.mark.slow
def test_hands_of_a_picture(tmp_path, monkeypatch, capsys):
    synthesize(tmp_path, Contents(num_videos=0, num_train_stills=0, num_test_stills=1))
    shutil.copy(next((tmp_path / "images" / "test").iterdir()), tmp_path / "picture.jpg")
    monkeypatch.chdir(tmp_path)
    exec(snippet("inference"), {})
    assert re.search(r"(left|right) \[\[", capsys.readouterr().out)


def test_own_config(tmp_path):
    (tmp_path / "own.py").write_text(snippet("own config", "docs/faq.md"))
    config = Config.fromfile(tmp_path / "own.py")
    names = {hook["type"] for hook in config.custom_hooks}
    assert {"EMAHook", "simhand_mm.PublishBackboneHook"} <= names
    types = [backend["type"] for backend in config.visualizer.vis_backends]
    assert len(types) == 3 and all(map(VISBACKENDS.get, types))
    assert config.optim_wrapper.optimizer.type == "Adam"
    assert config.train_cfg.type == "EpochBasedTrainLoop"


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
