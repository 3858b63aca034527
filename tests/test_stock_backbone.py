"""A published backbone in mmpose without ``simhand_mm`` installed.

With mmcv-lite ``mmpose.models`` cannot be imported (``mmcv._ext``), and building a full mmcv takes
longer than all tests together. An empty module replaces the compiled part here, and pycocotools
replaces xtcocotools if that is missing. A ResNet needs neither.
"""

import re
import subprocess
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.models import ResNet

from simhand_mm.pretraining.checkpoints import export_backbone
from simhand_mm.pretraining.publishing import save_backbone
from tests.environments import make_environment, stranger

ROOT = Path(__file__).parents[1]
COMPILED_PARTS = """
import importlib.machinery, sys, types
class Operators(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
ext = sys.modules["mmcv._ext"] = Operators("mmcv._ext")
ext.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
try:
    import xtcocotools
except ImportError:
    import pycocotools, pycocotools.coco, pycocotools.cocoeval, pycocotools.mask
    for name in ("", ".coco", ".cocoeval", ".mask"):
        sys.modules["xtcocotools" + name] = sys.modules["pycocotools" + name]
"""
LOAD = """
import sys
try:
    import simhand_mm.version
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("simhand_mm is installed")
import torch
from mmengine.config import Config
from mmengine.runner.checkpoint import _load_checkpoint_with_prefix
from mmengine.registry import init_default_scope
from mmpose.models import build_pose_estimator
init_default_scope("mmpose")
model = build_pose_estimator(Config.fromfile(sys.argv[1]).model)
model.init_weights()  # as in a runner
weights = _load_checkpoint_with_prefix("backbone.", "backbone.pth", "cpu")
same = [torch.equal(value, weights[name]) for name, value in model.backbone.state_dict().items()]
print(f"equal {all(same)} of {len(same)}")
found = model.backbone.load_state_dict(weights, strict=False)
print(f"missing {len(found.missing_keys)} unexpected {len(found.unexpected_keys)}")
"""
TWO_D = (
    "mmpose::hand_2d_keypoint/topdown_heatmap/freihand2d/"
    "td-hm_res50_8xb64-100e_freihand2d-224x224.py"
)
THREE_D = (
    "mmpose::hand_3d_keypoint/internet/interhand3d/internet_res50_4xb16-20e_interhand3d-256x256.py"
)


def config_of_readme():
    """Return the config in README.md."""
    text = (ROOT / "README.md").read_text()
    return re.search(r"<!-- stock config -->\n```python\n(.*?)```", text, re.DOTALL)[1]


def test_the_config_is_short():
    assert len(config_of_readme().splitlines()) <= 15
    assert TWO_D in config_of_readme()


@pytest.mark.slow
@pytest.mark.parametrize("base", [TWO_D, THREE_D], ids=["2D", "3D"])
def test_stock_mmpose_loads_every_weight(base, tmp_path):
    init_default_scope("mmpretrain")
    torch.manual_seed(0)
    weights = ResNet(50).state_dict()
    save_backbone(tmp_path / "ours.pth", weights, {})
    export_backbone(tmp_path / "ours.pth", tmp_path / "backbone.pth", "mmpose")
    (tmp_path / "config.py").write_text(config_of_readme().replace(TWO_D, base))
    python = make_environment(tmp_path / "env")
    site_packages = next((tmp_path / "env").glob("lib/python*/site-packages"))
    (site_packages / "sitecustomize.py").write_text(COMPILED_PARTS)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", LOAD, "config.py"],
        cwd=tmp_path,
        env=stranger(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "missing 0 unexpected 0" in done.stdout
    assert f"equal True of {len(weights)}" in done.stdout
