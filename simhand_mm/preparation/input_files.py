"""The files of an input: their names, states and columns, and a walk through a folder."""

import logging
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simhand_mm.preparation.archives import Member

logger = logging.getLogger(__name__)

_NUM_NAMED = 5


@dataclass(frozen=True)
class FileState:
    """State of a file, to detect changes.

    Attributes:
        num_bytes: Its size.
        modified_s: Modification time in whole seconds since 1970.
        identity: Equal for two names of the same file.
    """

    num_bytes: int = -1
    modified_s: int = -1
    identity: tuple[int, ...] = ()


@dataclass(frozen=True)
class InputFile:
    """A file of the input.

    Attributes:
        name: Path relative to the input folder, parts joined by '/'.
        path: The file, or the member of an archive.
        state: Its state; None if it is missing, e.g. for a dangling link.
        columns: What a list or the names of its folders say about it, for columns of the pool.
    """

    name: str
    path: Path | Member
    state: FileState | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """In lower case, with the dot."""
        return self.path.suffix.lower()


def files_below(folder: str | Path) -> Iterator[InputFile]:
    """Yield the files in a folder that are not hidden; links to folders are followed.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(
            f"videos_dir must be a folder, but {root} is not. Correct the path."
        )
    unreadable: list[str] = []
    walk = os.walk(root, followlinks=True, onerror=lambda error: unreadable.append(error.filename))
    for subfolder, subfolders, names in walk:
        here = Path(subfolder)
        # The folders above a folder are those on the way to it: a link to one of them is a loop.
        above = {_identity(parent.stat()) for parent in (here, *here.parents)
                 if parent == root or root in parent.parents}  # fmt: skip
        loops = [name for name in subfolders if _identity(_state(here / name)) in above]
        if loops:
            logger.warning("not followed, because they lead back: %s", first_of(loops))
        subfolders[:] = sorted(set(subfolders) - set(loops))
        for name in sorted(names):
            path, state = here / name, _state(here / name)
            if not name.startswith(".") and (state is None or stat.S_ISREG(state.st_mode)):
                yield InputFile(_to_text(path.relative_to(root)), path, _to_file_state(state))
    if unreadable:
        logger.warning("folders that cannot be read: %s", first_of(list(map(str, unreadable))))


def state_of(path: Path) -> FileState | None:
    """State of a file; None if it is missing."""
    return _to_file_state(_state(path))


def _to_file_state(state: os.stat_result | None) -> FileState | None:
    if state is None:
        return None
    return FileState(state.st_size, int(state.st_mtime), (state.st_dev, state.st_ino))


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _identity(state: os.stat_result | None) -> tuple[int, int] | None:
    return (state.st_dev, state.st_ino) if state else None


def warn_of_the_same_file(files: Sequence[InputFile]) -> None:
    """Warn of files that appear under two names."""
    first: dict[tuple[int, ...], str] = {}
    same = [f"{file.name} = {first[file.state.identity]}" for file in files
            if file.state
            and first.setdefault(file.state.identity, file.name) != file.name]  # fmt: skip
    if same:
        logger.warning(
            "the same file under two names, whose hands will be paired with themselves: %s",
            first_of(same),
        )


def _to_text(name: Path) -> str:
    """Return text for any file name, even if it is not valid Unicode."""
    return os.fsencode(name.as_posix()).decode("utf-8", "backslashreplace")


def first_of(names: list[str]) -> str:
    """Name the first files for a message, and how many others there are."""
    named = ", ".join(sorted(names)[:_NUM_NAMED])
    return f"{named}, and {len(names) - _NUM_NAMED} more" if len(names) > _NUM_NAMED else named
