"""``simhand doctor``: all possible answers."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

from simhand_mm import doctor
from simhand_mm.doctor import checks

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
def test_a_cpu_agrees_with_itself(name):
    finding = doctor.examine(name, doctor.run_check, doctor.CHECKS[name], "cpu")
    assert finding.status == "ok", finding


@pytest.mark.parametrize("name", ["pre-training, SiMHand", "fine-tuning"])
def test_a_device_with_different_results_is_detected(name, monkeypatch):
    """Tensors are changed by a hundredth when they are moved to the device."""
    monkeypatch.setattr(
        checks, "move", lambda data, device: checks.tree_map_only(torch.Tensor, change, data)
    )
    calls = []

    def change(tensor):
        calls.append(tensor)
        return tensor * (1 + 0.01 * len(calls)) if tensor.is_floating_point() else tensor

    finding = doctor.examine(name, doctor.run_check, doctor.CHECKS[name], "cpu")
    assert finding.status == "differs", finding
    assert "bound" in finding.text


def test_nan_differs():
    assert checks.judge({"loss": (float("nan"), 1.0)})[0] == "differs"


def test_an_error_is_reported_and_gives_exit_code_1(no_gpu, monkeypatch, capsys):
    def broken():
        raise OSError("no such thing")

    monkeypatch.setattr("simhand_mm.doctor.FACTS", {"a fact": broken})
    monkeypatch.setattr("simhand_mm.doctor.CHECKS", {})
    assert run_tool(monkeypatch) == 1
    out = capsys.readouterr().out
    assert "fails    a fact: OSError: no such thing" in out
    assert "1 fails" in out
