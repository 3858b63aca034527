"""The ``simhand`` command finds its tools and configs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simhand_mm import cli
from tests.pools import write_pool


@pytest.mark.parametrize("tool", sorted(cli.COMMANDS.values()))
def test_every_command_has_a_tool(tool):
    assert cli.find_file(f"tools/{tool}").is_file()


def test_command_runs_its_tool():
    done = subprocess.run(
        [sys.executable, "-c", "from simhand_mm.cli import main; main()", "browse-pool", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: simhand browse-pool" in done.stdout


@pytest.mark.parametrize(
    "command, advice", [("minig", "Did you mean: mine"), ("xyz", "They are: synthesize, convert, ")]
)
def test_unknown_command_lists_the_known_commands(command, advice, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simhand", command])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    error = capsys.readouterr().err
    assert f"COMMAND must be one that simhand --help lists, but got '{command}'." in error
    assert advice in error


def test_wheel_files_are_preferred_to_those_of_the_clone(tmp_path, monkeypatch):
    package = tmp_path / "simhand_mm"
    (package / ".mim" / "tools").mkdir(parents=True)
    (package / ".mim" / "tools" / "train.py").touch()
    monkeypatch.setattr(cli, "__file__", str(package / "cli.py"))
    assert cli.find_file("tools/train.py").parent.parent.name == ".mim"
    with pytest.raises(FileNotFoundError, match=r"tools/test\.py must be a file in"):
        cli.find_file("tools/test.py")


def test_configs_are_taken_from_the_package_if_the_folder_has_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "configs/_base_/models/detnet_resnet50.py"
    assert cli.find_config(name) == str(cli.find_file(name))
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert cli.find_config(name) == name
    with pytest.raises(FileNotFoundError, match=r"configs/simhand/no\.py must be a file in"):
        cli.find_config("configs/simhand/no.py")


def test_shell_tools_run_with_this_python(tmp_path):
    command = [sys.executable, "-c", "from simhand_mm.cli import main; main()", "dist-train"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "simhand dist-train CONFIG NUM_PROCESSES" in done.stderr


@pytest.mark.parametrize(
    "package, advice",
    [
        ("mmpose", "pip install --no-deps mmengine==0.10.7 mmcv-lite==2.1.0"),
        ("lmdb", 'pip install "simhand-mm[all]"'),
    ],
)
def test_a_missing_package_is_reported_with_the_command_to_install_it(
    package, advice, monkeypatch, capsys
):
    def run_tool(*_, **__):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(cli.runpy, "run_path", run_tool)
    monkeypatch.setattr(sys, "argv", ["simhand", "mine", "data/pool"])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    error = capsys.readouterr().err
    assert f"simhand mine: the package {package} is missing. Run: {advice}" in error


@pytest.mark.parametrize("program", ["simhand", "tool"])
def test_any_name_can_be_opened_and_printed_in_a_locale_without_utf8(tmp_path, program):
    """Names of the pool and of a video contain letters outside ASCII."""
    write_pool(tmp_path / "poolé", {"手": []})
    start = ["-c", "from simhand_mm.cli import main; main()", "subset"]
    if program == "tool":
        start = [str(cli.find_file("tools/subset_pool.py"))]
    done = subprocess.run(
        [sys.executable, *start, "poolé", "手"],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
             "PYTHONPATH": str(Path(cli.__file__).parents[1])},
        capture_output=True,
        encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "手: 0 of 0 hands\n"
    assert (tmp_path / "手" / "pool.json").is_file()
