"""Which files of an input are taken: a folder, a single file, a list, or archives of images."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from tyro.conf import arg

from simhand_mm.preparation.archive_samples import SOURCE, DamagedArchive, read_archives
from simhand_mm.preparation.archives import ARCHIVE_SUFFIXES, COMPRESSED_SUFFIXES
from simhand_mm.preparation.file_lists import (
    GROUP,
    LIST_SUFFIXES,
    OWN_COLUMNS,
    FileList,
    read_file_list,
)
from simhand_mm.preparation.image_files import IMAGE_SUFFIXES, UNREAD_SUFFIXES
from simhand_mm.preparation.input_files import (
    InputFile,
    files_below,
    first_of,
    state_of,
    warn_of_the_same_file,
)
from simhand_mm.preparation.video_files import VIDEO_SUFFIXES, warn_of_unread

logger = logging.getLogger(__name__)

_NO_NAME = "_"
_NO_COLUMN = (*OWN_COLUMNS, SOURCE, _NO_NAME)


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
    """Find the files of a folder, a list or archives, or take the single one.

    Raises:
        FileNotFoundError: If there is nothing of the kind that is wanted.
        ValueError: If the levels have no proper names, or no archive can be read.
    """
    levels = _names_of_levels(settings)
    listed = _list_files(path)
    archives = _archives_to_read(listed.files, settings.take)
    contents = read_archives(archives)
    files = [_with_levels(f, levels) for f in (contents.files if archives else listed.files)]
    videos, images = _videos_and_images(files)
    if archives and videos:
        names = first_of([file.name for file in videos])
        logger.warning("left alone: videos in archives, which must be unpacked: %s", names)
    if contents.damaged and not images:
        raise ValueError(
            f"archives must be readable, but of {path} nothing can be read: "
            f"{contents.damaged[0].video_id}: {contents.damaged[0].detail}."
        )
    videos, images = _taken(path, videos, images, "images" if archives else settings.take)
    warn_of_unread(files, UNREAD_SUFFIXES if images or not videos else ())
    warn_of_the_same_file([*videos, *images])
    columns = dict.fromkeys([*levels, *listed.names, *contents.names])
    extra = [name for name in columns if name not in _NO_COLUMN]
    return Input(videos, images, extra, GROUP in listed.names, contents.damaged)


def _list_files(path: Path) -> FileList:
    """List the files of a folder or of a list, or the single file."""
    if path.is_dir():
        return FileList((), list(files_below(path)))
    if path.suffix.lower() in LIST_SUFFIXES:
        return read_file_list(path)
    if path.is_file():
        return FileList((), [InputFile(path.name, path, state_of(path))])
    raise FileNotFoundError(
        f"the input must be a folder, a video, an image, a list of them or an archive, but "
        f"{path} does not exist. Correct the path."
    )


def _archives_to_read(files: Sequence[InputFile], take: str) -> list[InputFile]:
    """The archives that are taken; others are named in the log."""
    archives = [file for file in files if file.suffix in ARCHIVE_SUFFIXES]
    is_taken = take == "archives" or (
        take == "auto" and not any(map(len, _videos_and_images(files)))
    )
    if archives and not is_taken:
        names = first_of([file.name for file in archives])
        logger.warning("left alone: archives, which --take archives takes: %s", names)
    compressed = [file.name for file in files if file.suffix in COMPRESSED_SUFFIXES]
    if compressed and is_taken:
        logger.warning(
            "left alone, because only .tar and .zip are read without unpacking: %s. Decompress "
            "them, e.g. with gunzip.",
            first_of(compressed),
        )
    return archives if is_taken else []


def _videos_and_images(files: Sequence[InputFile]) -> tuple[list[InputFile], list[InputFile]]:
    videos = [file for file in files if file.suffix in VIDEO_SUFFIXES]
    return videos, [file for file in files if file.suffix in IMAGE_SUFFIXES]


def _names_of_levels(settings: FootageSettings) -> list[str]:
    names = settings.levels.split("/") if settings.levels else []
    wrong = [name for name in names if not name or (name != _NO_NAME and names.count(name) > 1)]
    if wrong:
        raise ValueError(
            f"levels must be different names separated by '/', but got {settings.levels!r}. "
            "Write _ for a level without a name."
        )
    return names


def _with_levels(file: InputFile, names: Sequence[str]) -> InputFile:
    if not names:
        return file
    folders = PurePosixPath(file.name).parts[:-1]
    values = dict(zip(names, folders, strict=False))
    return InputFile(file.name, file.path, file.state, {**values, **file.columns})


def _taken(
    path: Path, videos: list[InputFile], images: list[InputFile], take: str
) -> tuple[list[InputFile], list[InputFile]]:
    """The videos and images that are wanted."""
    if not videos and not images:
        raise FileNotFoundError(
            f"{path} must be or contain videos ({' '.join(VIDEO_SUFFIXES)}), images "
            f"({' '.join(IMAGE_SUFFIXES)}) or archives of images ({' '.join(ARCHIVE_SUFFIXES)}), "
            "but none was found. Correct the path. Videos in archives must be unpacked."
        )
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
        raise FileNotFoundError(
            f"{path} must be or contain {take}, but none was found. Correct the path, or choose "
            "what is taken with --take. Videos in archives must be unpacked."
        )
    return videos, images
