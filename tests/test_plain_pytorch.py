"""The example in plain PyTorch trains in a process that cannot import OpenMMLab."""

import subprocess
import sys

import torch
import torchvision

from simhand_mm.pool import save_pairs
from tests.test_pretraining.conftest import similar_pairs, write_pool

FRAMEWORKS = ("mmengine", "mmcv", "mmpretrain", "mmpose", "mmdet", "mediapipe", "faiss")
WITHOUT_OPENMMLAB = """
import sys
sys.modules.update(dict.fromkeys({frameworks}))  # importing them raises an error
import simhand_mm.converters, simhand_mm.lifting.lifter, simhand_mm.mining
import simhand_mm.preparation, simhand_mm.synthetic, simhand_mm.visualization
from pathlib import Path
from projects.plain_pytorch.train import main
main(Path({pool!r}), Path({output!r}), epochs=1, batch_size=2, size=32)
"""


def test_pool_mining_and_loss_need_no_openmmlab(tmp_path):
    pool = write_pool(tmp_path / "pool", list("ab"), frames=2, extension=".jpg")
    save_pairs(tmp_path / "pool", "similar", similar_pairs(pool, frames=2))
    output = tmp_path / "backbone.pth"
    code = WITHOUT_OPENMMLAB.format(
        frameworks=FRAMEWORKS, pool=str(tmp_path / "pool"), output=str(output)
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("epoch 1: loss ")
    keys = torchvision.models.resnet18().load_state_dict(
        torch.load(output, weights_only=True), strict=False
    )
    assert keys.missing_keys == ["fc.weight", "fc.bias"] and not keys.unexpected_keys
