"""Selects the packets of a video stream that must be decoded for the requested frames.

A group of pictures (GOP) extends from one key frame to the next, in decoding order. Packets after
the last requested frame of a group can be skipped, and so can frames of a following open GOP that
refer to them, if none of these frames is requested.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

_MAX_GROUP_BYTES = 1 << 26  # compressed packets in memory; longer groups are split
_MOST_ROUNDING_S = Fraction(1, 2000)
_MAX_WANTED = 16  # requested frames per piece; the decoder keeps them in memory


@dataclass(frozen=True)
class Piece:
    """Consecutive packets to decode.

    Attributes:
        packets: In decoding order.
        wanted: Time stamp -> frame index.
        is_first: Independent of earlier packets; otherwise it needs the previous piece.
        is_last: Whether the next piece has ``is_first``.
    """

    packets: list[Any]
    wanted: dict[int, int]
    is_first: bool
    is_last: bool


class Doubt(Exception):
    """A stream whose packets do not correspond to frames; it must be decoded in order."""


class FrameChooser:
    """Counts frames in display order and selects the first of each interval.

    Args:
        fps: Intervals per second.
        time_base: Seconds per tick of the time stamps.
        only: Indices of the frames to choose from; None for all.

    Attributes:
        start: Time stamp of the first frame.
        num_seen: Number of frames so far.
        stamps: Their time stamps.
    """

    def __init__(
        self, fps: Fraction, time_base: Fraction, only: frozenset[int] | None = None
    ) -> None:
        self.start: int | None = None
        self.num_seen = 0
        self.stamps = array("q")
        self._interval: int | None = None
        self._fps = fps
        self._time_base = time_base
        self._only = only

    @property
    def num_missing(self) -> int:
        """Number of requested frame indices beyond the end of the stream (valid after reading)."""
        return sum(index >= self.num_seen for index in self._only or ())

    def choose(self, stamp: int, is_good: bool = True) -> int | None:
        """Return the index of the next frame if it is requested and good, else None."""
        if self.start is None:
            self.start = stamp
        index = self.num_seen
        self.num_seen += 1
        self.stamps.append(stamp)
        if not is_good or (self._only is not None and index not in self._only):
            return None
        # Containers round time stamps, to a millisecond for instance: half of that as tolerance
        # keeps frames on the grid. Longer ticks (AVI: one per frame) are exact.
        tolerance_s = min(self._time_base / 2, _MOST_ROUNDING_S)
        interval = floor(((stamp - self.start) * self._time_base + tolerance_s) * self._fps)
        # Not ">": time stamps may decrease if recordings were joined.
        is_wanted = interval != self._interval
        self._interval = interval
        return index if is_wanted else None

    def choose_packets(self, packets: Iterable[Any]) -> dict[int, int]:
        """Return time stamp -> frame index of the requested packets of a group."""
        stamps = sorted(packet.pts for packet in packets if not packet.is_discard)
        chosen = ((stamp, self.choose(stamp)) for stamp in stamps)
        return {stamp: index for stamp, index in chosen if index is not None}


def plan_pieces(packets: Iterable[Any], chooser: FrameChooser) -> Iterator[Piece]:
    """Yield the packets that must be decoded, in order.

    Raises:
        Doubt: If time stamps are missing, equal or not in the order of the groups, or the stream
            does not start with an independent group.
    """
    groups = ((group, chooser.choose_packets(group)) for group in _checked(_groups(packets)))
    is_first = True
    for (group, wanted), (following, next_wanted) in pairwise(_with_end(groups)):
        is_last = not _needs_group_before(following, next_wanted)
        if is_first:  # after a jump
            group = group[:1] + group[1 + _num_leading(group) :]
        if is_last:
            group = group[: _end_of_wanted(group, wanted)]
        yield from _cut(group, wanted, is_first, is_last)
        is_first = is_last


def _groups(packets: Iterable[Any]) -> Iterator[list[Any]]:
    group: list[Any] = []
    num_bytes = 0
    for packet in packets:
        if group and (packet.is_keyframe or num_bytes > _MAX_GROUP_BYTES):
            yield group
            group, num_bytes = [], 0
        group.append(packet)
        num_bytes += packet.size
    if group:
        yield group


def _checked(groups: Iterable[list[Any]]) -> Iterator[list[Any]]:
    last: int | None = None
    for group in groups:
        if any(packet.pts is None for packet in group):
            raise Doubt("a packet without a time stamp")
        stamps = sorted(packet.pts for packet in group)
        if any(stamp == following for stamp, following in pairwise(stamps)):
            raise Doubt("equal time stamps")
        if last is None and (not group[0].is_keyframe or _num_leading(group)):
            raise Doubt("the first group refers to missing packets")
        if last is not None and stamps[0] <= last:
            raise Doubt("overlapping groups of pictures")
        last = stamps[-1]
        yield group


def _with_end(groups: Iterator[tuple[list[Any], dict]]) -> Iterator[tuple[list[Any], dict]]:
    yield from groups
    yield [], {}


def _num_leading(group: list[Any]) -> int:
    """Number of packets after the key frame that are displayed before it."""
    key = group[0].pts
    rest = (n for n, packet in enumerate(group[1:]) if packet.pts >= key)
    return next(rest, len(group) - 1)


def _needs_group_before(group: list[Any], wanted: dict[int, int]) -> bool:
    if not group:
        return False
    leading = group[1 : 1 + _num_leading(group)]
    is_cut = not group[0].is_keyframe
    return is_cut or any(packet.pts in wanted for packet in leading)


def _end_of_wanted(group: list[Any], wanted: dict[int, int]) -> int:
    return 1 + max((n for n, p in enumerate(group) if p.pts in wanted), default=-1)


def _cut(
    group: list[Any], wanted: dict[int, int], is_first: bool, is_last: bool
) -> Iterator[Piece]:
    """Split a group into pieces with a few requested frames each."""
    wanted_at = [n for n, packet in enumerate(group) if packet.pts in wanted]
    cuts = [0, *(n + 1 for n in wanted_at[_MAX_WANTED - 1 : -1 : _MAX_WANTED]), len(group)]
    for start, end in pairwise(cuts):
        packets = group[start:end]
        yield Piece(
            packets,
            {packet.pts: wanted[packet.pts] for packet in packets if packet.pts in wanted},
            is_first=is_first and start == 0,
            is_last=is_last and end == len(group),
        )
