"""The packets of a video stream in file order, and whether the file is complete."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from simhand_mm.preparation.time_stamps import RecordingJoiner

# Containers whose header states the duration. For others, FFmpeg only estimates it.
_STATES_DURATION = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "asf", "mxf", "rm", "ivf")
_TOLERANCE_S = 0.5


class PacketSource:
    """Iterates over the packets of a stream, once.

    Args:
        stream: A video stream of an open container.

    Attributes:
        stream: The video stream.
        has_stamps: Whether containers of this kind store time stamps at all.
        problems: Reasons why the file is incomplete; final after the last packet.
    """

    def __init__(self, stream: Any) -> None:
        from av.format import Flags

        self.stream = stream
        self.problems: list[str] = []
        flags = stream.container.format.flags
        self.has_stamps = not flags & Flags.no_timestamps.value
        self._joiner = None
        if flags & Flags.ts_discont.value:
            self._joiner = RecordingJoiner(stream.time_base, frame_ticks(stream))
        self._end_s = Fraction(0)  # of all streams, because the header states the longest
        self._last_dts: int | None = None
        self._longest_gap = 0

    def __iter__(self) -> Iterator[Any]:
        for packet in self._demux():
            self._note_end(packet)
            if packet.stream_index != self.stream.index or not packet.size:
                continue  # the empty packet at the end only flushes the decoder
            if self._joiner:
                self._joiner(packet)
            yield packet
        self._compare_with_header()

    def _demux(self) -> Iterator[Any]:
        from av import FFmpegError

        while True:
            try:
                yield from self.stream.container.demux()
            except IndexError:  # PyAV fails on streams that start late: continue after it
                continue
            except FFmpegError as error:
                self.problems.append(f"reading stopped ({error.strerror})")
            return

    def _note_end(self, packet: Any) -> None:
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or packet.time_base is None:
            return
        ticks = packet.duration or 0
        if packet.stream_index == self.stream.index:
            if self._last_dts is not None and packet.dts is not None:
                self._longest_gap = max(self._longest_gap, packet.dts - self._last_dts)
            self._last_dts = packet.dts
            ticks = max(ticks, self._longest_gap)  # the duration of the last frame is rarely stated
        self._end_s = max(self._end_s, (stamp + ticks) * packet.time_base)

    def _compare_with_header(self) -> None:
        container = self.stream.container
        # Some writers count from 0, others from the first stamp: the longer of the two counts.
        end_s = self._end_s - min(Fraction(container.start_time or 0, 10**6), 0)
        stated_s = Fraction(0)
        if (
            container.format.name == "avi"
        ):  # in frames; the duration is estimated if the file is truncated
            stated_s = self.stream.frames * self.stream.time_base
        elif container.format.name in _STATES_DURATION:
            stated_s = Fraction(container.duration or 0, 10**6)
        if stated_s - end_s > _TOLERANCE_S:
            self.problems.append(
                f"it ends after {float(end_s):.1f} of the {float(stated_s):.1f} s that its header "
                "states"
            )


def frame_ticks(stream: Any) -> int:
    """Usual duration of a frame in ticks of the stream; 0 if unknown."""
    rate = stream.codec_context.framerate or stream.guessed_rate or stream.average_rate
    return round(1 / rate / stream.time_base) if rate else 0
