"""Every leaf config builds, follows the naming rule, and is listed once."""

import functools
import json
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

ROOT = Path(__file__).parents[1]
# projects/simhand has names in the form of mmpose; tests/test_upstream_project.py builds them.
LEAVES = sorted(
    path
    for folder in ("configs", "projects")
    for path in (ROOT / folder).rglob("*.py")
    if "_base_ = " in path.read_text()
    and "_base_" not in path.parts
    and ROOT / "projects" / "simhand" not in path.parents
)
NAME = re.compile(
    r"(?P<algorithm>simclr|peclr|tempclr|simhand|poseaware|regression|detnet)_(?P<backbone>[a-z0-9]+)"
    r"(_([a-z0-9-]+-)?pre)?_[0-9]+xb[0-9]+(-[a-z0-9]+)*-?(?<![0-9])(?P<length>[0-9]+)(?P<unit>[ei])_[a-z0-9-]+"
)
MAX_LINES = 60
MAX_LEVELS = 3  # child, recipe, small variant of a model, model


def levels(path):
    """Return the length of the longest chain of ``_base_`` above a config."""
    names = Config._get_base_files(str(path))
    bases = [Path(Config._get_cfg_path(name, str(path))[0]).resolve() for name in names]
    return 1 + max(map(levels, bases), default=-1)


def test_every_family_has_configs():
    families = {path.parent.name for path in LEAVES}
    assert {
        "simclr",
        "peclr",
        "tempclr",
        "simhand",
        "poseaware",
        "regression",
        "detnet",
    } <= families


def test_file_names_are_unique():
    names = [path.name for path in LEAVES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: path.stem)
def test_leaf_follows_the_rules_and_builds(path, monkeypatch):
    monkeypatch.setenv("SIMHAND_DATA", "data")
    monkeypatch.syspath_prepend(ROOT)  # configs of projects import their package
    match = NAME.fullmatch(path.stem)
    assert match, (
        f"{path.name}: name it <algo>_<backbone>_<gpus>xb<batch>-<sched>-<n>e_<data>.py (i: steps)"
    )
    assert len(path.read_text().splitlines()) <= MAX_LINES
    assert levels(path) <= MAX_LEVELS
    if ROOT / "configs" in path.parents:
        assert path.parent.name == match["algorithm"]
    cfg = Config.fromfile(path)
    batch = int(re.search(r"xb(\d+)", path.stem)[1])
    assert cfg.train_dataloader.batch_size == batch
    length = {"e": "max_epochs", "i": "max_iters"}[match["unit"]]
    assert cfg.train_cfg[length] == int(match["length"])
    assert count_backbone_parameters(cfg.default_scope, json.dumps(cfg.model)) > 5e5


@functools.cache  # most leaves change only the data
def count_backbone_parameters(scope, model):
    init_default_scope(scope)
    backbone = MODELS.build(json.loads(model)).backbone
    return sum(parameter.numel() for parameter in backbone.parameters())


def test_released_recipe_takes_a_step(tmp_path, monkeypatch):
    """Inputs, initial head and optimiser are those of the released training script."""
    import cv2
    import numpy as np
    import torch
    from mmengine.dataset import Compose, default_collate
    from mmengine.optim import build_optim_wrapper
    from mmpose.registry import MODELS as POSE_MODELS

    monkeypatch.setenv("SIMHAND_DATA", "data")
    cfg = Config.fromfile(ROOT / "configs/detnet/detnet_resnet50_1xb128-released-120e_freihand.py")
    init_default_scope("mmpose")
    cv2.imwrite(str(tmp_path / "hand.png"), np.full((224, 224, 3), 255, np.uint8))
    rng = np.random.default_rng(0)
    hand = rng.normal((0, 0, 600), 30, (1, 21, 3))
    sample = {
        "img_path": str(tmp_path / "hand.png"),
        "sample_id": "hand",
        "handedness": "right",
        "camera_matrix": np.array([[400.0, 0, 112], [0, 400, 112], [0, 0, 1]]),
        "bbox": np.array([[60.0, 60, 160, 160]]),
        "bbox_score": np.ones(1),
        "keypoints": hand[..., :2] * 400 / hand[..., 2:] + 112,
        "keypoints_3d": hand,
        "keypoints_visible": np.ones((1, 21)),
    }
    pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    batch = default_collate([pipeline(dict(sample)) for _ in range(2)])
    cfg.model.backbone.depth = 18
    cfg.model.head.in_channels = 512
    model = POSE_MODELS.build(cfg.model)
    model.init_weights()
    first = model.backbone.conv1.weight.detach().clone()
    assert model.head.heat_head[-1].bias.eq(0).all()  # unlike ours, which starts with empty maps
    inputs = model.data_preprocessor(batch, training=True)["inputs"]
    assert inputs.min() >= -0.5 and inputs.max() <= 0.5  # x / 255 - 0.5
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    assert type(wrapper.optimizer) is torch.optim.Adam
    losses = model.train_step(batch, wrapper)
    assert all(value.isfinite() for value in losses.values())
    assert not torch.equal(model.backbone.conv1.weight, first)
