"""Files of arrays: ``.npy``, ``.npz`` with a header, and ``.pth``.

Equal content gives equal bytes. Reading ``.npy`` and ``.npz`` executes nothing.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.pool.files import atomic_path, explaining_damage

_ADVICE = "Write it again with the command that created it."


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write a ``.npy`` file, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)


def write_arrays(path: str | Path, header: dict[str, Any], **arrays: np.ndarray) -> None:
    """Write a ``.npz`` file, atomically.

    Args:
        path: The file.
        header: What the arrays are, JSON-like.
        **arrays: The arrays.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays, header=np.array(json.dumps(header, sort_keys=True)))


def read_header(path: str | Path) -> dict[str, Any]:
    """Read the header of a ``.npz`` file; the arrays are not loaded.

    Raises:
        ValueError: If it is damaged.
    """
    with explaining_damage(path, _ADVICE), np.load(path, allow_pickle=False) as archive:
        return json.loads(str(archive["header"]))


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of a ``.npz`` file.

    Raises:
        ValueError: If it is damaged.
    """
    with explaining_damage(path, _ADVICE), np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if name != "header"}


def write_checkpoint(path: str | Path, content: dict[str, Any]) -> None:
    """Write a ``.pth`` file with ``torch.save``, atomically."""
    import torch

    # To an open file: torch.save would store the name of the temporary file.
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        torch.save(content, file)
