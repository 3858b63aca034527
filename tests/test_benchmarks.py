"""Benchmarks of docs/performance.md: each part has its place there, and tables get to it."""

import argparse
import ast
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tools" / "benchmarks"
PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import parts
    import performance_page

    yield parts, performance_page
    for name in ("parts", "performance_page"):
        del sys.modules[name]


def names_of_parts(path):
    """Yield benchmark and part of each table that a script writes, read from its source."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [call for call in calls if ast.unparse(call.func) == "run_parts"]
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    dicts = [node.value for node in assigned if ast.unparse(node.targets[0]) == "PARTS"]
    for call, parts in zip(calls, dicts, strict=True):
        keys = parts.keys if isinstance(parts, ast.Dict) else parts.generators[0].iter.elts
        yield from ((call.args[0].value, key.value) for key in keys)


def test_each_part_has_a_place_on_the_page():
    """Otherwise ``--write`` fails after hours of measuring."""
    found = [pair for path in sorted(FOLDER.glob("*.py")) for pair in names_of_parts(path)]
    assert len(found) >= 20
    for benchmark, part in found:
        assert f"<!-- {benchmark}: {part} -->" in PAGE
        assert f"<!-- end of {benchmark}: {part} -->" in PAGE


def page(folder):
    path = folder / "page.md"
    text = "".join(f"<!-- b: {p} -->\nold {p}\n<!-- end of b: {p} -->\n" for p in ("cpu", "gpu"))
    path.write_text(text, encoding="utf-8")
    return path


def test_a_part_without_its_gpu_leaves_the_table(tmp_path, modules, monkeypatch, capsys):
    parts, _ = modules
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    def on_gpu(args):
        yield parts.gpu_name()

    args = argparse.Namespace(parts=[], write=page(tmp_path), json=tmp_path / "tables.json")
    parts.run_parts("b", {"cpu": lambda args: iter(["new"]), "gpu": on_gpu}, args)
    text = args.write.read_text(encoding="utf-8")
    assert "new" in text
    assert "old cpu" not in text
    assert "old gpu" in text
    assert json.loads(args.json.read_text(encoding="utf-8"))["b"].keys() == {"cpu"}
    assert "there is no GPU" in capsys.readouterr().out


def test_tables_of_another_machine_are_put_into_the_page(tmp_path, modules, monkeypatch):
    _, performance_page = modules
    tables = tmp_path / "tables.json"
    for part in ("gpu", "cpu"):
        performance_page.add_table(tables, "b", part, f"new {part}, 3 ÷ 2")
    arguments = ["performance_page.py", str(tables), "--write", str(page(tmp_path))]
    monkeypatch.setattr(sys, "argv", arguments)
    performance_page.main()
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "new cpu, 3 ÷ 2" in text
    assert "new gpu, 3 ÷ 2" in text
    assert "old" not in text
