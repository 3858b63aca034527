"""The ``simhand`` command finds its tools and configs."""

import subprocess
import sys

import pytest

from simhand_mm import cli


@pytest.mark.parametrize("tool", sorted(cli.COMMANDS.values()))
def test_every_command_has_a_tool(tool):
    assert cli.find_file(f"tools/{tool}").is_file()


def test_a_command_runs_its_tool():
    done = subprocess.run(
        [sys.executable, "-c", "from simhand_mm.cli import main; main()", "browse-pool", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: browse_pool.py" in done.stdout


def test_unknown_command_lists_the_known_ones(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["simhand", "minig"])
    with pytest.raises(SystemExit, match=r"COMMAND must be one of these, but got 'minig'"):
        cli.main()


def test_wheel_files_come_before_those_of_the_clone(tmp_path, monkeypatch):
    package = tmp_path / "simhand_mm"
    (package / ".mim" / "tools").mkdir(parents=True)
    (package / ".mim" / "tools" / "train.py").touch()
    monkeypatch.setattr(cli, "__file__", str(package / "cli.py"))
    assert cli.find_file("tools/train.py").parent.parent.name == ".mim"
    with pytest.raises(FileNotFoundError, match=r"tools/test\.py must lie in"):
        cli.find_file("tools/test.py")
