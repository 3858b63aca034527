"""What an input holds: videos, and groups of images that count as one video each.

An input is a folder, a single file, a list of files, or archives of images.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Protocol

from tyro.conf import arg

from simhand_mm.pool import DropRecord
from simhand_mm.pool.video_statuses import SourceFile
from simhand_mm.preparation.archive_samples import DamagedArchive, read_archives
from simhand_mm.preparation.archives import ARCHIVE_SUFFIXES, COMPRESSED_SUFFIXES
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
    some,
    state_of,
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
        take: Which files are taken: videos, images, both, or the images in archives (tar, zip). By
            default the videos of an input, or else its images, or else its archives.
        levels: Names of the levels of folders below the input, e.g. ``source/person/label``. They
            become columns of the pool, which hands are filtered and mined by; ``source`` is the
            pool's own column. A level called ``_`` does not become a column.
        group: Which images count as one video, whose hands are not paired with each other: those of
            a ``folder``, each ``image`` by itself, those of an ``archive``, or those with the same
            values of levels, of columns of the list or of fields in the archive, e.g. ``person`` or
            ``source/person``. By default, the column of the list that is called ``group``, or else
            ``folder``.
        numbers_per_second: What one second is in the numbers of the images' names: 1 for images
            that were extracted at 1 per second and are numbered 1, 2, 3; 30 for every n-th frame
            of 30 per second with the number of the frame. By default images that follow each other
            count as ``1 / fps`` seconds apart, and none is dropped.
    """

    take: Literal["auto", "videos", "images", "both", "archives"] = "auto"
    levels: Annotated[str, arg(metavar="NAME/NAME/...")] = ""
    group: Annotated[str, arg(metavar="folder|image|archive|NAME/...")] = ""
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
        images: Image files, or the images in archives.
        columns: Names of the extra columns of the pool that it fills.
        has_groups: Whether it is a list that says which images belong together.
        damaged: Archives that cannot be read, or not to their end.
    """

    videos: Sequence[InputFile]
    images: Sequence[InputFile]
    columns: Sequence[str] = ()
    has_groups: bool = False
    damaged: Sequence[DamagedArchive] = ()


def read_input(path: Path, settings: FootageSettings) -> Input:
    """Find the files of a folder or a list, or take the single one.

    Raises:
        FileNotFoundError: If there is nothing of the kind that is wanted.
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
        files = [InputFile(path.name, path, state_of(path))]
    else:
        raise FileNotFoundError(
            f"the input must be a folder, a video, an image, a list of them or an archive, but "
            f"{path} does not exist. Correct the path."
        )
    archives = _archives_to_read(files, settings.take)
    contents = read_archives(archives)
    if archives:
        files = contents.files
        columns += [name for name in contents.names if name not in columns]
    files = [_with_levels(file, settings) for file in files]
    videos, images = _videos_and_images(files)
    if archives and videos:
        names = some([file.name for file in videos])
        logger.warning("left alone: videos in archives, which must be unpacked: %s", names)
    if contents.damaged and not images:
        raise ValueError(
            f"archives must be readable, but of {path} nothing can be read: "
            f"{contents.damaged[0].video_id}: {contents.damaged[0].detail}."
        )
    take = "images" if archives else settings.take
    taken = _taken(path, videos, images, take)
    taken = Input(*taken, columns, has_groups, contents.damaged)
    warn_of_unread(files, UNREAD_SUFFIXES if taken.images or not taken.videos else ())
    warn_of_the_same_file([*taken.videos, *taken.images])
    return taken


def _archives_to_read(files: Sequence[InputFile], take: str) -> list[InputFile]:
    """The archives that are taken; others are named in the log."""
    archives = [file for file in files if file.suffix in ARCHIVE_SUFFIXES]
    is_taken = take == "archives" or (
        take == "auto" and not any(map(len, _videos_and_images(files)))
    )
    if archives and not is_taken:
        names = some([file.name for file in archives])
        logger.warning("left alone: archives, which --take archives takes: %s", names)
    compressed = [file.name for file in files if file.suffix in COMPRESSED_SUFFIXES]
    if compressed and is_taken:
        logger.warning(
            "left alone, because only .tar and .zip are read without unpacking: %s. Decompress "
            "them, e.g. with gunzip.",
            some(compressed),
        )
    return archives if is_taken else []


def _videos_and_images(files: Sequence[InputFile]) -> tuple[list[InputFile], list[InputFile]]:
    videos = [file for file in files if file.suffix in VIDEO_SUFFIXES]
    return videos, [file for file in files if file.suffix in IMAGE_SUFFIXES]


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
    videos: list[Footage] = [*to_videos(source.videos, recorded), *source.damaged]
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
        wanted = {
            "videos": VIDEO_SUFFIXES,
            "images": IMAGE_SUFFIXES,
            "archives": ARCHIVE_SUFFIXES,
        }
        suffixes = " ".join(wanted.get(take, (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)))
        raise FileNotFoundError(
            f"the input must hold videos or images that are taken ({suffixes}), but {path} has "
            "none. Correct the path, or --take. Videos in archives must be unpacked."
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
