"""Decodes the requested frames of one video stream, and as few others as possible.

The frames are bit-identical to those of decoding everything in order, which is done for most
formats. In formats in which every packet is one frame and time stamps give the display order
(``_SKIPPABLE``), frames that no requested frame refers to are skipped; for the rules see
:mod:`simhand_mm.preparation.packet_plan`. If a file violates these assumptions, it is decoded in
order from its start, without yielding frames again.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np

from simhand_mm.preparation.packet_plan import Doubt, FrameChooser, Piece, plan_pieces
from simhand_mm.preparation.packet_source import PacketSource, frame_ticks
from simhand_mm.preparation.pictures import PictureConverter
from simhand_mm.preparation.time_stamps import PictureClock

# Compared with a full decode in tests/test_preparation/test_full_decode.py.
_SKIPPABLE = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"h264", "hevc", "vp9", "av1"},
    "matroska,webm": {"h264", "hevc", "vp9", "av1"},
}


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: Index of the frame in the source, in display order, from 0.
        time_s: Seconds since the first frame.
        image: ``uint8 [H, W, 3]`` RGB, as a player shows it: upright, with square pixels.
        columns: Values of extra columns of the pool, and the source if that is known.
    """

    index: int
    time_s: float
    image: np.ndarray
    columns: Mapping[str, str] = field(default_factory=dict)


class FrameReader:
    """Iterates over the frames of a video, the first of each interval of ``1 / fps`` seconds.

    Args:
        open_stream: Opens the video and returns its stream; called once per thread, because
            decoders cannot be shared.
        fps: Frames per second of video.
        only: Indices of the frames to choose from; None for all.
        num_threads: Number of decoding threads; 1 decodes in the calling thread.

    Attributes:
        problems: Descriptions of damage; complete after the last frame.
        times_s: Seconds from the first frame to each frame of the stream, ``[F]`` by index,
            including frames not requested; complete after the last frame.
    """

    def __init__(
        self,
        open_stream: Callable[[], Any],
        fps: Fraction,
        only: frozenset[int] | None = None,
        num_threads: int = 1,
    ) -> None:
        self.problems: list[str] = []
        self.times_s = np.zeros(0)
        self._open_stream = open_stream
        self._to_image = PictureConverter()
        self._fps = fps
        self._only = only
        self._num_threads = num_threads

    def __iter__(self) -> Iterator[Frame]:
        stream = self._open_stream()
        codecs = _SKIPPABLE.get(stream.container.format.name, set())
        last = -1
        if stream.codec_context.codec.canonical_name in codecs:
            try:
                for frame in self._frames(stream, self._read_wanted):
                    last = frame.index
                    yield frame
                return
            except Doubt:
                stream = self._open_stream()
        for frame in self._frames(stream, self._read_all):
            if frame.index > last:
                yield frame

    def _frames(self, stream: Any, read: Callable) -> Iterator[Frame]:
        chooser = FrameChooser(self._fps, stream.time_base, self._only)
        packets = PacketSource(stream)
        decoders = [_Decoder(stream)]
        for picture, index, stamp in read(packets, chooser, decoders):
            time_s = float((stamp - chooser.start) * stream.time_base)
            yield Frame(index, time_s, self._to_image(picture, stream))
        ticks = np.array(chooser.stamps, dtype=np.int64)
        self.times_s = (ticks - ticks[:1]) * float(stream.time_base)
        num_damaged = sum(decoder.num_damaged for decoder in decoders)
        if num_damaged:
            self.problems.append(f"{num_damaged} packets could not be decoded")
        self.problems += packets.problems
        if chooser.num_missing:
            self.problems.append(f"{chooser.num_missing} requested frames are beyond its end")

    def _read_all(
        self, packets: PacketSource, chooser: FrameChooser, decoders: list["_Decoder"]
    ) -> Iterator[tuple[Any, int, int]]:
        """Decode every packet and select frames."""
        (decoder,) = decoders
        clock = PictureClock(packets.has_stamps, frame_ticks(packets.stream))
        has_started: Any = None  # frames before the first key frame are incomplete
        for packet in chain(packets, [None]):
            if has_started is None:
                has_started = packet is not None and packet.is_keyframe
            num_refused = decoder.num_refused
            for picture in decoder.decode(packet):
                has_started = has_started or picture.key_frame
                stamp = clock(picture.pts, picture.dts, picture.duration)
                index = chooser.choose(stamp, is_good=has_started and not picture.is_corrupt)
                decoder.num_damaged += has_started and picture.is_corrupt
                if index is not None:
                    yield picture, index, stamp
            decoder.num_damaged += has_started and decoder.num_refused > num_refused

    def _read_wanted(
        self, packets: PacketSource, chooser: FrameChooser, decoders: list["_Decoder"]
    ) -> Iterator[tuple[Any, int, int]]:
        """Select packets, and decode these and the packets that they need."""
        pieces = plan_pieces(packets, chooser)
        if self._num_threads == 1:
            for piece in pieces:
                yield from decoders[0].read(piece)
            return
        decoders += [_Decoder(self._open_stream()) for _ in range(self._num_threads - 1)]
        with ExitStack() as stack:
            # One thread per decoder: a piece may refer to frames decoded earlier.
            threads = [stack.enter_context(ThreadPoolExecutor(1)) for _ in decoders]
            waiting: deque[Future] = deque()
            turn = 0
            for piece in pieces:
                turn = (turn + piece.is_first) % len(threads)
                waiting.append(threads[turn].submit(list, decoders[turn].read(piece)))
                if len(waiting) > len(threads):
                    yield from waiting.popleft().result()
            for future in waiting:
                yield from future.result()


class _Decoder:
    """A decoder and the requested frames that it has not returned yet."""

    def __init__(self, stream: Any) -> None:
        self.num_damaged = 0
        # Not damage by itself: after a jump, unneeded packets may lack their reference frames.
        self.num_refused = 0
        self._stream = stream  # keeps the container open
        self._context = stream.codec_context
        self._due: dict[int, int] = {}  # time stamp -> frame index
        self._last: int | None = None

    def decode(self, packet: Any) -> list[Any]:
        """Return the frames decoded from a packet; None flushes the decoder."""
        from av import FFmpegError

        try:
            return self._context.decode(packet)
        except FFmpegError:
            self.num_refused += 1
            return []

    def read(self, piece: Piece) -> Iterator[tuple[Any, int, int]]:
        """Yield the requested frames of a piece, with frame index and time stamp.

        Raises:
            Doubt: If packets and frames do not match.
        """
        if piece.is_first:
            self._last = None
        self._due |= piece.wanted
        for packet in chain(piece.packets, [None] if piece.is_last else []):
            is_wanted = packet is not None and packet.pts in piece.wanted
            self._context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
            for picture in self.decode(packet):
                if picture.is_corrupt:
                    raise Doubt("an incomplete frame")
                self._check(picture)
                index = self._due.pop(picture.pts, None)
                if index is not None:
                    yield picture, index, picture.pts
        if piece.is_last:
            self._context.flush_buffers()
            if self._due:
                raise Doubt("a packet without a frame: damaged, or not one frame per packet")

    def _check(self, picture: Any) -> None:
        if picture.interlaced_frame:
            raise Doubt("the two fields of an interlaced frame may be two packets")
        if picture.pts is None or (self._last is not None and picture.pts <= self._last):
            raise Doubt("frames are not in the order of their time stamps")
        self._last = picture.pts
