"""What can be known about a GPU without one: devices, waits, precisions, launchers."""

import os
import subprocess
import sys
from types import SimpleNamespace

import mmengine.runner.runner
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException

from simhand_mm import compat
from simhand_mm.compat import launchers
from simhand_mm.engine import MachineCheckHook
from simhand_mm.functional.pose_metrics import pck_auc
from simhand_mm.mining import torch_engine
from simhand_mm.pose import DetNetHead
from simhand_mm.pretraining import HandPairPreprocessor, LARSAdam
from tests.fake_cuda import fake_cuda

DECODER = {"type": "simhand_mm.DetNetCodec", "input_size": (64, 64), "heatmap_size": (16, 16)}


def test_preprocessor_copies_nothing_that_the_host_waits_for():
    augmentation = {"rotation_deg": (-45, 45), "hue": (0.1, 1), "scale": (0.9, 1.5)}
    preprocessor = HandPairPreprocessor(32, augmentation)
    with fake_cuda() as copies, torch.autocast("cuda", torch.bfloat16):
        preprocessor.to("cuda")
        batch = {
            f"{name}{key}": value
            for name in ("query", "positive")
            for key, value in (
                ("", torch.zeros(8, 48, 48, 3, dtype=torch.uint8)),
                ("_keypoints_2d", torch.rand(8, 21, 2)),
            )
        }
        copies.blocking.clear()
        views = preprocessor(batch, training=True)
    assert copies.blocking == []
    assert views["inputs"].device.type == "cuda"
    assert views["inputs"].dtype == torch.float32


def test_fine_tuning_waits_for_one_copy_of_the_targets():
    head = DetNetHead(8, DECODER, deconv_channels=(8, 8, 8), head_channels=8)
    samples = []
    for _ in range(16):
        sample = PoseDataSample()
        sample.gt_instances = InstanceData(hand_targets=np.zeros((1, 21, 12), np.float32))
        samples.append(sample)
    with fake_cuda() as copies, torch.autocast("cuda", torch.bfloat16):
        head.to("cuda")
        copies.blocking.clear()
        losses = head.loss((torch.rand(16, 8, 2, 2, device="cuda"),), samples)
    assert copies.blocking == []
    assert {loss.device.type for loss in losses.values()} == {"cuda"}
    assert {loss.dtype for loss in losses.values()} == {torch.float32}


@pytest.mark.parametrize("kind", [LARSAdam, torch.optim.AdamW])
def test_a_resumed_optimiser_does_not_wait_for_its_step_counts(kind):
    """mmengine loads them to the GPU; torch then reads each in each step."""
    with fake_cuda():
        parameter = torch.nn.Parameter(torch.rand(3, device="cuda"))
        parameter.grad = torch.rand(3, device="cuda")
        optimizer = kind([parameter], lr=0.1)
        optimizer.step()
        state = optimizer.state[parameter]
        state["step"] = state["step"].to("cuda")
        with pytest.raises(DataDependentOutputException):
            optimizer.step()
        compat.keep_steps_on_the_cpu(optimizer)
        assert state["step"].device.type == "cpu"
        state["step"] = torch.tensor(1.0)  # a fake tensor has no value, a fresh one has
        optimizer.step()


@pytest.mark.parametrize("fused", [True, False])
def test_steps_that_count_on_the_device_stay_there(fused):
    parameter = torch.nn.Parameter(torch.rand(3))
    parameter.grad = torch.rand(3)
    optimizer = torch.optim.AdamW([parameter], fused=fused)
    optimizer.step()
    before = optimizer.state[parameter]["step"]
    compat.keep_steps_on_the_cpu(optimizer)
    assert (optimizer.state[parameter]["step"] is before) or not fused


def test_pck_auc_on_a_device(monkeypatch):
    """The thresholds lie where the errors are; the curve alone needs values."""
    module = "simhand_mm.functional.pose_metrics.pck_curve"
    monkeypatch.setattr(module, lambda errors, thresholds: torch.ones_like(thresholds))
    with fake_cuda():
        assert pck_auc(torch.rand(5, 21, device="cuda")).device.type == "cuda"


# -------------------------------------------------------------------------------- precisions


def precisions():
    backends = torch.backends
    parts = (backends.cuda.matmul, backends.mkldnn.matmul, backends.cudnn.conv)
    return [part.fp32_precision for part in parts]


@pytest.mark.parametrize("name", ["highest", "high"])
def test_true_float32_with_the_older_interface(name):
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(name)
        with compat.true_float32():
            assert precisions() == ["ieee"] * 3
        assert torch.get_float32_matmul_precision() == name
    finally:
        torch.set_float32_matmul_precision(before)


def test_true_float32_with_the_newer_interface():
    """In a process of its own, for the two interfaces must not be mixed."""
    code = """
import torch
from simhand_mm.compat import true_float32
torch.backends.cuda.matmul.fp32_precision = "tf32"
torch.backends.cudnn.conv.fp32_precision = "tf32"
with true_float32():
    print(torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision)
print(torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["ieee", "ieee", "tf32", "tf32"], done.stderr


def test_only_tests_compute_in_true_float32():
    hook, before = MachineCheckHook(), precisions()
    hook.before_test(None)
    try:
        assert precisions() == ["ieee"] * 3
    finally:
        hook.after_test(None)
    assert precisions() == before
    assert before[2] != "ieee"  # convolutions take TF32 by default, or there is nothing to test


def test_products_that_are_not_float32_are_refused(monkeypatch):
    torch_engine.check_products(torch.device("cpu"))
    product = torch.Tensor.__matmul__

    def tf32(left, right):  # 10 bits of mantissa
        if left.dtype == torch.float64:
            return product(left, right)
        cut = [(x.view(torch.int32) & ~0x1FFF).view(torch.float32) for x in (left, right)]
        return product(*cut)

    monkeypatch.setattr(torch.Tensor, "__matmul__", tf32)
    with pytest.raises(RuntimeError, match="must have a relative error below 1e-05"):
        torch_engine.check_products(torch.device("cpu"))


# ---------------------------------------------------------------------- several processes


@pytest.mark.parametrize("runtime, norm", [("", nn.SyncBatchNorm), ("_cpu", nn.BatchNorm2d)])
def test_norms_share_their_statistics_before_ddp_wraps_the_model(runtime, norm, monkeypatch):
    """DDP must get the layers that are trained. SyncBatchNorm computes on GPUs only, so the wrapper
    is a stub; ``simhand doctor`` compares two GPUs with one, and two CPUs without it."""
    cfg = Config.fromfile(f"configs/_base_/runtimes/pretraining{runtime}_runtime.py")
    wrapped = []
    monkeypatch.setattr(
        mmengine.runner.runner,
        "MMDistributedDataParallel",
        lambda module, **options: wrapped.append((module, options)) or "wrapped",
    )
    monkeypatch.setenv("LOCAL_RANK", "0")
    runner = SimpleNamespace(distributed=True, cfg=cfg)
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Linear(4, 4))
    assert Runner.wrap_model(runner, None, model) == "wrapped"
    [(module, options)] = wrapped
    assert [type(layer) for layer in module] == [nn.Conv2d, norm, nn.Linear]
    assert options["broadcast_buffers"] is False  # all processes have the same statistics


# --------------------------------------------------------------------------------- launchers


@pytest.mark.parametrize(
    "environment, num_gpus, expected",
    [({}, 4, "cuda:0"), ({"LOCAL_RANK": "3"}, 4, "cuda:3"), ({"SLURM_LOCALID": "3"}, 1, "cuda:0")],
)
def test_each_process_searches_on_its_own_gpu(environment, num_gpus, expected, monkeypatch):
    for name in ("LOCAL_RANK", "SLURM_LOCALID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: num_gpus)
    assert str(torch_engine.local_device()) == expected


@pytest.mark.parametrize("num_gpus, expected", [(0, "5"), (1, "0"), (4, "1"), (8, "5")])
def test_tasks_of_slurm(num_gpus, expected, monkeypatch):
    """Jobs have ports of their own, and a task takes a GPU that it sees."""
    monkeypatch.delenv("MASTER_PORT", raising=False)
    for name, value in (("JOB_ID", "123456"), ("PROCID", "13"), ("LOCALID", "5")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    launchers.prepare_slurm_task(num_gpus)
    assert os.environ["SLURM_LOCALID"] == expected
    assert os.environ.pop("MASTER_PORT") == str(15_000 + 123456 % 15_000)


def test_slurm_without_a_gpu_uses_gloo():
    code = (
        "import simhand_mm; from mmengine.dist import init_dist, get_backend, get_world_size;"
        "init_dist('slurm', 'nccl'); print(get_backend(), get_world_size())"
    )
    slurm = {"PROCID": "0", "NTASKS": "1", "NODELIST": "here", "JOB_ID": str(os.getpid())}
    environment = os.environ | {f"SLURM_{name}": value for name, value in slurm.items()}
    environment |= {"MASTER_ADDR": "127.0.0.1", "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("MASTER_PORT", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split()[-2:] == ["gloo", "1"], done.stderr
