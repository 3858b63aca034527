"""Stock mmpose runs our configs and checkpoints; only ``custom_imports`` is needed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import mmpose
import pytest

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py"
TOOLS = Path(mmpose.__file__).parent / ".mim" / "tools"
SMALL = ["train_cfg.max_epochs=1", "train_dataloader.batch_size=4", "model.head.head_channels=8"]

# ``import simhand_mm`` first replaces missing dependencies of mmpose. If none is missing, the
# custom_imports of the config are enough.
INFERENCE = """
import sys
import simhand_mm
import cv2
import numpy as np
from mmpose.apis import inference_topdown, init_model

config, checkpoint, image_path = sys.argv[1:]
settings = {"model.head.head_channels": 8}
model = init_model(config, checkpoint, device="cpu", cfg_options=settings)
sample = inference_topdown(model, cv2.imread(image_path), [[20, 30, 90, 100]])[0]
pred = sample.pred_instances
assert pred.keypoints.shape == (1, 21, 2)
assert pred.keypoints_3d.shape == (1, 21, 3)
np.testing.assert_allclose(pred.keypoints_3d[0, 0], 0, atol=1e-4)
# The crop is 1.5 times the box: predictions lie in it.
assert (pred.keypoints >= [2, 12]).all() and (pred.keypoints <= [108, 118]).all()
"""


def run(tool, *arguments, data_root):
    environment = {**os.environ, "SIMHAND_DATA": str(data_root.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", str(tool), *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, cwd=data_root, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture
def synthetic(data_root):
    """The labelled set of random hands at the path of the config."""
    link = data_root.parent / "synthetic"
    link.symlink_to(data_root)
    yield data_root
    link.unlink()


@pytest.mark.slow
def test_train_test_and_inference(synthetic, tmp_path):
    work_dir = tmp_path / "work"
    options = ["--work-dir", work_dir, "--cfg-options", *SMALL]
    run(TOOLS / "train.py", CONFIG, *options, data_root=synthetic)
    checkpoint = work_dir / "epoch_1.pth"
    stock = run(TOOLS / "test.py", CONFIG, checkpoint, *options, data_root=synthetic)
    ours = run(
        *(ROOT / "tools/test.py", CONFIG, checkpoint, "--dump", *options), data_root=synthetic
    )
    tables = [re.findall(r"(root_scale +[\d.]+ +[\d.]+ +[\d.]+)", out) for out in (stock, ours)]
    assert tables[0] and tables[0] == tables[1]
    assert (work_dir / "metrics.json").is_file()
    assert (work_dir / "predictions.parquet").is_file()

    (tmp_path / "infer.py").write_text(INFERENCE)
    image_path = next((synthetic / "images").glob("*.jpg"))
    run(tmp_path / "infer.py", CONFIG, checkpoint, image_path, data_root=synthetic)
