"""Decodes the wanted frames of one video stream, and as little else as possible.

Between two wanted frames the decoder leaves out pictures that no other picture refers to, and the
end of a group of pictures after its last wanted frame is not decoded at all. What comes out is the
same, to the bit, as from decoding every frame. Axes: ``H, W`` rows and columns of the image.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np

_MAX_GROUP_BYTES = 1 << 26  # compressed packets that are held at a time


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: Number of the frame in the source, in the order of display, from 0.
        time_s: Seconds since the first frame.
        image: ``uint8 [H, W, 3]`` RGB, upright (rotation flags are applied).
    """

    index: int
    time_s: float
    image: np.ndarray


class FrameReader:
    """Iterates over the frames of a stream, the first of each interval of ``1 / fps`` seconds.

    Args:
        container: An open PyAV container.
        stream: The video stream to read.
        fps: Frames per second of video.
        only: Indices of the frames to choose from; None for all.

    Attributes:
        problems: What was found damaged, in words; complete after the last frame.
    """

    def __init__(
        self, container: Any, stream: Any, fps: Fraction, only: frozenset[int] | None = None
    ) -> None:
        self.problems: list[str] = []
        self._container = container
        self._stream = stream
        self._chooser = _Chooser(fps * stream.time_base, only)
        self._due: dict[int, int] = {}  # time stamp -> frame index of what the decoder still owes
        self._num_packets = 0
        self._num_damaged = 0

    def __iter__(self) -> Iterator[Frame]:
        groups = self._groups()
        first = next(groups, None)
        if first is not None:
            # Some containers (raw streams, AVI) have no time stamps: only the decoder tells them.
            has_stamps = first[0].pts is not None
            decode = self._decode_wanted if has_stamps else self._decode_all
            yield from decode(first, groups)
        if self._num_damaged:
            self.problems.append(f"{self._num_damaged} packets could not be decoded")
        if self._num_packets < self._stream.frames:
            self.problems.append(
                f"it ends after {self._num_packets} of {self._stream.frames} frames"
            )
        if self._chooser.num_missing:
            self.problems.append(f"{self._chooser.num_missing} frames asked for lie beyond its end")

    def _groups(self) -> Iterator[list[Any]]:
        """Packets from one key frame to the next, in the order of decoding."""
        group: list[Any] = []
        num_bytes = 0
        for packet in self._packets():
            if group and (packet.is_keyframe or num_bytes > _MAX_GROUP_BYTES):
                yield group
                group, num_bytes = [], 0
            group.append(packet)
            num_bytes += packet.size
        if group:
            yield group

    def _packets(self) -> Iterator[Any]:
        from av import FFmpegError

        has_begun = False
        try:
            for packet in self._container.demux(self._stream):
                if not packet.size:  # the empty packet at the end only flushes the decoder
                    continue
                self._num_packets += 1
                has_begun = has_begun or packet.is_keyframe
                if has_begun:
                    yield packet
                else:  # nothing can be decoded before the first key frame
                    self._chooser.num_seen += 1
        except FFmpegError as error:
            self.problems.append(f"reading stopped ({error.strerror})")

    def _decode_all(self, first: list[Any], groups: Iterator[list[Any]]) -> Iterator[Frame]:
        """Decode every packet and choose among the pictures."""
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        for group in itertools.chain([first], groups, [[None]]):
            for packet in group:
                for picture in self._decode(packet):
                    stamp = picture.pts
                    if stamp is None:
                        stamp = round(self._chooser.num_seen / rate / self._stream.time_base)
                    index = self._chooser.choose(stamp)
                    if index is not None:
                        yield self._frame(picture, index, stamp)

    def _decode_wanted(self, first: list[Any], groups: Iterator[list[Any]]) -> Iterator[Frame]:
        """Choose among the packets and decode what the chosen ones need."""
        group, wanted = first, self._chooser.choose_packets(first)
        for following in groups:
            next_wanted = self._chooser.choose_packets(following)
            keep_tail = _needs_group_before(following, next_wanted)
            yield from self._decode_group(group, wanted, keep_tail)
            group, wanted = following, next_wanted
        yield from self._decode_group(group, wanted, keep_tail=False)

    def _decode_group(
        self, group: list[Any], wanted: dict[int, int], keep_tail: bool
    ) -> Iterator[Frame]:
        self._due |= wanted
        if not _needs_group_before(group, wanted):
            group = group[:1] + group[1 + _num_leading(group) :]
        end = 1 + max((n for n, packet in enumerate(group) if packet.pts in wanted), default=-1)
        for packet in group if keep_tail else [*group[:end], None]:
            is_wanted = packet is not None and packet.pts in wanted
            self._stream.codec_context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
            for picture in self._decode(packet):
                index = self._due.pop(picture.pts, None)
                if index is not None:
                    yield self._frame(picture, index, picture.pts)
        if not keep_tail:
            self._stream.codec_context.flush_buffers()  # the next group starts afresh
            self._num_damaged += len(self._due)
            self._due = {}

    def _decode(self, packet: Any) -> list[Any]:
        from av import FFmpegError

        try:
            pictures = self._stream.codec_context.decode(packet)
        except FFmpegError:
            self._num_damaged += 1
            return []
        return [picture for picture in pictures if not picture.is_corrupt]

    def _frame(self, picture: Any, index: int, stamp: int) -> Frame:
        image = picture.to_ndarray(format="rgb24")
        if picture.rotation % 360:  # degrees counter-clockwise that put the picture upright
            image = np.ascontiguousarray(np.rot90(image, round(picture.rotation / 90)))
        time_s = float((stamp - self._chooser.start) * self._stream.time_base)
        return Frame(index, time_s, image)


class _Chooser:
    """Counts frames in the order of display and picks the first of each interval.

    Args:
        intervals_per_tick: Intervals per unit of the time stamps.
        only: Indices of the frames to choose from; None for all.
    """

    def __init__(self, intervals_per_tick: Fraction, only: frozenset[int] | None) -> None:
        self.start: int | None = None
        self.num_seen = 0
        self._interval: int | None = None
        self._intervals_per_tick = intervals_per_tick
        self._only = only

    @property
    def num_missing(self) -> int:
        """Frames asked for that the stream, once read, did not have."""
        return sum(index >= self.num_seen for index in self._only or ())

    def choose(self, stamp: int) -> int | None:
        """The index of the next frame if it is wanted, else None."""
        if self.start is None:
            self.start = stamp
        index = self.num_seen
        self.num_seen += 1
        if self._only is not None and index not in self._only:
            return None
        # Containers round time stamps: half a tick of tolerance keeps frames on the grid.
        interval = floor((stamp - self.start + Fraction(1, 2)) * self._intervals_per_tick)
        # Not ">": stamps may jump back where recordings were joined.
        is_wanted = interval != self._interval
        self._interval = interval
        return index if is_wanted else None

    def choose_packets(self, packets: list[Any]) -> dict[int, int]:
        """Time stamp -> frame index of the wanted packets of a group."""
        stamps = (p.dts if p.pts is None else p.pts for p in packets if not p.is_discard)
        chosen = ((stamp, self.choose(stamp)) for stamp in sorted(stamps))
        return {stamp: index for stamp, index in chosen if index is not None}


def _num_leading(group: list[Any]) -> int:
    """Packets after the key frame that are shown before it; they refer to the group before."""
    rest = (n for n, packet in enumerate(group[1:]) if packet.pts >= group[0].pts)
    return next(rest, len(group) - 1)


def _needs_group_before(group: list[Any], wanted: dict[int, int]) -> bool:
    if not group[0].is_keyframe:
        return True
    return any(packet.pts in wanted for packet in group[1 : 1 + _num_leading(group)])
