"""Virtual environments with the packages of this one, but without the clone."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def make_environment(folder: Path) -> Path:
    """Create a virtual environment with the installed packages, except editable ones.

    Args:
        folder: Folder to create.

    Returns:
        The interpreter.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site_packages = next(folder.glob("lib/python*/site-packages"))
    # Paths in a .pth file are searched, but .pth files in them (of the clone) are not read.
    (site_packages / "packages.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin" / "python"


def stranger(folder: Path) -> dict[str, str]:
    """Return the environment variables of a user in ``folder`` without the clone."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "SIMHAND_DATA")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"HOME": str(folder), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
