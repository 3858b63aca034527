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
    assert "usage: simhand browse-pool" in done.stdout


@pytest.mark.parametrize(
    "command, advice", [("minig", "Did you mean: mine"), ("xyz", "They are: synthesize, convert, ")]
)
def test_unknown_command_names_the_known_ones(command, advice, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simhand", command])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    error = capsys.readouterr().err
    assert f"COMMAND must be one of those of simhand --help, but got '{command}'." in error
    assert advice in error


def test_wheel_files_come_before_those_of_the_clone(tmp_path, monkeypatch):
    package = tmp_path / "simhand_mm"
    (package / ".mim" / "tools").mkdir(parents=True)
    (package / ".mim" / "tools" / "train.py").touch()
    monkeypatch.setattr(cli, "__file__", str(package / "cli.py"))
    assert cli.find_file("tools/train.py").parent.parent.name == ".mim"
    with pytest.raises(FileNotFoundError, match=r"tools/test\.py must lie in"):
        cli.find_file("tools/test.py")


def test_configs_come_from_the_package_where_the_folder_has_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "configs/_base_/models/detnet_resnet50.py"
    assert cli.find_config(name) == str(cli.find_file(name))
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert cli.find_config(name) == name
    with pytest.raises(FileNotFoundError, match=r"configs/simhand/no\.py must lie in"):
        cli.find_config("configs/simhand/no.py")


def test_shell_tools_run_with_this_python(tmp_path):
    command = [sys.executable, "-c", "from simhand_mm.cli import main; main()", "dist-train"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "bash tools/dist_train.sh CONFIG NUM_PROCESSES" in done.stderr


@pytest.mark.parametrize(
    "package, advice",
    [
        ("mmpose", "pip install --no-deps mmengine==0.10.7 mmcv-lite==2.1.0"),
        ("lmdb", 'pip install "simhand-mm[all]"'),
    ],
)
def test_a_missing_package_is_named_with_what_to_type(package, advice, monkeypatch, capsys):
    def run_tool(*_, **__):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(cli.runpy, "run_path", run_tool)
    monkeypatch.setattr(sys, "argv", ["simhand", "mine", "data/pool"])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    error = capsys.readouterr().err
    assert f"simhand mine: the package {package} is missing. Run: {advice}" in error
