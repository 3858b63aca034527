"""Groups of images that count as one video: how they are numbered, timed and read."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from simhand_mm.pool import DropRecord
from simhand_mm.pool.video_statuses import SourceFile
from simhand_mm.preparation.archives import Member
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.image_files import ImageFileError, read_image
from simhand_mm.preparation.videos import VideoError

_LAST_NUMBER = re.compile(r"(\d{1,18})\D*$")
_SLOT_TOLERANCE = 1e-6  # of an interval: times are sums of rounded numbers


@dataclass(frozen=True)
class GroupImage:
    """One image of a group.

    Attributes:
        path: The file, or the member of an archive.
        frame_index: Its number in the group.
        time_s: Seconds since the first image of the group.
        columns: Values of extra columns of the pool.
    """

    path: Path | Member
    frame_index: int
    time_s: float
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageGroup:
    """Images that count as one video.

    Attributes:
        video_id: Id of the group in the pool.
        images: In the order of their numbers.
        source_file: Identity of the files as a whole, to see whether one of them changed.
        piece: Number of the piece, if it is one of a large group.
        num_pieces: Number of pieces of the group.
        end: Number of the first image of the next piece; None if it is the last.
    """

    video_id: str
    images: tuple[GroupImage, ...]
    source_file: SourceFile = field(default_factory=SourceFile)
    piece: int = 0
    num_pieces: int = 1
    end: int | None = None

    @property
    def title(self) -> str:
        """What people know it by."""
        return f"{self.video_id} ({len(self.images)} images, first {self.images[0].path})"

    def frames(
        self, fps: float, only: frozenset[int] | None, num_threads: int
    ) -> Iterator[Frame | DropRecord]:
        """Yield the first image of each interval of ``1 / fps`` seconds, or why it is no image.

        Args:
            fps: Images wanted per second.
            only: Numbers of the images to choose from; None for all.
            num_threads: Not used: an image is decoded by one thread.

        Raises:
            VideoError: After the last image if some requested images do not exist.
        """
        for image in self.sampled(fps, only):
            try:
                pixels = read_image(image.path)
            except ImageFileError as error:
                detail = f"{image.path.name}: {error.detail}"
                yield DropRecord(self.video_id, image.frame_index, "image", error.reason, detail)
            else:
                yield Frame(image.frame_index, image.time_s, pixels, image.columns)
        missing = self._covered(only or ()) - {image.frame_index for image in self.images}
        if missing:
            problem = f"{len(missing)} requested frames do not exist, first {min(missing)}"
            raise VideoError(self.video_id, "damaged", problem)

    def sampled(self, fps: float, only: frozenset[int] | None = None) -> Iterator[GroupImage]:
        """The first image of each interval of ``1 / fps`` seconds."""
        last = -1
        for image in self.images:
            slot = _slot(image, fps)
            if slot > last and (only is None or image.frame_index in only):
                last = slot
                yield image

    def split(self, fps: float, num_images: int) -> list["ImageGroup"]:
        """Split into pieces of at least ``num_images`` images that give the same frames.

        A piece begins with a new number and a new interval of ``1 / fps`` seconds.
        """
        slots = [_slot(image, fps) for image in self.images]
        numbers = [image.frame_index for image in self.images]
        starts = [0]
        for here in range(1, len(slots)):
            if slots[here] < slots[here - 1]:
                return [self]  # times of a list that decrease: what is sampled depends on them all
            is_new = slots[here] > slots[here - 1] and numbers[here] > numbers[here - 1]
            if is_new and here - starts[-1] >= num_images:
                starts.append(here)
        ends = [*starts[1:], len(slots)]
        return [
            replace(
                self,
                images=self.images[start:end],
                piece=piece,
                num_pieces=len(starts),
                end=numbers[end] if end < len(slots) else None,
            )
            for piece, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]

    def _covered(self, numbers: Iterable[int]) -> set[int]:
        """Of the numbers of the group, those of this piece."""
        first = self.images[0].frame_index if self.piece else -math.inf
        end = math.inf if self.end is None else self.end
        return {number for number in numbers if first <= number < end}


def _slot(image: GroupImage, fps: float) -> int:
    """Number of the interval of ``1 / fps`` seconds in which an image is."""
    return math.floor(image.time_s * fps + _SLOT_TOLERANCE)


def numbers_in(names: Sequence[str]) -> list[int] | None:
    """The last number in each name, without its suffix; None unless they all differ.

    Example:
        >>> numbers_in(["frame_000030.jpg", "frame_000060.jpg"])
        [30, 60]
        >>> numbers_in(["a1.png", "b1.png"]) is None
        True
    """
    found = [_LAST_NUMBER.search(Path(name).stem) for name in names]
    numbers = [int(match[1]) for match in found if match]
    return numbers if len(set(numbers)) == len(names) else None


def times_of(numbers: Sequence[int], per_second: float | None, fps: float) -> list[float]:
    """Seconds from the lowest number to each number.

    Args:
        numbers: Ascending.
        per_second: How many numbers there are in a second; None if it is not known. Then images
            that follow each other at the smallest common step are ``1 / fps`` seconds apart, so
            that all of them are sampled.
        fps: Frames wanted per second.
    """
    per_second = per_second or common_step(numbers) * fps
    return [(number - numbers[0]) / per_second for number in numbers]


def common_step(numbers: Sequence[int]) -> int:
    """The largest step of which all differences are a multiple; 1 for a single number."""
    return math.gcd(*(number - numbers[0] for number in numbers)) or 1
