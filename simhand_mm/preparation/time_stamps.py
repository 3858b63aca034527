"""Time stamps of packets and frames in files that do not state them correctly.

The rules are those of the ``ffmpeg`` program (its functions ``guess_correct_pts``,
``video_duration_estimate`` and ``ts_discontinuity_detect``), so times agree with its output.
All time stamps are in ticks of the stream.
"""

from fractions import Fraction
from typing import Any

_JUMP_S = 10  # a gap that counts as a join of two recordings
_STEP_BACK_S = Fraction(1, 10)


class RecordingJoiner:
    """Removes the jumps in the time stamps of concatenated transport and program streams.

    Args:
        time_base: Seconds per tick.
        frame_ticks: Usual duration of a frame.
    """

    def __init__(self, time_base: Fraction, frame_ticks: int) -> None:
        self._time_base = time_base
        self._frame_ticks = frame_ticks
        self._shift = 0
        self._last: int | None = None  # of decoding
        self._next: int | None = None

    def __call__(self, packet: Any) -> None:
        """Shift the time stamps of a packet; call it for every packet in file order."""
        if packet.pts is not None:
            packet.pts += self._shift
        if packet.dts is not None:
            packet.dts += self._shift
            if self._last is not None and self._next is not None:
                jump = packet.dts - self._next
                is_far = abs(jump) * self._time_base > _JUMP_S
                if is_far or packet.dts + _STEP_BACK_S / self._time_base < self._last:
                    self._shift -= jump
                    packet.dts -= jump
                    if packet.pts is not None:
                        packet.pts -= jump
            self._last = self._next = packet.dts
        if self._next is not None:
            self._next += packet.duration or self._frame_ticks


class PictureClock:
    """Assigns a time stamp to each frame, in display order.

    Args:
        has_stamps: Whether containers of this kind store time stamps at all.
        frame_ticks: Usual duration of a frame.
    """

    def __init__(self, has_stamps: bool, frame_ticks: int) -> None:
        self._has_stamps = has_stamps
        self._frame_ticks = frame_ticks
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = self._faulty_dts = 0
        self._last: int | None = None
        self._last_duration = 1

    def __call__(self, pts: int | None, dts: int | None, duration: int) -> int:
        """Return the time stamp of the next frame.

        Args:
            pts: Presentation time stamp of the frame.
            dts: Decoding time stamp of its packet.
            duration: Stated duration; 0 if unknown.
        """
        stamp = self._better(pts, dts)
        if stamp is None:
            stamp = 0 if self._last is None else self._last + self._last_duration
        self._last_duration = self._duration(stamp, duration)
        self._last = stamp
        return stamp

    def _better(self, pts: int | None, dts: int | None) -> int | None:
        """Return the kind of time stamp that has decreased less often so far."""
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        is_pts_better = pts is not None and self._faulty_pts <= self._faulty_dts
        return pts if is_pts_better or dts is None else dts

    def _duration(self, stamp: int, said: int) -> int:
        """Return the duration of this frame, used if the next one has no time stamp."""
        since_last = -1 if self._last is None else stamp - self._last
        is_made_up = said == 1 and since_last > 2
        if said > 0 and self._has_stamps and not is_made_up:
            return said
        if not self._has_stamps and self._frame_ticks:
            return self._frame_ticks
        return next((d for d in (since_last, said, self._frame_ticks) if d > 0), 1)
