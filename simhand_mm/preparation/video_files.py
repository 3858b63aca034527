"""Video files of a folder, and the ids that they have in a pool."""

import logging
import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simhand_mm.pool.parts import SourceFile

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = (
    *(".264", ".265", ".3g2", ".3gp", ".apng", ".asf", ".avc", ".avi", ".divx", ".dv", ".f4v"),
    *(".flv", ".gif", ".h264", ".h265", ".hevc", ".insv", ".ivf", ".lrv", ".m1v", ".m2ts", ".m2v"),
    *(".m4v", ".mkv", ".mod", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".obu"),
    *(".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".tod", ".ts", ".vob", ".webm", ".wmv", ".wtv"),
)
# Videos that mimetypes does not know, and that no free decoder reads.
_UNREAD_SUFFIXES = (".ari", ".arx", ".bik", ".braw", ".crm", ".m3u8", ".mpd", ".r3d", ".swf")
_NUM_NAMED = 5


@dataclass(frozen=True)
class Video:
    """A video file and the id that it has in the pool.

    Attributes:
        video_id: Path relative to the folder of videos, without the suffix, parts joined by '/'.
        path: The file.
        source_file: Identity of the file, to see whether it changed.
    """

    video_id: str
    path: Path
    source_file: SourceFile = field(default_factory=SourceFile)


def find_videos(videos_dir: str | Path, recorded: Mapping[str, str] | None = None) -> list[Video]:
    """All video files below a folder, by suffix, in the order of their ids.

    Linked folders are followed, except back into themselves. A file that is recorded keeps its id,
    whatever files came later. Of other files that differ in the suffix only, an ``.mp4`` has the
    short id, or else the first in alphabetical order; the others keep their suffix in it.

    Args:
        videos_dir: The folder.
        recorded: Of a pool that is continued, the name below ``videos_dir`` of each video id's
            file.

    Raises:
        FileNotFoundError: If the folder does not exist or holds no video file.
    """
    root = Path(videos_dir)
    if not root.is_dir():
        raise FileNotFoundError(
            f"videos_dir must be a folder, but {root} is not. Correct the path."
        )
    videos: dict[str, tuple[Path, os.stat_result | None]] = {}
    others = []
    for path, state in _files_below(root):
        suffix, name = path.suffix.lower(), _to_text(path.relative_to(root))
        if suffix in VIDEO_SUFFIXES:
            videos[name] = (path, state)
        elif suffix in _UNREAD_SUFFIXES or (mimetypes.guess_type(path)[0] or "")[:6] == "video/":
            others.append(name)
    if others:
        logger.warning("left alone, because they cannot be read: %s", _some(others))
    if not videos:
        raise FileNotFoundError(
            f"videos_dir must hold videos ({' '.join(VIDEO_SUFFIXES)}), but {root} has "
            "none. Correct the path."
        )
    _warn_of_the_same_file({name: state for name, (_, state) in videos.items() if state})
    ids = _assign_ids(list(videos), recorded or {})
    found = [
        Video(ids[name], path, _source_file(name, state)) for name, (path, state) in videos.items()
    ]
    return sorted(found, key=lambda video: video.video_id)


def _files_below(root: Path) -> Iterator[tuple[Path, os.stat_result | None]]:
    """Files that are not hidden, with their state; None for dangling links (missing videos)."""
    unreadable: list[str] = []
    walk = os.walk(root, followlinks=True, onerror=lambda error: unreadable.append(error.filename))
    for folder, subfolders, names in walk:
        here = Path(folder)
        # The folders above a folder are those on the way to it: a link to one of them is a loop.
        above = {_identity(parent.stat()) for parent in (here, *here.parents)
                 if parent == root or root in parent.parents}  # fmt: skip
        loops = [name for name in subfolders if _identity(_state(here / name)) in above]
        if loops:
            logger.warning("not followed, because they lead back: %s", _some(loops))
        subfolders[:] = sorted(set(subfolders) - set(loops))
        for name in sorted(names):
            state = _state(here / name)
            if not name.startswith(".") and (state is None or stat.S_ISREG(state.st_mode)):
                yield here / name, state
    if unreadable:
        logger.warning("folders that cannot be read: %s", _some(list(map(str, unreadable))))


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _identity(state: os.stat_result | None) -> tuple[int, int] | None:
    return (state.st_dev, state.st_ino) if state else None


def _assign_ids(names: list[str], recorded: Mapping[str, str]) -> dict[str, str]:
    """The id of each file by its name below the folder."""
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


def _source_file(name: str, state: os.stat_result | None) -> SourceFile:
    if state is None:
        return SourceFile(name)
    return SourceFile(name, state.st_size, int(state.st_mtime))


def _warn_of_the_same_file(states: Mapping[str, os.stat_result]) -> None:
    first: dict[tuple[int, int] | None, str] = {}
    same = [f"{name} = {first[identity]}" for name, state in states.items()
            if first.setdefault(identity := _identity(state), name) != name]  # fmt: skip
    if same:
        logger.warning(
            "the same file under two names, whose hands will be paired with themselves: %s",
            _some(same),
        )


def _to_text(name: Path) -> str:
    """Text for any file name, also one that is no valid Unicode."""
    return os.fsencode(name.as_posix()).decode("utf-8", "backslashreplace")


def _some(names: list[str]) -> str:
    """The first names of a list, and how many there are."""
    named = ", ".join(sorted(names)[:_NUM_NAMED])
    return f"{named}, and {len(names) - _NUM_NAMED} more" if len(names) > _NUM_NAMED else named
