"""Changes to video files that cameras, editors and copying make, each to a file in place."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av

from tests.references.full_decode import run_ffmpeg


def _rewrite(path: Path, *options: str) -> None:
    """Copy the packets with options of the ffmpeg program; ``path`` stands for the input."""
    other = path.with_name(f"other{path.suffix}")
    run_ffmpeg(*(path if option == "path" else option for option in options), "-c", "copy", other)
    other.replace(path)


def turn(degrees: int, mirror: str = "") -> Callable[[Path], None]:
    """Write a display matrix."""

    def change(path: Path) -> None:
        mirrored = ["-display_hflip"] if mirror else []
        _rewrite(path, "-display_rotation", str(degrees), *mirrored, "-i", "path")

    return change


def retag_matrix(number: int) -> Callable[[Path], None]:
    """State another colour matrix (ITU-T H.273) of H.264."""
    bitstream = f"h264_metadata=matrix_coefficients={number}"
    return lambda path: _rewrite(path, "-i", "path", "-bsf:v", bitstream)


def cut_by_edit_list(path: Path) -> None:
    """Cut without encoding: what lies before the cut is in the file, and not to be shown."""
    _rewrite(path, "-ss", "0.4", "-i", "path", "-t", "1.2")


def _copy_packets(path: Path, change: Callable[[list], list]) -> None:
    """Write the packets that ``change`` gives."""
    other = path.with_name(f"other{path.suffix}")
    with av.open(str(path)) as source, av.open(str(other), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for packet in change(packets):
            packet.stream = stream
            target.mux(packet)
    other.replace(path)


def drop_key_frame(path: Path) -> None:
    """Leave out the first packet, as cutting at any place does."""
    _copy_packets(path, lambda packets: packets[1:])


def same_stamps(number: int) -> Callable[[Path], None]:
    """Give each ``number`` packets one time stamp."""

    def even(packets: list) -> list:
        for place, packet in enumerate(packets):
            packet.pts = packet.dts = (place - place % number) * packet.duration
        return packets

    return lambda path: _copy_packets(path, even)


def drop_start(path: Path) -> None:
    """Cut off the first fifth of a transport stream, in whole packets of 188 bytes."""
    content = path.read_bytes()
    path.write_bytes(content[188 * (len(content) // 188 // 5) :])


def append_later(path: Path) -> None:
    """Put the same recording behind itself, with stamps an hour later."""
    other = path.with_name(f"later{path.suffix}")
    run_ffmpeg("-i", path, "-c", "copy", "-output_ts_offset", "3600", other)
    path.write_bytes(path.read_bytes() + other.read_bytes())
    other.unlink()


def cut_in_half(path: Path) -> None:
    """A download that was broken off."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def pack_b_frames(path: Path) -> None:
    """Put each B-frame into the chunk of the picture before it, and an empty picture in its place.

    So did DivX and Xvid, because AVI cannot say that pictures are shown in another order than they
    are decoded. Needs a file with at most one B-frame in a row.
    """
    other = path.with_name(f"other{path.suffix}")
    with av.open(str(path)) as source, av.open(str(other), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.codec_context.extradata = None
        header = source.streams.video[0].codec_context.extradata
        chunks: list[bytes] = []
        for packet in source.demux(video=0):
            content = bytes(packet)
            if not content:
                continue
            if not chunks:  # the mark by which decoders know such files
                content = header + b"\x00\x00\x01\xb2DivX503b1393p" + content
            place = content.rindex(b"\x00\x00\x01\xb6")
            is_b = content[place + 4] >> 6 == 2
            if is_b:
                chunks[-1] += content
                chunks.append(b"\x00\x00\x01\xb6\x50\x00\x7f")
            else:
                chunks.append(content)
        for number, chunk in enumerate(chunks):
            packet = av.Packet(chunk)
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts = packet.dts = number
            packet.is_keyframe = number == 0
            target.mux(packet)
    other.replace(path)
