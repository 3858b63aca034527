"""The documentation site: its generated pages, and the whole build."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simhand_mm.cli import COMMANDS, find_file
from tests.command_lines import options_of
from tools.site import commands, configs, modules
from tools.site.markdown import escaped, table

ROOT = Path(__file__).parents[1]


def test_plain_text_is_escaped_except_for_code():
    assert escaped("a <b> *c* `d<e>` ``f*`` [g]") == r"a \<b> \*c\* `d<e>` `f*` \[g\]"
    assert escaped("run it with --shard 0/2") == "run it with `--shard` 0/2"
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


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


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("furo") is None, reason="needs requirements/docs.txt")
def test_site_is_built_without_warnings_and_requests(tmp_path):
    """One to two minutes of CPU time."""
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q"]
    command += ["-c", "docs", "-d", str(tmp_path / "doctrees"), ".", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    loads = re.compile(r'(?:<script[^>]*src|<link[^>]*href|<img[^>]*src)="(https?:[^"]*)"')
    for page in (tmp_path / "site").rglob("*.html"):
        assert not loads.findall(page.read_text(encoding="utf-8")), page
