"""Video files of a folder, and their ids in a pool."""

import logging
import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from simhand_mm.pool.video_statuses import SourceFile
from simhand_mm.preparation.archives import Member
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.videos import sample_frames

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = (
    *(".264", ".265", ".3g2", ".3gp", ".apng", ".asf", ".avc", ".avi", ".divx", ".dv", ".f4v"),
    *(".flv", ".gif", ".h264", ".h265", ".hevc", ".insv", ".ivf", ".lrv", ".m1v", ".m2ts", ".m2v"),
    *(".m4v", ".mkv", ".mod", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".obu"),
    *(".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".tod", ".ts", ".vob", ".webm", ".wmv", ".wtv"),
)
# Video formats that mimetypes does not know and no free decoder reads.
_UNREAD_SUFFIXES = (".ari", ".arx", ".bik", ".braw", ".crm", ".m3u8", ".mpd", ".r3d", ".swf")
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


@dataclass(frozen=True)
class Video:
    """A video file and the id that it has in the pool.

    Attributes:
        video_id: Path relative to the folder of videos, without the suffix, parts joined by '/'.
        path: The file.
        source_file: Identity of the file, to detect changes.
        columns: Values of extra columns of the pool, and its source if that is known.
    """

    video_id: str
    path: Path
    source_file: SourceFile = field(default_factory=SourceFile)
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name for messages."""
        return str(self.path)

    def frames(self, fps: float, only: frozenset[int] | None, num_threads: int) -> Iterator[Frame]:
        """Frames as of :func:`~simhand_mm.preparation.videos.sample_frames`, with the columns."""
        for frame in sample_frames(self.path, fps, only, num_threads):
            yield replace(frame, columns=self.columns)


def find_videos(videos_dir: str | Path, recorded: Mapping[str, str] | None = None) -> list[Video]:
    """Find all video files in a folder by suffix, sorted by id.

    Links to folders are followed, except loops. A recorded file keeps its id, whatever files are
    added later. Of other files that differ only in the suffix, an ``.mp4`` gets the short id, or
    else the first in alphabetical order; the ids of the others include the suffix.

    Args:
        videos_dir: The folder.
        recorded: Of a pool that is continued, the name below ``videos_dir`` of each video id's
            file.

    Raises:
        FileNotFoundError: If the folder does not exist or holds no video file.
    """
    files = list(files_below(videos_dir))
    warn_of_unread(files)
    videos = [file for file in files if file.suffix in VIDEO_SUFFIXES]
    if not videos:
        raise FileNotFoundError(
            f"videos_dir must hold videos ({' '.join(VIDEO_SUFFIXES)}), but {videos_dir} has "
            "none. Correct the path."
        )
    warn_of_the_same_file(videos)
    return to_videos(videos, recorded)


def to_videos(files: Sequence[InputFile], recorded: Mapping[str, str] | None = None) -> list[Video]:
    """Video files with their ids, in the order of the ids; see :func:`find_videos`."""
    ids = _assign_ids([file.name for file in files], recorded or {})
    found = [
        Video(ids[f.name], f.path, _source_file(f), f.columns)
        for f in files
        if isinstance(f.path, Path)
    ]
    return sorted(found, key=lambda video: video.video_id)


def warn_of_unread(files: Sequence[InputFile], suffixes: Sequence[str] = ()) -> None:
    """Warn of videos that no free decoder reads, and of files with the given suffixes."""
    unread = [
        file.name
        for file in files
        if file.suffix in (*_UNREAD_SUFFIXES, *suffixes)
        or (
            file.suffix not in VIDEO_SUFFIXES
            and (mimetypes.guess_type(file.name)[0] or "")[:6] == "video/"
        )
    ]
    if unread:
        logger.warning("left alone, because they cannot be read: %s", some(unread))


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
            logger.warning("not followed, because they lead back: %s", some(loops))
        subfolders[:] = sorted(set(subfolders) - set(loops))
        for name in sorted(names):
            path, state = here / name, _state(here / name)
            if not name.startswith(".") and (state is None or stat.S_ISREG(state.st_mode)):
                yield InputFile(_to_text(path.relative_to(root)), path, _to_file_state(state))
    if unreadable:
        logger.warning("folders that cannot be read: %s", some(list(map(str, unreadable))))


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


def _assign_ids(names: list[str], recorded: Mapping[str, str]) -> dict[str, str]:
    """Return the id of each file by its relative path."""
    ids = {name: video_id for video_id, name in recorded.items() if name in set(names)}
    taken = set(ids.values())
    new = (name for name in names if name not in ids)
    for name in sorted(new, key=lambda name: (not name.lower().endswith(".mp4"), name)):
        candidates = (name[: name.rindex(".")], name)
        number = 2
        while not (free := [each for each in candidates if each not in taken]):
            candidates = (f"{name}#{number}",)  # e.g. 'a.mp4' of 'a.mp4.avi', next to an 'a.mp4'
            number += 1
        ids[name] = free[0]
        taken.add(free[0])
    return ids


def _source_file(file: InputFile) -> SourceFile:
    if file.state is None:
        return SourceFile(file.name)
    return SourceFile(file.name, file.state.num_bytes, file.state.modified_s)


def warn_of_the_same_file(files: Sequence[InputFile]) -> None:
    """Warn of files that appear under two names."""
    first: dict[tuple[int, ...], str] = {}
    same = [f"{file.name} = {first[file.state.identity]}" for file in files
            if file.state
            and first.setdefault(file.state.identity, file.name) != file.name]  # fmt: skip
    if same:
        logger.warning(
            "the same file under two names, whose hands will be paired with themselves: %s",
            some(same),
        )


def _to_text(name: Path) -> str:
    """Return text for any file name, even if it is not valid Unicode."""
    return os.fsencode(name.as_posix()).decode("utf-8", "backslashreplace")


def some(names: list[str]) -> str:
    """List the first names and the number of the others."""
    named = ", ".join(sorted(names)[:_NUM_NAMED])
    return f"{named}, and {len(names) - _NUM_NAMED} more" if len(names) > _NUM_NAMED else named
