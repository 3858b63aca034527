"""Video files of a folder, and their ids in a pool."""

import logging
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from simhand_mm.pool.video_statuses import SourceFile
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.input_files import (
    InputFile,
    files_below,
    first_of,
    warn_of_the_same_file,
)
from simhand_mm.preparation.videos import sample_frames

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = (
    ".264", ".265", ".3g2", ".3gp", ".apng", ".asf", ".avc", ".avi", ".divx", ".dv", ".f4v",
    ".flv", ".gif", ".h264", ".h265", ".hevc", ".insv", ".ivf", ".lrv", ".m1v", ".m2ts", ".m2v",
    ".m4v", ".mkv", ".mod", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".obu",
    ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".tod", ".ts", ".vob", ".webm", ".wmv", ".wtv",
)  # fmt: skip
# Video formats that mimetypes does not know and no free decoder reads.
_UNREAD_SUFFIXES = (".ari", ".arx", ".bik", ".braw", ".crm", ".m3u8", ".mpd", ".r3d", ".swf")


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
            f"videos_dir must contain videos ({' '.join(VIDEO_SUFFIXES)}), but {videos_dir} has "
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
        logger.warning("left alone, because they cannot be read: %s", first_of(unread))


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
