"""Virtual environments of strangers: all packages of this one, but not the clone."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def make_environment(folder: Path) -> Path:
    """A venv whose interpreter sees the installed packages and nothing that is installed editable.

    Args:
        folder: To be created.

    Returns:
        Its interpreter.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site_packages = next(folder.glob("lib/python*/site-packages"))
    # A path that a .pth file adds is searched, but .pth files in it (the clone's) are not read.
    (site_packages / "packages.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin" / "python"


def stranger(folder: Path) -> dict[str, str]:
    """The environment variables of somebody in ``folder`` who knows nothing of the clone."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "SIMHAND_DATA")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"HOME": str(folder), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
