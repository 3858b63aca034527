"""Writing files so that a killed program never leaves half of one behind."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to ``path`` on success.

    Works for files and folders. An existing file is replaced; on an exception what was written is
    removed and ``path`` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def remove_temporaries(folder: Path) -> None:
    """Remove what killed programs left half-written in a folder."""
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def resolve_inside(root: str | Path, relative: str) -> Path:
    """Path of a data file below ``root``.

    Raises:
        ValueError: If ``relative`` is absolute or leaves ``root`` (data files must not reach out).
    """
    root = Path(root).resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise ValueError(
            f"relative must stay below {root}, but got {relative!r}. Correct the path in the "
            "annotation file."
        )
    return path
