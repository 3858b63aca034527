"""The command ``simhand``, which runs the files of ``tools/`` wherever the package is installed.

``simhand mine POOL --ranks 1,2,3`` runs ``python tools/mine_pairs.py POOL --ranks 1,2,3``.
"""

import ast
import difflib
import inspect
import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from simhand_mm.failures import messages_instead_of_tracebacks

Result = TypeVar("Result")

# The file in tools/ of each command, by stage.
STAGES = {
    "data": {
        "synthesize": "synthesize_hands.py",
        "convert": "convert_dataset.py",
        "convert-boxes": "convert_boxes.py",
    },
    "hand pools": {
        "prepare": "prepare_pool.py",
        "import-hand100m": "import_hand100m.py",
        "subset": "subset_pool.py",
        "browse-pool": "browse_pool.py",
        "explore": "explore_pool.py",
        "export-pool": "export_pool.py",
    },
    "pairs": {
        "mine": "mine_pairs.py",
        "check-pairs": "check_pairs.py",
        "browse-pairs": "browse_pairs.py",
        "find-duplicates": "find_duplicates.py",
    },
    "training and backbones": {
        "train": "train.py",
        "dist-train": "dist_train.sh",
        "slurm-train": "slurm_train.sh",
        "import-backbone": "import_backbone.py",
        "export": "export_backbone.py",
        "probe": "probe_features.py",
    },
    "3D hand poses": {
        "test": "test.py",
        "dist-test": "dist_test.sh",
        "evaluate": "evaluate_predictions.py",
        "predict": "predict_poses.py",
        "compare": "compare_predictions.py",
        "demo": "demo.py",
        "lift": "lift.py",
        "pseudo-label": "pseudo_label.py",
        "adapt": "adapt.py",
        "train-lifter": "train_lifter.py",
        "export-onnx": "export_onnx.py",
        "report": "report.py",
    },
    "experiments": {
        "reproduce": "reproduce.py",
    },
    "this machine": {
        "doctor": "doctor.py",
    },
}
COMMANDS = {command: tool for tools in STAGES.values() for command, tool in tools.items()}


def find_file(name: str) -> Path:
    """Find a file of ``tools/`` or ``configs/`` in the wheel (``.mim``) or in the clone.

    Args:
        name: Path relative to the repository, e.g. ``tools/train.py``.

    Raises:
        FileNotFoundError: If it is in neither.
    """
    package = Path(__file__).parent
    for root in (package / ".mim", package.parent):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(
        f"{name} must be a file in the working folder or in the package ({package.parent}), but "
        "is in neither. Correct the path."
    )


def find_config(argument: str) -> str:
    """Map ``configs/...`` to the package's file if the working folder has no such file."""
    if argument.startswith("configs/") and not Path(argument).exists():
        return str(find_file(argument))
    return argument


def program_name() -> str:
    """Return ``simhand x`` for the running tool, or its path if it is not a command."""
    tool = Path(sys.argv[0])
    names = [f"simhand {command}" for command, file in COMMANDS.items() if file == tool.name]
    return names[0] if names else str(tool)


def use_utf8() -> None:
    """Restart in Python's UTF-8 mode if the locale has another encoding.

    Otherwise some libraries cannot open files whose names have characters outside the locale's
    encoding, and such names cannot be printed.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def run(function: Callable[..., Result], description: str | None) -> Result:
    """Call a function with the arguments of the command line. The ``__main__`` of every tool.

    Positional-only parameters become positional arguments; other parameters, and the fields of
    dataclasses among them, become options. Types, defaults and help are taken from signatures and
    docstrings, so that an option is written once (see also :mod:`simhand_mm.options`).

    Args:
        function: The tool's ``main``, or a function of the stage.
        description: Docstring of the tool.

    Returns:
        The result of the function. Exits with code 2 if the command line is wrong, and with 1 if
        the run fails.
    """
    import tyro  # not at the top: importing this module must be fast
    from tyro import conf, constructors

    from simhand_mm.options import without_none

    style = (
        conf.OmitArgPrefixes,  # --fps, not --settings.fps
        conf.FlagCreatePairsOff,  # --balance without --no-balance
        conf.SuppressFixed,
        conf.DisallowNone,  # None cannot be typed: leave the option out
        conf.PositionalMetavarFromFieldName,
    )
    # tyro joins the lines in the help of dataclass fields, but not in that of arguments.
    function.__doc__ = re.sub(r"\n {8}(?=\S)", " ", inspect.getdoc(function) or "")
    registry = constructors.ConstructorRegistry()
    registry.primitive_rule(without_none)
    use_utf8()
    with messages_instead_of_tracebacks(program_name()):
        return tyro.cli(
            function,
            prog=program_name(),
            description=description,
            config=style,
            registry=registry,
        )


def summary_of(tool: Path) -> str:
    """Return the first line of a tool's docstring, or of a shell script's comment."""
    if tool.suffix == ".sh":
        text = tool.read_text(encoding="utf-8").splitlines()[1].removeprefix("# ")
    else:
        text = ast.get_docstring(ast.parse(tool.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].rstrip(".:")


def overview() -> str:
    """Return the text of ``simhand --help``: the commands by stage, each with a line of help."""
    lines = ["usage: simhand COMMAND [ARGUMENTS...]", ""]
    lines += [
        "simhand COMMAND --help shows the arguments. A command that fails prints a message; set",
        "the environment variable SIMHAND_TRACEBACK=1 to see the traceback, too.",
    ]
    for stage, tools in STAGES.items():
        lines += ["", f"{stage}:"]
        lines += [f"  {name:<16} {summary_of(find_file(f'tools/{tools[name]}'))}" for name in tools]
    return "\n".join(lines)


def main() -> None:
    """Run a tool. Configs that are not in the working folder are taken from the package."""
    use_utf8()
    command = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if command in ("-h", "--help"):
        print(overview())
        return
    if command not in COMMANDS:
        close = difflib.get_close_matches(command, COMMANDS)
        names = ", ".join(close or COMMANDS)
        print(
            f"simhand: COMMAND must be one that simhand --help lists, but got {command!r}. "
            f"{'Did you mean' if close else 'They are'}: {names}",
            file=sys.stderr,
        )
        sys.exit(2)
    tool = find_file(f"tools/{COMMANDS[command]}")
    arguments = sys.argv[2:]
    sys.argv = [str(tool), *arguments]
    with messages_instead_of_tracebacks(program_name()):
        sys.argv[1:] = arguments = [find_config(argument) for argument in arguments]
        if tool.suffix == ".sh":
            os.environ.setdefault("PYTHON", sys.executable)
            os.execvp("bash", ["bash", str(tool), *arguments])
        runpy.run_path(str(tool), run_name="__main__")
