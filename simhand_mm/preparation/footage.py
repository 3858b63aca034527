"""What an input holds: videos, and groups of images that count as one video each.

An input is a folder, a single file, or a list of files.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Protocol

from tyro.conf import arg

from simhand_mm.pool import DropRecord
from simhand_mm.pool.parts import SourceFile
from simhand_mm.preparation.file_lists import (
    FRAME_INDEX,
    GROUP,
    LIST_SUFFIXES,
    PATH,
    TIME_S,
    read_file_list,
)
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.grouping import group_images
from simhand_mm.preparation.image_files import IMAGE_SUFFIXES, UNREAD_SUFFIXES
from simhand_mm.preparation.video_files import (
    VIDEO_SUFFIXES,
    InputFile,
    files_below,
    to_videos,
    warn_of_the_same_file,
    warn_of_unread,
)

logger = logging.getLogger(__name__)

SOURCE = "source"
_NO_NAME = "_"
_NO_COLUMN = (PATH, GROUP, FRAME_INDEX, TIME_S, SOURCE, _NO_NAME)


class Footage(Protocol):
    """A video, or images that count as one."""

    @property
    def video_id(self) -> str:
        """Its id in the pool."""
        ...

    @property
    def title(self) -> str:
        """What people know it by."""
        ...

    @property
    def source_file(self) -> SourceFile:
        """Identity of what is on disk, to see whether it changed."""
        ...

    def frames(
        self, fps: float, only: frozenset[int] | None, num_threads: int
    ) -> Iterator[Frame | DropRecord]:
        """The first frame of each interval of ``1 / fps`` seconds, or why it cannot be read.

        Raises:
            VideoError: After the last readable frame, if that is not all there should be.
        """
        ...


@dataclass(frozen=True)
class FootageSettings:
    """What is taken from the input, and which images count as one video.

    Attributes:
        take: Which files are taken: videos, images or both. By default the images of an input
            without videos, and else the videos.
        levels: Names of the levels of folders below the input, e.g. ``source/person/label``. They
            become columns of the pool, which hands are filtered and mined by; ``source`` is the
            pool's own column. A level called ``_`` does not become a column.
        group: Which images count as one video, whose hands are not paired with each other: those of
            a ``folder``, each ``image`` by itself, or those with the same values of levels or of
            columns of the list, e.g. ``person`` or ``source/person``. By default, the column of the
            list that is called ``group``, or else ``folder``.
        numbers_per_second: What one second is in the numbers of the images' names: 1 for images
            that were extracted at 1 per second and are numbered 1, 2, 3; 30 for every n-th frame
            of 30 per second with the number of the frame. By default images that follow each other
            count as ``1 / fps`` seconds apart, and none is left out.
    """

    take: Literal["auto", "videos", "images", "both"] = "auto"
    levels: Annotated[str, arg(metavar="NAME/NAME/...")] = ""
    group: Annotated[str, arg(metavar="folder|image|NAME/...")] = ""
    numbers_per_second: float | None = None

    def __post_init__(self) -> None:
        if self.numbers_per_second is not None and not self.numbers_per_second > 0:
            raise ValueError(
                f"numbers_per_second must be positive, but got {self.numbers_per_second}."
            )


@dataclass(frozen=True)
class Input:
    """The files of an input that are taken.

    Attributes:
        videos: Video files.
        images: Image files.
        columns: Names of the extra columns of the pool that it fills.
        has_groups: Whether it is a list that says which images belong together.
    """

    videos: Sequence[InputFile]
    images: Sequence[InputFile]
    columns: Sequence[str] = ()
    has_groups: bool = False


def read_input(path: Path, settings: FootageSettings) -> Input:
    """Find the files of a folder or a list, or take the single one.

    Raises:
        FileNotFoundError: If there is nothing of the kind that is wanted.
        ValueError: If the input is no folder, list, video or image.
    """
    columns = _names_of_levels(settings)
    has_groups = False
    if path.suffix.lower() in LIST_SUFFIXES and not path.is_dir():
        found = read_file_list(path)
        files: Sequence[InputFile] = found.files
        columns += [name for name in found.names if name not in columns]
        has_groups = GROUP in found.names
    elif path.is_dir():
        files = list(files_below(path))
    elif path.is_file():
        files = [InputFile(path.name, path, path.stat())]
    else:
        raise FileNotFoundError(
            f"the input must be a folder, a video, an image or a list of them, but {path} does "
            "not exist. Correct the path."
        )
    files = [_with_levels(file, settings) for file in files]
    videos = [file for file in files if file.suffix in VIDEO_SUFFIXES]
    images = [file for file in files if file.suffix in IMAGE_SUFFIXES]
    taken = Input(*_taken(path, videos, images, settings.take), columns, has_groups)
    warn_of_unread(files, UNREAD_SUFFIXES if taken.images or not taken.videos else ())
    warn_of_the_same_file([*taken.videos, *taken.images])
    return taken


def find_footage(
    source: Input,
    settings: FootageSettings,
    fps: float,
    recorded: Mapping[str, str] | None = None,
) -> list[Footage]:
    """Videos and groups of images of an input, in the order of their ids.

    Args:
        source: The files.
        settings: What counts as one video.
        fps: Frames wanted per second.
        recorded: See :func:`~simhand_mm.preparation.video_files.find_videos`.

    Raises:
        ValueError: If a group is called as a video is, or ``group`` names no column.
    """
    videos: list[Footage] = [*to_videos(source.videos, recorded)]
    group = settings.group or (GROUP if source.has_groups else "folder")
    groups = group_images(source.images, group, settings.numbers_per_second, fps)
    doubled = {video.video_id for video in videos} & {group.video_id for group in groups}
    if doubled:
        raise ValueError(
            f"videos and groups of images must have different names, but {sorted(doubled)[:3]} are "
            "both. Prepare them one after the other: --take videos, --take images."
        )
    return sorted([*videos, *groups], key=lambda each: each.video_id)


def _names_of_levels(settings: FootageSettings) -> list[str]:
    names = settings.levels.split("/") if settings.levels else []
    wrong = [name for name in names if not name or (name != _NO_NAME and names.count(name) > 1)]
    if wrong:
        raise ValueError(
            f"levels must be different names separated by '/', but got {settings.levels!r}. "
            "Write _ for a level without a name."
        )
    return names


def _with_levels(file: InputFile, settings: FootageSettings) -> InputFile:
    if not settings.levels:
        return file
    folders = PurePosixPath(file.name).parts[:-1]
    values = dict(zip(_names_of_levels(settings), folders, strict=False))
    return InputFile(file.name, file.path, file.state, {**values, **file.columns})


def _taken(
    path: Path, videos: list[InputFile], images: list[InputFile], take: str
) -> tuple[list[InputFile], list[InputFile]]:
    """The videos and images that are wanted."""
    if take == "auto":
        take = "videos" if videos else "images"
        if videos and images:
            logger.warning(
                "left alone: %d images, because there are videos too. --take images or --take both "
                "takes them.",
                len(images),
            )
    videos = videos if take in ("videos", "both") else []
    images = images if take in ("images", "both") else []
    if not videos and not images:
        wanted = {"videos": VIDEO_SUFFIXES, "images": IMAGE_SUFFIXES}
        suffixes = " ".join(wanted.get(take, (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)))
        raise FileNotFoundError(
            f"the input must hold videos or images that are taken ({suffixes}), but {path} has "
            "none. Correct the path, or --take."
        )
    return videos, images


def pool_settings(source: Input, settings: FootageSettings) -> dict[str, Any]:
    """JSON-like form for ``pool.json``; empty for plain videos, as in older pools."""
    columns = [name for name in source.columns if name not in _NO_COLUMN]
    record: dict[str, Any] = {"columns": columns} if columns else {}
    if source.images:
        record["images"] = {
            "group": settings.group or (GROUP if source.has_groups else "folder"),
            "numbers_per_second": settings.numbers_per_second,
        }
    return record
