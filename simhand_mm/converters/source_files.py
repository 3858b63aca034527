"""Reading the files of labelled data sets: JSON, and which images exist."""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from simhand_mm.pool import read_json


class ImageFiles:
    """The set of existing images. Lists each folder once instead of testing each file.

    Args:
        root: Folder that paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, set[str]] = defaultdict(set)

    def __contains__(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if folder not in self._names:
            directory = self._root / folder
            self._names[folder] = set(os.listdir(directory)) if directory.is_dir() else set()
        return name in self._names[folder]


def read_source(path: Path, archive: str) -> Any:
    """Read an official JSON file.

    Args:
        path: The file.
        archive: Name of the archive that contains it, for messages.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} must exist, but does not. It is part of {archive}.")
    try:
        return read_json(path)
    except ValueError as error:
        raise ValueError(f"{error} Extract {archive} again.") from error
