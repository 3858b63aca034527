"""The command ``simhand``: the tools of the repository, from wherever the package is installed.

``simhand mine POOL --ranks 1,2,3`` is ``python tools/mine_pairs.py POOL --ranks 1,2,3``.
"""

import runpy
import sys
from pathlib import Path

COMMANDS = {
    "synthesize": "synthesize_hands.py",
    "prepare": "prepare_pool.py",
    "mine": "mine_pairs.py",
    "browse-pool": "browse_pool.py",
    "browse-pairs": "browse_pairs.py",
    "train": "train.py",
    "test": "test.py",
    "report": "report.py",
    "convert": "convert_dataset.py",
    "demo": "demo.py",
    "export": "export_backbone.py",
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


def main() -> None:
    """Run a tool; a config that is not in the working folder is taken from the package."""
    command = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if command not in COMMANDS:
        usage = "usage: simhand COMMAND [ARGUMENTS...]\n\ncommands:\n" + "\n".join(
            f"  {name:<13} tools/{tool}" for name, tool in COMMANDS.items()
        )
        if command in ("-h", "--help"):
            print(usage)
            return
        sys.exit(f"simhand: COMMAND must be one of these, but got {command!r}.\n\n{usage}")
    arguments = sys.argv[2:]
    if arguments and arguments[0].startswith("configs/") and not Path(arguments[0]).exists():
        arguments[0] = str(find_file(arguments[0]))
    tool = str(find_file(f"tools/{COMMANDS[command]}"))
    sys.argv = [tool, *arguments]
    runpy.run_path(tool, run_name="__main__")
