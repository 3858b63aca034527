"""Writing files so that a killed program or a full disk never leaves an incomplete file; JSON.

Also hashes of files, and a file of settings that later runs must not change.
"""

import errno
import hashlib
import json
import math
import os
import shutil
import uuid
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FULL = "Free disk space and run again; finished work is kept."
_WHAT_TO_DO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: "Choose a folder on a disk that is not read-only.",
    errno.EACCES: "Choose a folder in which you have write permission.",
    errno.EPERM: "Choose a folder in which you have write permission.",
}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to ``path`` on success.

    Works for files and folders. A file replaces a file, and a folder replaces a folder. If ``path``
    is a symbolic link, what it points to is replaced. On an exception, what was written is removed,
    and ``path`` is unchanged.

    Raises:
        IsADirectoryError: If ``path`` is a folder, but a file was written.
        ValueError: If ``path`` is a device, a pipe or a socket.
        OSError: If the disk is full or read-only; the message says what to do.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        # Renaming would replace it: root would lose /dev/null, and with it the machine.
        raise ValueError(
            f"{path} must be a file or a folder, but is a device, a pipe or a socket. Choose "
            "another name."
        )
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    with explaining_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _flush(temporary)
            if path.is_dir() and not temporary.is_dir():
                raise IsADirectoryError(
                    f"{path} must be a file, but is a folder. Choose another name."
                )
            if path.is_dir():
                shutil.rmtree(path)
            os.replace(temporary, path)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary)
            else:
                temporary.unlink(missing_ok=True)


def check_not_an_input(output: Path, *inputs: Path) -> None:
    """Refuse to write a result over what it is made from.

    Raises:
        ValueError: If the output is one of the inputs, perhaps by another name.
    """
    if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
        raise ValueError(
            f"OUTPUT must differ from the input, but both are {output}, which would be lost. "
            "Choose another name."
        )


@contextmanager
def explaining_damage(path: str | Path, what_to_do: str) -> Iterator[None]:
    """Name the file and what to do in errors of a reader: a file is cut off, or of another kind.

    Args:
        path: The file that is read.
        what_to_do: Advice, a sentence.

    Raises:
        ValueError: In place of the reader's error. Errors of the disk stay as they are.
    """
    try:
        yield
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = (str(error) or type(error).__name__).partition("\n")[0].rstrip(".")
        raise ValueError(
            f"{path} must be a complete file of its kind, but reading it gives: {reason}. "
            f"{what_to_do}"
        ) from error


@contextmanager
def explaining_disk_errors(path: Path) -> Iterator[None]:
    """Add the path and what to do to errors of full or read-only disks."""
    try:
        yield
    except OSError as error:
        if error.errno not in _WHAT_TO_DO or "cannot be written" in str(error):
            raise
        reason, what_to_do = os.strerror(error.errno), _WHAT_TO_DO[error.errno]
        raise OSError(error.errno, f"{path} cannot be written ({reason}). {what_to_do}") from error


def _flush(path: Path) -> None:
    """Flush a file, or the files in a folder, to disk.

    Otherwise a renamed file could be empty after a power failure; and some disks (NFS, quotas)
    only report now that they are full.
    """
    for file in path.rglob("*") if path.is_dir() else [path]:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())


def remove_temporaries(folder: Path) -> None:
    """Remove incomplete files that killed programs left in a folder."""
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write text as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: If it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} must be JSON, but reading it gives: {error}.") from error


def write_json(path: str | Path, content: Any, sort_keys: bool = False) -> None:
    """Write JSON atomically; NaN becomes null, which is valid JSON.

    Args:
        path: File to write.
        content: What ``json.dumps`` accepts.
        sort_keys: Sort the keys of each object.
    """
    content = _nan_to_none(content)
    text = json.dumps(content, indent=1, sort_keys=sort_keys, allow_nan=False)
    write_text(path, text + "\n")


def keep_settings(
    path: Path, settings: dict[str, Any], may_differ: Collection[str] = ()
) -> dict[str, Any]:
    """Write the settings of the first run, and refuse others: results would be mixed.

    Args:
        path: JSON file of the settings, in the folder of the results.
        settings: Settings of this run, JSON-like.
        may_differ: Settings that do not change results.

    Returns:
        The settings of the first run.

    Raises:
        ValueError: If the folder was started with other settings.
    """
    if not path.is_file():
        write_json(path, settings, sort_keys=True)
        return settings
    before = read_json(path)
    changed = {
        key: (before.get(key), settings.get(key))
        for key in sorted((before.keys() | settings.keys()) - set(may_differ))
        if before.get(key) != settings.get(key)
    }
    if changed:
        raise ValueError(
            f"settings must be those with which {path.parent} was started, but these differ "
            f"(before, now): {changed}. Use another output folder, or the old settings."
        )
    return before


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        FileNotFoundError: If it is not a file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} must be a file, but it is not. Correct the path.")
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _nan_to_none(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _nan_to_none(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_nan_to_none(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content
