"""The command ``simhand``: the tools of the repository, from wherever the package is installed.

``simhand mine POOL --ranks 1,2,3`` is ``python tools/mine_pairs.py POOL --ranks 1,2,3``.
"""

import os
import runpy
import sys
from pathlib import Path

COMMANDS = {
    "synthesize": "synthesize_hands.py",
    "convert-boxes": "convert_boxes.py",
    "prepare": "prepare_pool.py",
    "import-hand100m": "import_hand100m.py",
    "subset": "subset_pool.py",
    "browse-pool": "browse_pool.py",
    "mine": "mine_pairs.py",
    "check-pairs": "check_pairs.py",
    "browse-pairs": "browse_pairs.py",
    "convert": "convert_dataset.py",
    "import-backbone": "import_checkpoint.py",
    "train": "train.py",
    "dist-train": "dist_train.sh",
    "slurm-train": "slurm_train.sh",
    "export": "export_backbone.py",
    "test": "test.py",
    "dist-test": "dist_test.sh",
    "evaluate": "evaluate_predictions.py",
    "compare": "compare_predictions.py",
    "demo": "demo.py",
    "export-onnx": "export_onnx.py",
    "report": "report.py",
}
# Packages that no extra can bring (pyproject.toml says why), by the name they are imported by.
WITHOUT_REQUIREMENTS = {
    "mmengine": "mmengine==0.10.7",
    "mmcv": "mmcv-lite==2.1.0",
    "mmpretrain": "mmpretrain==1.2.0",
    "mmpose": "mmpose==1.3.2",
    "mmdet": "mmdet==3.3.0",
    "mediapipe": "mediapipe==0.10.21",
}


def find_file(name: str) -> Path:
    """A file of ``tools/`` or ``configs/``: in the wheel (``.mim``), or in the clone.

    Args:
        name: Path below the repository, e.g. ``tools/train.py``.

    Raises:
        FileNotFoundError: If neither holds it.
    """
    package = Path(__file__).parent
    for root in (package / ".mim", package.parent):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(
        f"{name} must lie in {package / '.mim'} or {package.parent}, but does not. "
        "Install the wheel again."
    )


def find_config(argument: str) -> str:
    """``configs/...`` of the package for one that the working folder lacks; else as it is."""
    if argument.startswith("configs/") and not Path(argument).exists():
        return str(find_file(argument))
    return argument


def cure_of(error: ImportError) -> str:
    """What to type when a package is missing."""
    name = (error.name or "").split(".")[0]
    if name in WITHOUT_REQUIREMENTS:
        every = " ".join(WITHOUT_REQUIREMENTS.values())
        return f"Run: pip install --no-deps {every}"
    return 'Run: pip install "simhand-mm[all]"'


def main() -> None:
    """Run a tool; a config that is not in the working folder is taken from the package."""
    command = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if command not in COMMANDS:
        usage = "usage: simhand COMMAND [ARGUMENTS...]\n\ncommands:\n" + "\n".join(
            f"  {name:<16} tools/{tool}" for name, tool in COMMANDS.items()
        )
        if command in ("-h", "--help"):
            print(usage)
            return
        sys.exit(f"simhand: COMMAND must be one of these, but got {command!r}.\n\n{usage}")
    tool = find_file(f"tools/{COMMANDS[command]}")
    arguments = [find_config(argument) for argument in sys.argv[2:]]
    if tool.suffix == ".sh":
        os.environ.setdefault("PYTHON", sys.executable)
        os.execvp("bash", ["bash", str(tool), *arguments])
    sys.argv = [str(tool), *arguments]
    try:
        runpy.run_path(str(tool), run_name="__main__")
    except ModuleNotFoundError as error:
        sys.exit(f"simhand: the package {error.name} is missing. {cure_of(error)}")
