"""``simhand doctor``: all possible answers."""

import json
import os
import resource
import runpy
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from simhand_mm import doctor
from simhand_mm.doctor import (
    checks,
    comparing,
    facts,
    finetuning_checks,
    loading_checks,
    pretraining_checks,
    process_checks,
)
from simhand_mm.engine import machine
from simhand_mm.pretraining import LARSAdam, distributed

TOOL = str(Path(__file__).parents[1] / "tools" / "doctor.py")


def run_tool(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [TOOL, *arguments])
    try:
        runpy.run_path(TOOL, run_name="__main__")
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def small(monkeypatch):
    """Loaders and processes that start quickly; a CPU may be forked."""
    monkeypatch.setattr(process_checks, "_START", "fork")
    for name, value in (("WORKERS", 2), ("BATCH_SIZE", 8), ("PAUSE_S", 0.5), ("TIMEOUT_S", 5)):
        monkeypatch.setattr(finetuning_checks, f"_{name}", value)
    monkeypatch.setattr(loading_checks, "_HANDS", 8)
    monkeypatch.setattr(loading_checks, "_IMAGES", 2)
    monkeypatch.setitem(loading_checks._MEASURED, "cpu", (comparing.SMALL_CONFIG, 4, 1))
    monkeypatch.setattr(loading_checks, "_LARGEST_SHARE", 1.0)  # time says nothing in a test


def ask(name, device="cpu"):
    return doctor.examine(name, doctor.run_check, doctor.CHECKS[name], device)


def test_without_a_gpu_checks_are_reported_as_untested(no_gpu, monkeypatch, tmp_path, capsys):
    path = tmp_path / "doctor.json"
    assert run_tool(monkeypatch, "--json", str(path)) == 0
    answers = {a["name"]: a for a in json.loads(path.read_text())["answers"]}
    assert answers.keys() == doctor.FACTS.keys() | doctor.CHECKS.keys()
    assert {answers[name]["status"] for name in doctor.CHECKS} == {"untested"}
    assert "no GPU" in answers["mining"]["text"]
    assert answers["cores"]["status"] == "ok"
    assert "untested mining" in capsys.readouterr().out


@pytest.mark.parametrize("name", doctor.CHECKS)
def test_a_cpu_agrees_with_itself(name, small):
    finding = ask(name)
    assert finding.status == "ok", finding
    if name == "several GPUs":
        assert "NCCL and SyncBN not checked" in finding.text


@pytest.mark.parametrize(
    ("device", "num_gpus", "expected"),
    [
        ("cpu", 4, (["cpu", "cpu"], "gloo")),
        ("cuda", 1, (["cuda:0", "cuda:0"], "gloo")),
        ("cuda:0", 2, (["cuda:0", "cuda:1"], "nccl")),
    ],
)
def test_two_processes_share_a_single_gpu(device, num_gpus, expected):
    assert process_checks._places(device, num_gpus) == expected


def test_processes_compute_in_float32(small, monkeypatch, tmp_path):
    @contextmanager
    def recorded():
        (tmp_path / f"{os.getpid()}-{len(list(tmp_path.iterdir()))}").touch()
        yield

    monkeypatch.setattr(process_checks, "true_float32", recorded)
    assert ask("several GPUs").status == "ok"
    assert len({path.name.split("-")[0] for path in tmp_path.iterdir()}) == 2


@pytest.mark.parametrize(
    "in_float32, in_float64, status",
    [(0.02, 0.0, "ok"), (0.1, 0.0, "differs"), (0.0, 1e-4, "differs")],
)
def test_gradients_of_pre_training_have_a_narrow_bound_in_float64(
    small, monkeypatch, in_float32, in_float64, status
):
    differences = iter([0.0, in_float32, 0.0, in_float64])  # loss and gradient of each
    monkeypatch.setattr(pretraining_checks, "difference", lambda *_: next(differences))
    assert ask("pre-training, SimCLR").status == status


# ----------------------------------------------------------------------- pretended failures


def another_device(monkeypatch):
    """Tensors are changed by a hundredth when they are moved to the device."""
    right, calls = comparing.move, []

    def change(tensor):
        calls.append(tensor)
        return tensor * (1 + 0.01 * len(calls)) if tensor.is_floating_point() else tensor

    def wrong(data, device, dtype=None):
        return comparing.tree_map_only(torch.Tensor, change, right(data, device, dtype))

    monkeypatch.setattr(comparing, "move", wrong)


def other_gradients(monkeypatch):
    """The second gradient that is asked for points somewhere else."""
    right, calls = comparing.gradients, []

    def wrong(model):
        calls.append(right(model))
        return calls[0] if len(calls) == 1 else calls[1].flip(0)

    monkeypatch.setattr(comparing, "gradients", wrong)


def tf32(monkeypatch):
    """Products of matrices cut to 10 bits."""
    product = torch.Tensor.__matmul__

    def cut(left, right):
        if left.dtype == torch.float64:
            return product(left, right)
        return product(
            *((x.view(torch.int32) & ~0x1FFF).view(torch.float32) for x in (left, right))
        )

    monkeypatch.setattr(torch.Tensor, "__matmul__", cut)


def another_neighbour(monkeypatch):
    """The second engine gives the row next to the right one."""
    build = checks.build_engine

    def build_wrong(name, *args, **options):
        engine = build(name, *args, **options)
        if name == "torch":
            search = engine.search
            engine.search = lambda rows, ranks: (search(rows, ranks)[0] + 1, search(rows, ranks)[1])
        return engine

    monkeypatch.setattr(checks, "build_engine", build_wrong)


def few_files(monkeypatch):
    """No more files can be opened than now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = len(list(Path("/proc/self/fd").iterdir())) + 2
    write = finetuning_checks._write_labelled_noise

    def write_and_limit(*args):
        write(*args)
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))

    monkeypatch.setattr(finetuning_checks, "_write_labelled_noise", write_and_limit)
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def gradients_stay_at_home(monkeypatch):
    """As mmpretrain's GatherLayer: no sum over the processes."""
    monkeypatch.setattr(distributed.distributed, "all_reduce", lambda tensor: None)


def no_steps(monkeypatch):
    """The optimiser does nothing."""
    monkeypatch.setattr(LARSAdam, "step", lambda self: None)


def slow_loader(monkeypatch):
    """Batches from the loader take twice as long as the steps."""
    monkeypatch.setattr(loading_checks, "_LARGEST_SHARE", 0.1)
    seconds = iter([2.0, 1.0])
    monkeypatch.setattr(loading_checks, "seconds_per_step", lambda *_: next(seconds))


PRETENDED = {
    "products": (tf32, "fails"),
    "augmentation": (another_device, "differs"),
    "distances of poses": (another_device, "differs"),
    "losses": (another_device, "differs"),
    "pre-training, SimCLR": (another_device, "differs"),
    "pre-training, PeCLR": (another_device, "differs"),
    "pre-training, SiMHand": (another_device, "differs"),
    "pre-training, bfloat16": (other_gradients, "differs"),
    "micro-batches": (other_gradients, "differs"),
    "LARSAdam": (another_device, "differs"),
    "fine-tuning": (another_device, "differs"),
    "fine-tuning, loader": (few_files, "fails"),
    "waiting for data": (slow_loader, "differs"),
    "mining": (another_neighbour, "differs"),
    "several GPUs": (gradients_stay_at_home, "differs"),
    "training": (no_steps, "differs"),
}


@pytest.mark.parametrize("name", doctor.CHECKS)
def test_each_check_can_fail(name, small, monkeypatch):
    pretend, expected = PRETENDED[name]
    undo = pretend(monkeypatch)
    try:
        finding = ask(name)
    finally:
        if undo:
            undo()
    assert finding.status == expected, finding


def test_a_slow_loader_is_reported_with_its_share(small, monkeypatch):
    slow_loader(monkeypatch)
    text = ask("waiting for data").text
    assert "50% of a step of 4 pairs (bound 10%)" in text
    assert "4 images/s, from memory 8" in text
    assert "num_workers" in text


def test_too_little_shared_memory_stops_the_loader_check(small, monkeypatch):
    monkeypatch.setattr(machine, "free_shared_memory", lambda: 1000)
    finding = ask("waiting for data")
    assert finding.status == "fails"
    assert "docker run --shm-size" in finding.text


def test_seconds_per_step_leaves_out_the_warm_up(monkeypatch):
    clock = iter([0.0, 10.0, 16.0])
    monkeypatch.setattr(loading_checks.time, "perf_counter", lambda: next(clock))
    done = []
    assert loading_checks.seconds_per_step(done.append, range(5), 2, "cpu") == 2.0
    assert done == [0, 1, 2, 3, 4]


def old_driver(monkeypatch):
    monkeypatch.setattr(machine, "unusable_gpu", lambda: "torch must see the GPU, but does not")


def no_distributed(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_available", lambda: False)


def container_of_64_mb(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(machine, "free_shared_memory", lambda: 64e6)


def low_hard_limit(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))


def no_gpu_at_all(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


# "cores" and "compiler" only inform: every answer is possible.
PRETENDED_FACTS = {
    "torch and the GPU": (old_driver, "fails", "must see the GPU"),
    "bfloat16": (no_gpu_at_all, "untested", "no GPU"),
    "several processes": (no_distributed, "fails", "no torch.distributed"),
    "shared memory": (container_of_64_mb, "fails", "--shm-size=16g"),
    "open files": (low_hard_limit, "fails", "Raise the hard limit"),
}


@pytest.mark.parametrize("name", PRETENDED_FACTS)
def test_each_fact_can_stop_a_run(name, monkeypatch):
    assert PRETENDED_FACTS.keys() == facts.FACTS.keys() - {"cores", "compiler"}
    pretend, status, text = PRETENDED_FACTS[name]
    pretend(monkeypatch)
    finding = doctor.examine(name, facts.FACTS[name])
    assert (finding.status, text in finding.text) == (status, True), finding


@pytest.mark.parametrize("free", [64e6, None])
def test_shared_memory_without_a_gpu(free, monkeypatch):
    """A CPU needs little of it."""
    no_gpu_at_all(monkeypatch)
    monkeypatch.setattr(machine, "free_shared_memory", lambda: free)
    finding = doctor.examine("shared memory", facts.shared_memory)
    assert finding.status == ("untested" if free is None else "ok")


@pytest.mark.parametrize("capability, text", [((7, 0), "no fast bfloat16"), ((9, 0), "worth it")])
def test_bfloat16_depends_on_the_card(capability, text, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert text in facts.bfloat16()[1]


def test_nan_differs():
    assert comparing.judge({"loss": (float("nan"), 1.0)})[0] == "differs"
    same = torch.tensor([1.0, float("nan")])
    assert comparing.judge({"loss": (comparing.difference(same, same), 1.0)})[0] == "differs"


def test_an_error_is_reported_and_gives_exit_code_1(no_gpu, monkeypatch, capsys):
    def broken():
        raise OSError("no such thing")

    monkeypatch.setattr("simhand_mm.doctor.FACTS", {"a fact": broken})
    monkeypatch.setattr("simhand_mm.doctor.CHECKS", {})
    assert run_tool(monkeypatch) == 1
    out = capsys.readouterr().out
    assert "fails    a fact: OSError: no such thing" in out
    assert "1 fails" in out
