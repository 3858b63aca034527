"""All commands: help for each option, consistent names, and no traceback for user errors."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from simhand_mm import cli
from simhand_mm.failures import messages_instead_of_tracebacks
from simhand_mm.functional.pose_distances import normalize_poses
from simhand_mm.pool import write_json
from simhand_mm.runner_options import read_config, runner_parser, text_option
from tests.command_lines import ROOT, help_of, numeric_option_of, options_of

TOOLS = {name: f"tools/{tool}" for name, tool in cli.COMMANDS.items() if tool.endswith(".py")}

# Arguments of each command in which a file or folder does not exist or has the wrong content.
MISTAKES = {
    "synthesize": ["garbage"],
    "convert": ["freihand nowhere", "dexycb garbage", "assemblyhands nowhere"],
    "convert-boxes": ["coco nowhere out.parquet", "coco garbage out.parquet"],
    "prepare": ["nowhere pool", "garbage pool", "empty pool", "videos garbage"],
    "import-hand100m": ["nowhere pool nowhere.json", "empty pool garbage"],
    "subset": ["nowhere output", "garbage output"],
    "browse-pool": ["nowhere", "garbage"],
    "explore": ["nowhere", "garbage"],
    "mine": ["nowhere", "garbage"],
    "check-pairs": ["nowhere nowhere", "garbage garbage"],
    "browse-pairs": ["nowhere", "garbage"],
    "find-duplicates": ["nowhere", "garbage"],
    "train": ["nowhere.py", "configs/nowhere.py", "garbage", "broken.py", "lacking.py"],
    "import-backbone": ["nowhere out.pth", "garbage out.pth"],
    "export-pool": ["nowhere out --to coco", "garbage out --to webdataset"],
    "probe": ["nowhere garbage --label x", "garbage garbage --label x"],
    "export": ["nowhere out.pth --to timm", "garbage out.pth --to timm"],
    "test": ["nowhere.py nowhere.pth", "broken.py garbage", "lacking.py garbage"],
    "evaluate": ["nowhere nowhere", "garbage garbage"],
    "adapt": ["nowhere out", "garbage out"],
    "predict": ["nowhere out.parquet", "garbage out.parquet"],
    "compare": ["nowhere a=nowhere", "garbage a=garbage"],
    "demo": ["nowhere.png", "garbage", "", "empty --camera", "garbage --checkpoint nowhere.pth"],
    "export-onnx": ["nowhere.py nowhere.pth out.onnx", "broken.py garbage out.onnx"],
    "lift": ["nowhere out.parquet", "garbage out.parquet", "empty out.parquet"],
    "pseudo-label": ["nowhere out", "garbage out"],
    "train-lifter": ["nowhere out.pth", "garbage out.pth"],
    "report": ["nowhere", "garbage"],
    "doctor": ["--device nowhere", "--device cuda:99"],
    "reproduce": ["nowhere", "garbage", "broken.py", "synthhands nowhere"],
}


def run_here(monkeypatch, capsys, *arguments):
    """Run a command in this process; return exit code and messages."""
    monkeypatch.setattr(sys, "argv", ["simhand", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, capsys.readouterr().err


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with files of wrong content."""
    (tmp_path / "garbage").write_bytes(b"\0garbage\xff" * 40)
    (tmp_path / "broken.py").write_text("model = dict(\n")
    (tmp_path / "lacking.py").write_text("x = 1\n")
    for name in ("empty", "videos"):
        (tmp_path / name).mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", TOOLS)
def test_every_option_has_help(command):
    options = options_of(TOOLS[command])
    assert "--help" in options
    assert [name for name, text in options.items() if not text] == []
    assert f"usage: simhand {command} " in help_of(TOOLS[command])
    assert "None" not in help_of(TOOLS[command]), "None cannot be typed"


@pytest.mark.parametrize("command", sorted(cli.COMMANDS.keys() - TOOLS.keys()))
def test_shell_commands_have_help(command):
    script = cli.find_file(f"tools/{cli.COMMANDS[command]}")
    helped = subprocess.run(["bash", script, "--help"], capture_output=True, text=True)
    assert helped.returncode == 0 and f"simhand {command} " in helped.stdout
    wrong = subprocess.run(["bash", script], capture_output=True, text=True)
    assert wrong.returncode == 2 and wrong.stderr == helped.stdout


@pytest.mark.parametrize("command", TOOLS)
def test_names_of_arguments_are_consistent(command):
    """The names are listed in CONTRIBUTING.md."""
    options = set(options_of(TOOLS[command]))
    for wrong in ("pool-dir", "output-dir", "output", "out-dir", "target", "pool", "out-file"):
        assert not options & {f"--{wrong}", f"--{wrong}".replace("-", "_")}, wrong
    assert not options & {"POOL-DIR", "OUTPUT-DIR", "OUT", "TARGET", "VIDEOS-DIR"}
    assert ("--out" in options) == ("-o" in options)
    assert not {"--out", "OUTPUT"} <= options


@pytest.mark.parametrize("command", TOOLS)
def test_wrong_command_lines_exit_with_2(command, monkeypatch, capsys, folder):
    lines = [[*MISTAKES[command][0].split(), "--no-such-option"]]
    if option := numeric_option_of(TOOLS[command]):
        lines.append([*MISTAKES[command][0].split(), option, "many"])
    for arguments in lines:
        code, error = run_here(monkeypatch, capsys, command, *arguments)
        assert code == 2
        assert f"simhand {command}" in error and "Traceback" not in error
        assert arguments[-1] in error or arguments[-2] in error


# Command lines with a file to write whose suffix is not that of its content.
WRONG_SUFFIXES = [
    "lift nowhere out.json",
    "predict nowhere out.csv",
    "convert-boxes csv nowhere out.csv",
    "export nowhere out.onnx --to timm",
    "import-backbone nowhere out.safetensors",
    "train-lifter nowhere out",
    "export-onnx nowhere.py nowhere.pth out.pth",
    "browse-pool nowhere -o out.json",
    "browse-pairs nowhere -o out.png",
    "compare nowhere a=nowhere -o out.pdf",
    "report nowhere -o out",
    "probe nowhere --label x -o out.json",
    "evaluate nowhere nowhere -o out.txt",
    "check-pairs nowhere nowhere -o out.html",
    "find-duplicates nowhere -o out.parquet",
    "explore nowhere -o out.txt",
]


@pytest.mark.parametrize("line", WRONG_SUFFIXES)
def test_files_to_write_are_named_as_what_they_contain(line, monkeypatch, capsys, folder):
    code, error = run_here(monkeypatch, capsys, *line.split())
    assert code == 2
    assert "the file to write must end in ." in " ".join(error.split())


@pytest.mark.parametrize(
    "line",
    [
        "lift garbage.parquet garbage.parquet",
        "predict garbage.parquet garbage.parquet",
        "convert-boxes csv garbage.parquet garbage.parquet",
        "export garbage.pth garbage.pth --to timm",
        "import-backbone garbage.pth garbage.pth",
    ],
)
def test_inputs_are_not_overwritten(line, monkeypatch, capsys, folder):
    for suffix in (".parquet", ".pth"):
        shutil.copy("garbage", f"garbage{suffix}")
    code, error = run_here(monkeypatch, capsys, *line.split())
    assert code == 1 and "OUTPUT must differ from the input" in error


@pytest.mark.parametrize(
    "command, line", [(command, line) for command in TOOLS for line in MISTAKES[command]]
)
def test_user_errors_give_a_message_without_a_traceback(command, line, monkeypatch, capsys, folder):
    code, error = run_here(monkeypatch, capsys, command, *line.split())
    assert code == 1
    message = error[error.rindex(f"simhand {command}: ") :]
    assert len(message.splitlines()) <= 3
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "option, message",
    [
        ("modle.head.alpha=1", "--cfg-options modle.head.alpha must be .* Did you mean model?"),
        ("radnomness.seed=1", "Did you mean randomness?"),
        ("xyz=1", "begins with 'xyz'. Correct the name"),
        ("layers=1", "begins with 'layers'. Override model.layers."),
        ("width=3", "is a variable of the config file, .* Override model.layers.0.width."),
        ("x=3", "Override the entries that depend on it."),
    ],
)
def test_options_that_change_nothing_are_refused(option, message, monkeypatch, capsys, folder):
    """mmengine accepts them, and the run would be another one than the user believes."""
    Path("config.py").write_text("x, width = 1, 2\nmodel = dict(layers=[dict(width=width)])\n")
    code, error = run_here(monkeypatch, capsys, "train", "config.py", "--cfg-options", option)
    assert code == 1 and re.search(message.replace("?", r"\?"), error)


def test_options_that_the_config_lacks_but_a_run_reads_are_kept(monkeypatch, folder):
    Path("config.py").write_text("model = dict(depth=1)\n")
    options = ["randomness.seed=1", "find_unused_parameters=True", "model.init_cfg.type=A"]
    args = runner_parser("train", None).parse_args(["config.py", "--cfg-options", *options])
    cfg = read_config(args)
    assert (cfg.randomness.seed, cfg.find_unused_parameters) == (1, True)
    assert cfg.model.to_dict() == {"depth": 1, "init_cfg": {"type": "A"}}


def test_options_of_configs_are_checked(monkeypatch, capsys, folder):
    code, error = run_here(monkeypatch, capsys, "train", "lacking.py", "--cfg-options", "a=1", "b")
    assert code == 2 and "--cfg-options must be KEY=VALUE, but got b" in error


class Base:
    def __init__(self, width=1):
        self.width = width


class Derived(Base):
    def __init__(self, **options):
        super().__init__(**options)


class Broken(Base):
    def __init__(self):
        super().__init__()
        self.calculate()

    def calculate(self):
        sum(x=1)


@pytest.mark.parametrize("options", [{"widht": 2}, {"width": 2, "depth": 3}])
def test_wrong_arguments_in_a_config_are_no_bug(options, capsys):
    from mmengine.registry import Registry

    registry = Registry("test_of_arguments")
    for part in (Derived, Broken):
        registry.register_module(module=part)
    with pytest.raises(SystemExit), messages_instead_of_tracebacks("simhand"):
        registry.build({"type": "Derived", **options})
    error = capsys.readouterr().err
    assert "the config must be complete and correct, but gives: Base.__init__() got an" in error
    assert list(options)[-1] in error
    with pytest.raises(TypeError), messages_instead_of_tracebacks("simhand"):
        registry.build({"type": "Broken"})


def test_a_lost_import_of_our_modules_is_explained(capsys):
    from mmengine.registry import Registry

    with pytest.raises(SystemExit), messages_instead_of_tracebacks("simhand"):
        Registry("test_of_imports").build({"type": "simhand_mm.NoSuchHead"})
    assert "keep simhand_mm.pretraining or simhand_mm.pose" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content, message",
    [
        ("import nowhere_at_all", "gives: No module named 'nowhere_at_all'. PYTHONPATH must"),
        ("from json import no_such", "gives: cannot import name 'no_such' from 'json'"),
        ("x = ", "invalid syntax in line 1 of "),
        (None, "gives: No module named 'own_parts'. PYTHONPATH must"),
    ],
)
def test_custom_imports_that_fail_are_explained(content, message, tmp_path, monkeypatch, capsys):
    (tmp_path / "config.py").write_text("custom_imports = dict(imports=['own_parts'])\n")
    if content:
        (tmp_path / "own_parts.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    code, error = run_here(monkeypatch, capsys, "train", str(tmp_path / "config.py"))
    assert code == 1 and message in error and len(error.splitlines()) == 1


def test_a_schedule_that_begins_after_the_training_is_explained(capsys):
    from mmengine.optim import CosineAnnealingLR

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    with pytest.raises(SystemExit), messages_instead_of_tracebacks("simhand"):
        CosineAnnealingLR(optimizer, T_max=5, begin=7, end=7)
    assert "param_scheduler must fit train_cfg, but gives: end should" in capsys.readouterr().err


def test_errors_of_disks_are_printed_without_their_number(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(OSError(30, "no")))
    with pytest.raises(SystemExit), messages_instead_of_tracebacks("simhand"):
        write_json(tmp_path / "a" / "b.json", {})
    assert capsys.readouterr().err.startswith(f"simhand: {tmp_path / 'a' / 'b.json'} cannot be")


def test_bugs_keep_their_traceback(monkeypatch, capsys):
    def fail(error):
        with messages_instead_of_tracebacks("simhand"):
            raise error

    for defect in (TypeError("x"), AttributeError("x"), KeyError("x"), RuntimeError("of torch")):
        with pytest.raises(type(defect)):
            fail(defect)
    with pytest.raises(RuntimeError), messages_instead_of_tracebacks("simhand"):
        # Raised by torch, although the last line of Python is ours.
        normalize_poses(torch.zeros(1, 2, 2, dtype=torch.int))
    with pytest.raises(SystemExit, match="1"):
        fail(ValueError("pool must be a folder"))
    assert "pool must be a folder" in capsys.readouterr().err
    monkeypatch.setenv("SIMHAND_TRACEBACK", "1")
    with pytest.raises(ValueError, match="pool must be a folder"):
        fail(ValueError("pool must be a folder"))


def test_ctrl_c_prints_one_line(capsys):
    with pytest.raises(SystemExit, match="130"), messages_instead_of_tracebacks("simhand"):
        raise KeyboardInterrupt
    assert capsys.readouterr().err.strip().endswith("stopped")


def test_tools_run_as_files_print_messages_too(folder, tmp_path):
    tool = [sys.executable, str(ROOT / "tools" / "browse_pool.py"), "nowhere"]
    done = subprocess.run(tool, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("simhand browse-pool: POOL must be a finished hand pool")


MESSAGES = {
    "prepare garbage pool": "garbage must be or contain videos (.264 ",
    "prepare videos pool --take images": "videos must be or contain images, but none was found",
    "prepare frames pool --group person": "group must be folder, image, or names of levels",
    "prepare frames garbage": "garbage must be a folder, but a file has this name",
    "predict empty out.parquet": "empty is a folder. Write the table with simhand convert",
    "convert json empty": "but empty contains none. Correct the path",
    "convert json nowhere": "but nowhere does not exist. Correct the path",
    "demo --camera 7": "but got --camera and a source. Name one: simhand demo 7",
}


@pytest.mark.parametrize("command, message", MESSAGES.items())
def test_messages_say_what_was_found_and_what_to_do(
    command, message, folder, tmp_path, monkeypatch, capsys
):
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "1.png"), np.zeros((8, 8, 3), np.uint8))
    code, error = run_here(monkeypatch, capsys, *command.split())
    assert code == 1 and message in error
    assert not (tmp_path / "pool").exists()


def test_overview_lists_every_command_with_a_line_of_help(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simhand", "--help"])
    cli.main()
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    assert [command for command, _ in listed] == list(cli.COMMANDS)
    assert all(len(text) > 10 for _, text in listed)
    assert [f"{stage}:" in lines for stage in cli.STAGES] == [True] * len(cli.STAGES)


def test_help_is_fast_and_loads_no_framework():
    """Measured in CPU time, because wall time on a shared machine varies."""
    code = """
import sys, time
from simhand_mm import cli
def show(*arguments):
    sys.argv = ["simhand", *arguments]
    try:
        cli.main()
    except SystemExit:
        pass
show("--help")
overview = time.process_time()
for command in COMMANDS:
    show(command, "--help")
loaded = sorted({"torch", "mmpose", "mmpretrain", "mmdet", "mediapipe"} & set(sys.modules))
print(overview, time.process_time(), loaded)
"""
    code = f"COMMANDS = {list(TOOLS)}\n{code}"
    done = subprocess.check_output([sys.executable, "-c", code], text=True)
    overview, every, loaded = done.splitlines()[-1].split(maxsplit=2)
    assert float(overview) < 0.5
    assert float(every) < 10.0
    assert loaded == "[]"


@pytest.mark.parametrize(
    "text", ["/a/my 'videos', 2", "(a,b", '"quoted"', "12", "None", "/a/b.pth"]
)
def test_texts_of_options_are_kept(text):
    option = text_option("model.init_cfg.checkpoint", text)
    args = runner_parser("train", None).parse_args(["config.py", "--cfg-options", option, "a=1,2"])
    assert args.cfg_options == {"model.init_cfg.checkpoint": text, "a": [1, 2]}
