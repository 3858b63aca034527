"""Command line on 1 and 2 processes: kill -9 and resume, a lost process, errors."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import mmpretrain
import pytest
import torch

ROOT = Path(__file__).parents[2]
CONFIG = "configs/simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
OPTIONS = [
    "model.data_preprocessor.input_size=32",
    "model.backbone.stem_channels=8",
    "model.backbone.base_channels=8",
    "model.neck.in_channels=64",
    "train_cfg.max_epochs=6",
    "default_hooks.checkpoint.by_epoch=False",
    "default_hooks.checkpoint.max_keep_ckpts=-1",
]
TIMEOUT_S = 240


def launch(data_root, work_dir, processes=1, arguments=(), tool="tools/train.py", batch=None):
    batch = batch or 8 // processes  # 31 hands give 3 iterations an epoch
    options = [*OPTIONS, f"train_dataloader.batch_size={batch}"]
    command = [sys.executable, str(tool), CONFIG]
    if processes > 1:
        command = ["bash", "tools/dist_train.sh", CONFIG, str(processes)]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "SIMHAND_DATA": str(data_root),
        "PYTHON": sys.executable,
        "PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [*command, "--work-dir", str(work_dir), *arguments, "--cfg-options", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(process, path):
    deadline = time.monotonic() + TIMEOUT_S
    while not path.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[0][-3000:]
        time.sleep(0.01)


def kill_in_the_third_epoch(process, folder):
    """Kill a run, and keep its checkpoints up to the first one of the third epoch."""
    wait_for(process, folder / "iter_8.pth")  # then the seventh is complete
    for pid in (*workers_of(process.pid), process.pid):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    for checkpoint in folder.glob("iter_*.pth"):
        if int(checkpoint.stem.removeprefix("iter_")) > 7:
            checkpoint.unlink()  # it goes on until the kill


def finish(process):
    output, _ = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, output


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_and_resumed_run_is_bit_identical(data_root, tmp_path, processes):
    code, output = finish(launch(data_root, tmp_path / "whole", processes))
    assert code == 0, output[-3000:]
    process = launch(data_root, tmp_path / "broken", processes)
    kill_in_the_third_epoch(process, tmp_path / "broken")
    assert not (tmp_path / "broken" / "backbone.pth").exists()
    code, output = finish(launch(data_root, tmp_path / "broken", processes, ["--resume"]))
    assert code == 0, output[-3000:]
    assert "Resuming epoch" in output
    whole, resumed = (
        torch.load(tmp_path / name / "iter_18.pth", weights_only=False)
        for name in ("whole", "broken")
    )
    for key, value in whole["state_dict"].items():
        assert torch.equal(resumed["state_dict"][key], value), key
    for number, state in whole["optimizer"]["state"].items():
        for key, value in state.items():
            assert torch.equal(resumed["optimizer"]["state"][number][key], value)


@pytest.mark.slow
def test_resume_with_another_number_of_processes_needs_the_same_global_batch(data_root, tmp_path):
    process = launch(data_root, tmp_path / "run")
    kill_in_the_third_epoch(process, tmp_path / "run")
    code, output = finish(launch(data_root, tmp_path / "run", 2, ["--resume"], batch=8))
    assert code != 0
    assert "must have 8 samples per step and 3 steps per epoch" in output
    assert "but has 16 (train_dataloader.batch_size 8 x 2 processes) and 1" in output
    assert not (tmp_path / "run" / "backbone.pth").exists()
    code, output = finish(launch(data_root, tmp_path / "run", 2, ["--resume"]))
    assert code == 0, output[-3000:]
    assert "Resuming epoch 3" in output
    assert torch.load(tmp_path / "run" / "backbone.pth", weights_only=True)["meta"]["iter"] == 18


@pytest.mark.slow
def test_lost_process_ends_the_job_with_the_reason(data_root, tmp_path):
    process = launch(data_root, tmp_path, 2, ["--resume"])
    wait_for(process, tmp_path / "iter_1.pth")
    victim = workers_of(process.pid)[1]
    start = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    code, output = finish(process)
    assert time.monotonic() - start < 60
    assert code != 0
    assert "Signal 9 (SIGKILL)" in output


def workers_of(launcher):
    """Processes of tools/train.py started by torchrun, in rank order."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [int(c) for c in children if b"train.py" in Path(f"/proc/{c}/cmdline").read_bytes()]


@pytest.mark.slow
def test_missing_pool_is_reported_with_the_command(tmp_path):
    code, output = finish(launch(tmp_path / "nowhere", tmp_path / "run"))
    assert code != 0
    last = output.strip().splitlines()[-1]
    assert "nowhere/pool/pool.json does not exist" in last
    assert "simhand prepare" in last


@pytest.mark.slow
def test_train_tool_of_mmpretrain_runs_our_configs(data_root, tmp_path):
    tool = Path(mmpretrain.__file__).parent / ".mim" / "tools" / "train.py"
    code, output = finish(launch(data_root, tmp_path, tool=tool))
    assert code == 0, output[-3000:]
    assert torch.load(tmp_path / "backbone.pth", weights_only=True)["meta"]["iter"] == 18
