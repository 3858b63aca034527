"""``simhand doctor``: all possible answers."""

import json
import resource
import runpy
import sys
from pathlib import Path

import pytest
import torch

from simhand_mm import doctor
from simhand_mm.doctor import checks, comparing, finetuning_checks, process_checks
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


def ask(name, device="cpu"):
    return doctor.examine(name, doctor.run_check, doctor.CHECKS[name], device)


def test_without_a_gpu_checks_are_reported_as_cannot(no_gpu, monkeypatch, tmp_path, capsys):
    path = tmp_path / "doctor.json"
    assert run_tool(monkeypatch, "--json", str(path)) == 0
    answers = {a["name"]: a for a in json.loads(path.read_text())["answers"]}
    assert answers.keys() == doctor.FACTS.keys() | doctor.CHECKS.keys()
    assert {answers[name]["status"] for name in doctor.CHECKS} == {"cannot"}
    assert "no GPU" in answers["mining"]["text"]
    assert answers["cores"]["status"] == "ok"
    assert "cannot   mining" in capsys.readouterr().out


@pytest.mark.parametrize("name", doctor.CHECKS)
def test_a_cpu_agrees_with_itself(name, small):
    finding = ask(name)
    assert finding.status == "ok", finding


def test_one_gpu_cannot_be_compared_with_two(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    finding = ask("several GPUs", "cuda")
    assert (finding.status, finding.text) == ("cannot", "there is one GPU")


# ----------------------------------------------------------------------- pretended failures


def another_device(monkeypatch):
    """Tensors are changed by a hundredth when they are moved to the device."""
    calls = []

    def change(tensor):
        calls.append(tensor)
        return tensor * (1 + 0.01 * len(calls)) if tensor.is_floating_point() else tensor

    monkeypatch.setattr(
        comparing, "move", lambda data, device: comparing.tree_map_only(torch.Tensor, change, data)
    )


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
