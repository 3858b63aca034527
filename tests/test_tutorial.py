"""docs/tutorial.ipynb runs, and contains the outputs of a run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebook import run_notebook

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.ipynb"


def code_cells(path):
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]


def kinds(cell):
    """Return the kinds of outputs of a cell: streams and images."""
    return [(o["output_type"], sorted(o.get("data", []))) for o in cell["outputs"]]


def test_outputs_are_stored_and_small():
    cells = code_cells(TUTORIAL)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    images = [o for cell in cells for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert len(images) == 3
    assert TUTORIAL.stat().st_size < 500_000


def test_runner_prints_draws_and_stops():
    def run(source):
        cell = {"cell_type": "code", "source": [source], "outputs": []}
        return run_notebook({"cells": [cell]})["cells"][0]["outputs"]

    assert run("x = 1")[:] == []
    assert run("print(2)\n3")[0]["text"] == ["2\n"]
    assert run("!echo one \\\n two")[0]["text"] == ["one two\n"]
    with pytest.raises(RuntimeError, match="false"):
        run("!false")


@pytest.mark.slow
def test_tutorial_runs(tmp_path):
    """About a minute of CPU time."""
    copy = shutil.copy(TUTORIAL, tmp_path)
    command = [sys.executable, "-m", "tests.notebook", str(copy)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    for stored, fresh in zip(code_cells(TUTORIAL), code_cells(Path(copy)), strict=True):
        assert kinds(stored) == kinds(fresh), "".join(stored["source"])
