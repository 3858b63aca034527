"""The data loader of fine-tuning with a pin-memory thread, which otherwise needs a GPU."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from simhand_mm.pool import write_poses
from tests.test_pose.conftest import IMAGE_SIZE, random_record

CONFIG = "configs/detnet/detnet_resnet50_1xb128-120e_freihand.py"
WORKERS, BATCH = 8, 128
BATCHES = 2 * WORKERS + 2  # more than the workers prefetch

# The accelerator is simulated and pinning is replaced by a copy; the rest is torch.
PROGRAM = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
torch.accelerator.is_available = lambda: True
torch.accelerator.current_accelerator = lambda: torch.device("cuda")
torch.accelerator.current_device_index = lambda: 0
torch.accelerator.set_device_index = lambda index: None
torch.Tensor.pin_memory = torch.Tensor.clone
config = Config.fromfile(sys.argv[1])
init_default_scope("mmpose")
loader = Runner.build_dataloader(config.train_dataloader, seed=0)
ready = loader.num_workers * loader.prefetch_factor
batches = iter(loader)
next(batches)
deadline = time.monotonic() + 120
def count():  # batches in the queue, and batches received out of order
    return batches._data_queue.qsize() + sum(len(v) == 2 for v in batches._task_info.values())
while count() < ready and time.monotonic() < deadline:
    time.sleep(0.1)  # a slow first step, while the workers prefetch as much as allowed
print("ready:", count(), "of", ready)
print("batches:", 1 + sum(1 for _ in batches))
"""


@pytest.fixture
def large_root(tmp_path, monkeypatch):
    """A labelled set of 8 images, repeated to more than the workers prefetch."""
    rng = np.random.default_rng(0)
    records = [random_record(rng, f"hand_{i}") for i in range(8)]
    root = tmp_path / "FreiHAND_pub_v2"
    (root / "images").mkdir(parents=True)
    for record in records:
        noise = rng.integers(0, 255, (IMAGE_SIZE[1], IMAGE_SIZE[0], 3), dtype=np.uint8)
        cv2.imwrite(str(root / record["image_path"]), noise)
    rows = [records[i % 8] | {"sample_id": f"hand_{i}"} for i in range(BATCHES * BATCH)]
    write_poses(root / "poses" / "train.parquet", rows)
    monkeypatch.setenv("SIMHAND_DATA", str(tmp_path))
    return root


def test_a_batch_has_two_tensors(large_root):
    """Each tensor that a worker sends needs an open file descriptor."""
    init_default_scope("mmpose")
    config = Config.fromfile(CONFIG).train_dataloader
    config.update(num_workers=0, batch_size=4)
    batch = next(iter(Runner.build_dataloader(config, seed=0)))
    assert batch["inputs"].shape == (4, 3, 128, 128) and batch["inputs"].dtype == torch.uint8
    assert batch["data_samples"].shape == (4, 21, 12)
    assert set(batch) == {"inputs", "data_samples"}


@pytest.mark.slow
def test_prefetching_needs_less_than_1024_file_descriptors(large_root):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, CONFIG],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"ready: {2 * WORKERS} of {2 * WORKERS}" in done.stdout, done.stdout
    assert f"batches: {BATCHES}" in done.stdout
