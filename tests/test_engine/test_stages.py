"""Pre-training runs without mmpose, fine-tuning without mmpretrain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simhand_mm.pool import save_pairs
from tests.test_pretraining.conftest import similar_pairs, write_pool
from tests.test_visualization.labelled_stills import write_stills

ROOT = Path(__file__).parents[2]

# Builds what a config names, in a process where one framework cannot be imported.
BUILD = """
import sys

blocked, config, loader = sys.argv[1:]


class Blocker:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocker())

from mmengine.config import Config
from mmengine.registry import DATA_SAMPLERS, DATASETS, HOOKS, MODELS, init_default_scope
from mmengine.optim import build_optim_wrapper

cfg = Config.fromfile(config)
init_default_scope(cfg.default_scope)
model = MODELS.build(cfg.model)
build_optim_wrapper(model, cfg.optim_wrapper)
for hook in cfg.custom_hooks:
    HOOKS.build(hook)
dataset = DATASETS.build(cfg[loader].dataset)
DATA_SAMPLERS.build(cfg[loader].sampler, default_args=dict(dataset=dataset))
assert dataset[0]
assert blocked not in sys.modules
print("built", type(model).__name__, type(dataset).__name__)
"""


def build(config, loader, blocked, data):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, blocked, str(ROOT / config), loader],
        cwd=ROOT,
        env={**os.environ, "SIMHAND_DATA": str(data)},
        capture_output=True,
        text=True,
    )
    assert not run.returncode, run.stderr
    return run.stdout.splitlines()[-1]


def test_pretraining_needs_no_mmpose(tmp_path):
    pool = write_pool(tmp_path / "pool", list("abcdefgh"))
    save_pairs(tmp_path / "pool", "similar", similar_pairs(pool))
    config = "configs/simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
    built = build(config, "train_dataloader", "mmpose", tmp_path)
    assert built == "built HandContrastive HandPairDataset"


@pytest.mark.parametrize("loader", ["train_dataloader", "test_dataloader"])
def test_fine_tuning_needs_no_mmpretrain(tmp_path, loader):
    write_stills(tmp_path / "synthetic")
    config = "configs/detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py"
    built = build(config, loader, "mmpretrain", tmp_path)
    assert built == "built TopdownPoseEstimator HandPoseDataset"
