"""Tar and zip archives: their members are listed, and read in place without unpacking."""

import posixpath  # names in archives; many times faster than pathlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

ARCHIVE_SUFFIXES = (".tar", ".zip")
# Compressed as a whole: a member cannot be read without everything before it.
COMPRESSED_SUFFIXES = (
    ".7z", ".bz2", ".gz", ".lz4", ".rar", ".tbz", ".tbz2", ".tgz", ".txz", ".xz", ".zst",
)  # fmt: skip
_TAR_BLOCK = 512
_MAX_MEMBER_BYTES = 1 << 30  # a zip may state any size, which would be allocated


class MemberError(ValueError):
    """A member of an archive that cannot be read.

    Attributes:
        reason: Short code for counting, such as ``damaged``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        archive: The archive.
        inner_name: Its path in the archive.
        offset: Where it starts: its data in a tar file, its header in a zip file.
        num_bytes: Size of its content.
    """

    archive: Path
    inner_name: str
    offset: int
    num_bytes: int

    def __str__(self) -> str:
        return f"{self.archive}/{self.inner_name}"

    @property
    def name(self) -> str:
        """Last part of its path."""
        return posixpath.basename(self.inner_name)

    @property
    def suffix(self) -> str:
        """Suffix of its name, with the dot."""
        return posixpath.splitext(self.inner_name)[1]

    def read_bytes(self) -> bytes:
        """Return its content.

        Raises:
            OSError: If the archive cannot be read.
            MemberError: If the member is damaged, encrypted or too large.
        """
        if self.num_bytes > _MAX_MEMBER_BYTES:
            raise MemberError("frame_too_large", f"it has {self.num_bytes} bytes")
        is_zip = self.archive.suffix.lower() == ".zip"
        return self._read_zip() if is_zip else self._read_tar()

    def _read_tar(self) -> bytes:
        with self.archive.open("rb") as file:
            file.seek(self.offset)
            content = file.read(self.num_bytes)
        if len(content) < self.num_bytes:
            raise MemberError("damaged", "the archive ends within it")
        return content

    def _read_zip(self) -> bytes:
        try:
            opened, entries = _open_zip(self.archive, self.archive.stat().st_mtime_ns)
            return opened.read(entries[self.offset])
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
            raise MemberError("damaged", f"{type(error).__name__}: {error}") from error
        except (NotImplementedError, RuntimeError) as error:  # encrypted, unknown compression
            raise MemberError("unreadable_file", str(error)) from error


@dataclass
class Listing:
    """The members of an archive.

    Attributes:
        members: Its files, in the order in which they are stored.
        reason: Short code of what is wrong with the archive, or ''.
        detail: What is wrong. Members before the damage are listed.
    """

    members: list[Member] = field(default_factory=list)
    reason: str = ""
    detail: str = ""


def list_archive(path: Path) -> Listing:
    """List the files in an archive. Links, folders and hidden files are not."""
    listing = Listing()
    members = _zip_members(path) if path.suffix.lower() == ".zip" else _tar_members(path)
    try:
        for member in members:
            if not member.name.startswith("."):
                listing.members.append(member)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
        listing.reason = "damaged" if listing.members else "not_an_archive"
        listing.detail = f"{error}; {len(listing.members)} files before that are listed"
    except OSError as error:
        listing.reason = "unreadable_file"
        listing.detail = error.strerror or str(error)
    return listing


def _tar_members(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:", encoding="utf-8") as tar:
        while (entry := tar.next()) is not None:
            vars(tar)["members"] = []  # else every header stays in memory
            if entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
                yield Member(path, _clean(entry.name), entry.offset_data, entry.size)
        end = tar.offset
    # tarfile takes a damaged header for the end, which consists of zeros.
    with path.open("rb") as file:
        file.seek(end)
        if any(file.read(_TAR_BLOCK)):
            raise tarfile.ReadError(f"there is no header at byte {end}")


def _zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as opened:
        for entry in opened.infolist():
            if not entry.is_dir():
                yield Member(path, _clean(entry.filename), entry.header_offset, entry.file_size)


def _clean(name: str) -> str:
    """Return a name as text, relative, without '.' and '..'."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "/".join(part for part in text.split("/") if part not in ("", ".", ".."))


@lru_cache(maxsize=4)
def _open_zip(path: Path, _modified: int) -> tuple[zipfile.ZipFile, dict[int, zipfile.ZipInfo]]:
    """Open a zip file and index its entries by offset; once per process, not per member."""
    opened = zipfile.ZipFile(path)
    return opened, {entry.header_offset: entry for entry in opened.infolist()}
