"""Images in archives, and what the files next to them say about them (WebDataset).

``a/0001.json``, ``a/0001.txt`` and ``a/0001.cls`` describe ``a/0001.jpg``: the fields of the JSON
object, the text and the class become columns.
"""

import json
import logging
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from simhand_mm.pool.schema import HANDS
from simhand_mm.pool.video_statuses import SourceFile
from simhand_mm.preparation.archives import Listing, Member, MemberError, list_archive
from simhand_mm.preparation.file_lists import FRAME_INDEX, PATH, TIME_S
from simhand_mm.preparation.image_files import IMAGE_SUFFIXES
from simhand_mm.preparation.input_files import FileState, InputFile, first_of
from simhand_mm.preparation.videos import VideoError

logger = logging.getLogger(__name__)

ARCHIVE = "archive"  # the name of the archive: images are grouped by it, but it is no column
SOURCE = "source"
_DESCRIBING = (".json", ".txt", ".cls")  # of fields with the same name, the first is taken
_MAX_DESCRIPTION_BYTES = 1 << 20  # larger files describe more than one image
# Numbers and times follow from the names of the images, as in folders.
_IGNORED = (PATH, FRAME_INDEX, TIME_S)
_OWN_COLUMNS = {*HANDS.names} - {SOURCE}


@dataclass(frozen=True)
class DamagedArchive:
    """An archive that cannot be read, or not to its end. It is reported like a video that fails.

    Attributes:
        video_id: Path of the archive below the input.
        path: The archive.
        reason: Short code for counting.
        detail: What is wrong.
        source_file: Identity of the file.
    """

    video_id: str
    path: Path
    reason: str
    detail: str
    source_file: SourceFile

    @property
    def title(self) -> str:
        """Name for messages."""
        return str(self.path)

    def frames(self, fps: float, only: frozenset[int] | None, num_threads: int) -> NoReturn:
        """Raise VideoError: the images that can be read belong to groups."""
        raise VideoError(self.path, self.reason, self.detail)


@dataclass(frozen=True)
class ArchiveContents:
    """What archives hold.

    Attributes:
        files: The members that do not describe another one. All have the same ``columns``.
        names: Columns that they fill.
        damaged: The archives that cannot be read, or not to their end.
    """

    files: Sequence[InputFile]
    names: Sequence[str]
    damaged: Sequence[DamagedArchive]


def read_archives(archives: Sequence[InputFile]) -> ArchiveContents:
    """List the members of archives, with the columns that describe them.

    A member is named by its path in the archive, and by the archive if it is in no folder of it.
    """
    files: list[InputFile] = []
    damaged: list[DamagedArchive] = []
    unread: list[str] = []
    fields: dict[str, None] = {}
    for archive in archives:
        assert isinstance(archive.path, Path)
        listing = list_archive(archive.path)
        if listing.reason:
            damaged.append(_damaged(archive, archive.path, listing))
        for file in _files_of(archive, listing.members, unread):
            fields |= dict.fromkeys(file.columns)
            files.append(file)
    if unread:
        logger.warning(
            "descriptions that are not used, not an object or damaged: %s", first_of(unread)
        )
    names = [name for name in fields if name not in (*_OWN_COLUMNS, ARCHIVE)]
    if own := sorted(_OWN_COLUMNS & fields.keys()):
        logger.info("fields that are no columns, because the pool has its own: %s", ", ".join(own))
    return ArchiveContents([_completed(file, fields) for file in files], names, damaged)


def _completed(file: InputFile, fields: Iterable[str]) -> InputFile:
    columns = {name: file.columns.get(name, "") for name in fields}
    return InputFile(file.name, file.path, file.state, columns)


def _damaged(archive: InputFile, path: Path, listing: Listing) -> DamagedArchive:
    logger.warning("%s cannot be read to its end: %s", path, listing.detail)
    state = archive.state or FileState()
    source_file = SourceFile(archive.name, state.num_bytes, state.modified_s)
    return DamagedArchive(archive.name, path, listing.reason, listing.detail, source_file)


def _files_of(
    archive: InputFile, members: Sequence[Member], unread: list[str]
) -> Iterator[InputFile]:
    """Yield the members of one archive; appends what describes nothing readable to ``unread``."""
    title = posixpath.splitext(archive.name)[0]
    describing = {m.inner_name: m for m in members if m.suffix.lower() in _DESCRIBING}
    is_read: dict[str, dict[str, str]] = {}
    for member in members:
        if member.inner_name in describing:
            continue
        columns: dict[str, str] = {}
        for found in _descriptions_of(member, describing):
            if found.inner_name not in is_read:
                is_read[found.inner_name] = _read_description(found, unread)
            columns |= {k: v for k, v in is_read[found.inner_name].items() if k not in columns}
        inside = member.inner_name
        name = inside if "/" in inside else f"{title}/{inside}"
        state = archive.state or FileState()
        state = FileState(member.num_bytes, state.modified_s, (*state.identity, member.offset))
        yield InputFile(name, member, state, {**columns, ARCHIVE: title})


def _descriptions_of(member: Member, describing: Mapping[str, Member]) -> list[Member]:
    """What describes an image, the most important first."""
    if member.suffix.lower() not in IMAGE_SUFFIXES:
        return []
    names = [stem + suffix for stem in _stems(member.inner_name) for suffix in _DESCRIBING]
    return [describing[name] for name in names if name in describing]


def _stems(name: str) -> list[str]:
    """Names of an image up to the last dot, and as in WebDataset up to the first."""
    folder, base = posixpath.split(name)
    stems = dict.fromkeys([posixpath.splitext(base)[0], base.split(".")[0]])
    return [posixpath.join(folder, stem) for stem in stems]


def _read_description(member: Member, unread: list[str]) -> dict[str, str]:
    try:
        if member.num_bytes > _MAX_DESCRIPTION_BYTES:
            raise ValueError("too large for one image")
        text = member.read_bytes().decode("utf-8-sig")
        if member.suffix.lower() != ".json":
            return {member.suffix.lower()[1:]: text.strip()}
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("not an object")
    except (OSError, MemberError, ValueError, RecursionError):
        unread.append(str(member))
        return {}
    return _as_columns(content)


def _as_columns(content: Mapping[str, object]) -> dict[str, str]:
    """Return single values as text; lists and objects are no columns."""
    return {
        name: "" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)
        for name, value in content.items()
        if name and name not in _IGNORED and not isinstance(value, list | dict)
    }
