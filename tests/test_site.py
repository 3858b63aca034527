"""The documentation site: its generated pages, and the whole build."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from simhand_mm.cli import COMMANDS, find_file
from simhand_mm.experiments.tables import markdown_table
from tests.command_lines import options_of
from tools.site import commands, configs, modules
from tools.site.markdown import escaped
from tools.site.notebook import TUTORIAL, essential_outputs, executed

ROOT = Path(__file__).parents[1]
STORED = TUTORIAL.read_text(encoding="utf-8")


def test_plain_text_is_escaped_except_for_code():
    assert escaped("a <b> *c* `d<e>` ``f*`` [g]") == r"a \<b> \*c\* `d<e>` `f*` \[g\]"
    assert escaped("run it with --shard 0/2") == "run it with `--shard` 0/2"
    assert markdown_table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


@pytest.mark.parametrize("name", ["train", "mine"])
def test_page_of_a_command_has_every_option_of_its_help(name):
    page = commands.command_page(name, find_file(f"tools/{COMMANDS[name]}"))
    for option in options_of(f"tools/{COMMANDS[name]}").keys() - {"-h", "--help", "--local_rank"}:
        assert f"`{option.upper() if option == 'config' else option}`" in page, option
    assert "(required)" not in page


def test_defaults_and_choices_of_an_option_are_in_its_row():
    page = commands.command_page("mine", find_file("tools/mine_pairs.py"))
    assert "| `--rule` `{similar,temporal,self}` | `similar` | Rule for positives" in page
    assert "| `--num-shards` `INT` |  | Number of shards (default: depends" in page


def test_a_script_has_its_comment():
    page = commands.command_page("dist-train", find_file("tools/dist_train.sh"))
    assert "simhand dist-train CONFIG NUM_PROCESSES" in page


def test_settings_of_a_config_are_its_own_leaves():
    config = (
        "_base_ = ['../a.py', './b.py']\nmodel = dict(head=dict(loss=dict(w=None), n=[dict(x=1)]))"
    )
    assert configs.settings_of(config) == {
        "model.head.loss.w": "None",
        "model.head.n": "[dict(x=1)]",
    }
    assert configs.bases_of(config) == ["a.py", "b.py"]


def test_every_config_and_module_has_a_page():
    listed = "".join(configs.pages().values())
    for path in (ROOT / "configs").rglob("*.py"):
        assert f"(../../../{path.relative_to(ROOT)})" in listed
    pages = modules.pages()
    for path in (ROOT / "simhand_mm").rglob("*.py"):
        if path.stem not in ("__init__", "version"):
            name = ".".join(path.relative_to(ROOT / "simhand_mm").with_suffix("").parts)
            assert f"automodule:: simhand_mm.{name}\n" in pages[f"api/{name}.md"]


def test_public_names_of_a_package_point_to_their_modules():
    names = modules.public_names(ROOT / "simhand_mm" / "pool" / "__init__.py")
    assert names["HandPool"] == "simhand_mm.pool.reader.HandPool"


def test_settings_of_the_site_request_nothing_from_the_network():
    settings = ast.parse((ROOT / "docs" / "conf.py").read_text())
    assigned = [node for node in ast.walk(settings) if isinstance(node, ast.Assign)]
    names = [node.targets[0].id for node in assigned if isinstance(node.targets[0], ast.Name)]
    assert not {"html_baseurl", "mathjax_path", "intersphinx_mapping"} & set(names)


def test_loss_of_the_tutorial_has_a_gradient():
    text = (ROOT / "docs" / "tutorial_pose_aware.md").read_text()
    names = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], names)
    assert names["query"].grad.norm() > 0


def code_cells(notebook):
    return [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]


def test_stored_outputs_of_the_tutorial_are_complete_and_small():
    cells = code_cells(STORED)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert sum("data" in output for output in outputs) == 3
    assert TUTORIAL.stat().st_size < 500_000


def test_printed_text_and_images_are_kept():
    def stream(name, text):
        return {"output_type": "stream", "name": name, "text": text}

    image = {"output_type": "execute_result", "data": {"image/png": "iV", "text/plain": "<Image>"}}
    pieces = [stream("stdout", "1 ha"), stream("stderr", "50%"), stream("stdout", "nd\n"), image]
    text, drawn = essential_outputs(pieces)
    assert text["text"] == ["1 hand\n"] and drawn["data"] == {"image/png": "iV"}
    assert essential_outputs([stream("stderr", "50%")]) == []


def test_the_site_executes_the_tutorial_when_its_code_changed(tmp_path, monkeypatch):
    extension = pytest.importorskip("tools.site.extension", reason="needs requirements/docs.txt")
    app = SimpleNamespace(doctreedir=tmp_path)
    assert extension.find_stale_tutorial(app) == ["docs/tutorial"]
    page = tmp_path / "docs" / "tutorial.doctree"
    page.parent.mkdir()
    page.touch()
    assert extension.find_stale_tutorial(app) == []
    os.utime(page, (0, 0))
    assert extension.find_stale_tutorial(app) == ["docs/tutorial"]

    monkeypatch.setattr(extension.notebook, "executed", str.upper)
    source = ["x"]
    extension.execute_tutorial(app, "docs/index", source)
    assert source == ["x"]
    extension.execute_tutorial(app, "docs/tutorial", source)
    assert source == ["X"]


needs_sphinx = pytest.mark.skipif(
    importlib.util.find_spec("furo") is None, reason="needs requirements/docs.txt"
)


@needs_sphinx
def test_a_failed_command_stops_the_execution():
    start = "import os; os.environ['SHELLOPTS'] = 'pipefail'"
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
              "source": source} for source in (start, "%%bash\nfalse | tail -n 1")]  # fmt: skip
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    with pytest.raises(Exception, match="CalledProcessError"):
        executed(json.dumps(notebook))


@pytest.mark.slow
@needs_sphinx
def test_stored_outputs_of_the_tutorial_are_those_of_the_current_code():
    """About a minute of CPU time."""

    def texts(cell):  # numbers depend on the machine
        texts = ["".join(output.get("text", ["image"])) for output in cell["outputs"]]
        return [re.sub(r"\s+", " ", re.sub(r"-?\d+(\.\d+)?", "#", text)) for text in texts]

    fresh = code_cells(executed(STORED))
    for stored, cell in zip(code_cells(STORED), fresh, strict=True):
        assert texts(stored) == texts(cell), (
            f"{stored['source']}: run python -m tools.site.notebook"
        )


@pytest.mark.slow
@needs_sphinx
def test_site_is_built_without_warnings_and_requests(tmp_path):
    """Three minutes of CPU time, of which the tutorial takes one."""
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q"]
    command += ["-c", "docs", "-d", str(tmp_path / "doctrees"), ".", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    loads = re.compile(r'(?:<script[^>]*src|<link[^>]*href|<img[^>]*src)="(https?:[^"]*)"')
    for page in (tmp_path / "site").rglob("*.html"):
        assert not loads.findall(page.read_text(encoding="utf-8")), page
