"""The examples in docstrings run."""

import doctest
import importlib
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "simhand_mm").rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(name), extraglobs={"torch": torch})
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", ["contrasts.WeightedNTXent", "contrasts.SoftTargets"])
def test_each_contrast_has_an_example(name):
    module, _, attribute = f"simhand_mm.functional.{name}".rpartition(".")
    assert ">>> " in getattr(importlib.import_module(module), attribute).__doc__


def test_each_registered_loss_has_an_example():
    pretraining = importlib.import_module("simhand_mm.pretraining.loss")
    losses = pretraining.PairLoss.__subclasses__()
    assert len(losses) >= 2
    assert all(">>> " in loss.__doc__ for loss in losses)
