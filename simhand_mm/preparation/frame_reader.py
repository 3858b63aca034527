"""Decodes the wanted frames of one video stream, and as little else as possible.

The frames are those of decoding everything in order, to the bit. In most files that is what
happens. Where every packet is one picture and its time stamp tells the order of display
(``_SKIPPABLE``), pictures that no wanted picture needs are left out; what can be left out,
:mod:`simhand_mm.preparation.packet_plan` knows. Any sign that a file is not of that kind, and it
is decoded in order from its beginning, without the frames that were given already.
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

# Held by tests against a decode of everything (tests/test_preparation/test_full_decode.py).
_SKIPPABLE = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"h264", "hevc", "vp9", "av1"},
    "matroska,webm": {"h264", "hevc", "vp9", "av1"},
}


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: Number of the frame in the source, in the order of display, from 0.
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
        open_stream: Opens the video and gives its stream; called once for each thread, because
            a decoder has one user.
        fps: Frames per second of video.
        only: Indices of the frames to choose from; None for all.
        num_threads: Threads that decode; 1 decodes in this one.

    Attributes:
        problems: What was found damaged, in words; complete after the last frame.
        times_s: Seconds from the first frame to each frame of the stream, ``[F]`` by index, wanted
            or not; complete after the last frame.
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
            self.problems.append(f"{chooser.num_missing} frames asked for lie beyond its end")

    def _read_all(
        self, packets: PacketSource, chooser: FrameChooser, decoders: list["_Decoder"]
    ) -> Iterator[tuple[Any, int, int]]:
        """Decode every packet and choose among the pictures."""
        (decoder,) = decoders
        clock = PictureClock(packets.has_stamps, frame_ticks(packets.stream))
        has_begun: Any = None  # nothing before the first key picture is whole
        for packet in chain(packets, [None]):
            if has_begun is None:
                has_begun = packet is not None and packet.is_keyframe
            num_refused = decoder.num_refused
            for picture in decoder.decode(packet):
                has_begun = has_begun or picture.key_frame
                stamp = clock(picture.pts, picture.dts, picture.duration)
                index = chooser.choose(stamp, is_good=has_begun and not picture.is_corrupt)
                decoder.num_damaged += has_begun and picture.is_corrupt
                if index is not None:
                    yield picture, index, stamp
            decoder.num_damaged += has_begun and decoder.num_refused > num_refused

    def _read_wanted(
        self, packets: PacketSource, chooser: FrameChooser, decoders: list["_Decoder"]
    ) -> Iterator[tuple[Any, int, int]]:
        """Choose among the packets and decode what the chosen ones need."""
        pieces = plan_pieces(packets, chooser)
        if self._num_threads == 1:
            for piece in pieces:
                yield from decoders[0].read(piece)
            return
        decoders += [_Decoder(self._open_stream()) for _ in range(self._num_threads - 1)]
        with ExitStack() as stack:
            # One thread per decoder: a piece may need what its decoder has seen before.
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
    """One decoder and what it still owes."""

    def __init__(self, stream: Any) -> None:
        self.num_damaged = 0
        # Not damage by itself: behind a jump, packets that nobody wants may lack their reference.
        self.num_refused = 0
        self._stream = stream  # keeps the container open
        self._context = stream.codec_context
        self._due: dict[int, int] = {}  # time stamp -> frame index
        self._last: int | None = None

    def decode(self, packet: Any) -> list[Any]:
        """Pictures that a packet brings out; None brings out the last ones."""
        from av import FFmpegError

        try:
            return self._context.decode(packet)
        except FFmpegError:
            self.num_refused += 1
            return []

    def read(self, piece: Piece) -> Iterator[tuple[Any, int, int]]:
        """Wanted pictures that a piece brings out, with frame index and time stamp.

        Raises:
            Doubt: If packets and pictures do not match.
        """
        if piece.is_first:
            self._last = None
        self._due |= piece.wanted
        for packet in chain(piece.packets, [None] if piece.is_last else []):
            is_wanted = packet is not None and packet.pts in piece.wanted
            self._context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
            for picture in self.decode(packet):
                if picture.is_corrupt:
                    raise Doubt("a picture that is not whole")
                self._check(picture)
                index = self._due.pop(picture.pts, None)
                if index is not None:
                    yield picture, index, picture.pts
        if piece.is_last:
            self._context.flush_buffers()
            if self._due:
                raise Doubt("a packet without a picture: damaged, or of another kind")

    def _check(self, picture: Any) -> None:
        if picture.interlaced_frame:
            raise Doubt("two fields of a picture may be two packets")
        if picture.pts is None or (self._last is not None and picture.pts <= self._last):
            raise Doubt("pictures are not shown in the order of their stamps")
        self._last = picture.pts
