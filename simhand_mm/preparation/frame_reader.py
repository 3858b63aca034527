"""Decodes the wanted frames of one video stream, and as little else as possible.

Between two wanted frames the decoder leaves out pictures that no other picture refers to; what
else can be left out, :mod:`simhand_mm.preparation.packet_plan` knows. What comes out is the same,
to the bit, as from decoding every frame. Axes: ``H, W`` rows and columns of the image.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np

from simhand_mm.preparation.packet_plan import FrameChooser, Piece, plan_pieces


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
    """Iterates over the frames of a video, the first of each interval of ``1 / fps`` seconds.

    Args:
        open_stream: Opens the video and gives its stream; called once for each thread, because
            a decoder has one user.
        fps: Frames per second of video.
        only: Indices of the frames to choose from; None for all.
        num_threads: Threads that decode; 1 decodes in this one.

    Attributes:
        problems: What was found damaged, in words; complete after the last frame.
    """

    def __init__(
        self,
        open_stream: Callable[[], Any],
        fps: Fraction,
        only: frozenset[int] | None = None,
        num_threads: int = 1,
    ) -> None:
        self.problems: list[str] = []
        self._open_stream = open_stream
        self._num_threads = num_threads
        self._stream = open_stream()
        self._chooser = FrameChooser(fps * self._stream.time_base, only)
        self._decoders = [_Decoder(self._stream)]
        self._num_packets = 0

    def __iter__(self) -> Iterator[Frame]:
        packets = self._packets()
        first = next(packets, None)
        if first is not None:
            # Some containers (raw streams, AVI) have no time stamps: only the decoder tells them.
            read = self._read_all if first.pts is None else self._read_wanted
            for picture, index, stamp in read(chain([first], packets)):
                time_s = float((stamp - self._chooser.start) * self._stream.time_base)
                yield Frame(index, time_s, _to_image(picture))
        num_damaged = sum(decoder.num_damaged for decoder in self._decoders)
        if num_damaged:
            self.problems.append(f"{num_damaged} packets could not be decoded")
        if self._num_packets < self._stream.frames:
            read = f"{self._num_packets} of {self._stream.frames}"
            self.problems.append(f"it ends after {read} frames")
        if self._chooser.num_missing:
            self.problems.append(f"{self._chooser.num_missing} frames asked for lie beyond its end")

    def _packets(self) -> Iterator[Any]:
        """Packets from the first key frame on: nothing before it can be decoded."""
        has_begun = False
        stamp: int | None = None
        for packet in self._demux():
            if not packet.size:  # the empty packet at the end only flushes the decoder
                continue
            self._num_packets += 1
            has_begun = has_begun or packet.is_keyframe
            if stamp is not None and packet.pts is None:  # damaged: there were stamps before
                packet.pts = stamp + 1 if packet.dts is None else packet.dts
            stamp = packet.pts
            if has_begun:
                yield packet
            else:
                self._chooser.num_seen += 1

    def _demux(self) -> Iterator[Any]:
        from av import FFmpegError

        while True:
            try:
                yield from self._stream.container.demux(self._stream)
            except IndexError:  # PyAV does not expect streams that begin late: go on behind it
                continue
            except FFmpegError as error:
                self.problems.append(f"reading stopped ({error.strerror})")
            return

    def _read_all(self, packets: Iterator[Any]) -> Iterator[tuple[Any, int, int]]:
        """Decode every packet and choose among the pictures."""
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        for packet in chain(packets, [None]):
            for picture in self._decoders[0].decode(packet):
                stamp = picture.pts
                if stamp is None:
                    stamp = round(self._chooser.num_seen / rate / self._stream.time_base)
                index = self._chooser.choose(stamp)
                if index is not None:
                    yield picture, index, stamp
        self._decoders[0].num_damaged += self._decoders[0].num_refused

    def _read_wanted(self, packets: Iterator[Any]) -> Iterator[tuple[Any, int, int]]:
        """Choose among the packets and decode what the chosen ones need."""
        pieces = plan_pieces(packets, self._chooser)
        if self._num_threads == 1:
            for piece in pieces:
                yield from self._decoders[0].read(piece)
            return
        self._decoders += [_Decoder(self._open_stream()) for _ in range(self._num_threads - 1)]
        with ExitStack() as stack:
            # One thread a decoder: a piece may need what its decoder has seen before.
            threads = [stack.enter_context(ThreadPoolExecutor(1)) for _ in self._decoders]
            waiting: deque[Future] = deque()
            turn = 0
            for piece in pieces:
                turn = (turn + piece.is_first) % len(threads)
                waiting.append(threads[turn].submit(list, self._decoders[turn].read(piece)))
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

    def decode(self, packet: Any) -> list[Any]:
        """Pictures that a packet brings out; None brings out the last ones."""
        from av import FFmpegError

        try:
            pictures = self._context.decode(packet)
        except FFmpegError:
            self.num_refused += 1
            return []
        return [picture for picture in pictures if not picture.is_corrupt]

    def read(self, piece: Piece) -> Iterator[tuple[Any, int, int]]:
        """Wanted pictures that a piece brings out, with frame index and time stamp."""
        self._due |= piece.wanted
        for packet in chain(piece.packets, [None] if piece.is_last else []):
            is_wanted = packet is not None and packet.pts in piece.wanted
            self._context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
            for picture in self.decode(packet):
                index = self._due.pop(picture.pts, None)
                if index is not None:
                    yield picture, index, picture.pts
        if piece.is_last:
            self._context.flush_buffers()
            self.num_damaged += len(self._due)
            self._due = {}


def _to_image(picture: Any) -> np.ndarray:
    image = picture.to_ndarray(format="rgb24")
    if picture.rotation % 360:  # degrees counter-clockwise that put the picture upright
        image = np.ascontiguousarray(np.rot90(image, round(picture.rotation / 90)))
    return image
