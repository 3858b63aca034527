"""Converts decoded frames to RGB as shown by players: upright, square pixels, correct colours.

FFmpeg filters are used in the order and with the defaults of the ``ffmpeg`` program, so the images
equal its output. High dynamic range (HLG, PQ) is mapped to standard dynamic range by its ``scale``
filter. Axes: ``H, W`` rows and columns of the image.
"""

from typing import Any

import numpy as np

_HDR_TRANSFERS = (16, 18)  # PQ (SMPTE ST 2084), HLG (ARIB STD-B67): numbers of ITU-T H.273


class UnknownColours(ValueError):
    """Colours that FFmpeg cannot turn into RGB."""


class PictureConverter:
    """Converts the frames of a stream to images; reuses the filters of the previous frame."""

    def __init__(self) -> None:
        self._look: tuple | None = None
        self._graph: Any = None

    def __call__(self, picture: Any, stream: Any) -> np.ndarray:
        """Return a frame decoded from a stream as ``uint8 [H, W, 3]`` RGB."""
        look = (
            picture.width,
            picture.height,
            picture.format.name,
            int(picture.colorspace),
            int(picture.color_range),
            square_width(picture.width, stream),
            _orientation(picture),
            stream.codec_context.color_trc in _HDR_TRANSFERS,
        )
        if look != self._look:
            self._look, self._graph = look, _build_graph(*look)
        self._graph.push(picture)
        return self._graph.pull().to_ndarray()


def square_width(width: int, stream: Any) -> int:
    """Return the width in px with square pixels. The height does not change, as in players."""
    aspect = stream.sample_aspect_ratio  # of a pixel; None or 0 if unknown
    return max(1, round(width * aspect)) if aspect and aspect > 0 else width


def _build_graph(
    width: int,
    height: int,
    pixel_format: str,
    colorspace: int,
    color_range: int,
    shown_width: int,
    turns: list[tuple[str, str | None]],
    is_hdr: bool,
) -> Any:
    from av import FFmpegError
    from av.filter import Graph

    source = (
        f"video_size={width}x{height}:pix_fmt={pixel_format}:time_base=1/1:pixel_aspect=1/1:"
        f"colorspace={colorspace}:range={color_range}"
    )
    steps = [("buffer", source), *turns]
    if shown_width != width:
        is_on_its_side = any(name == "transpose" for name, _ in turns)
        sides = (height, shown_width) if is_on_its_side else (shown_width, height)
        steps.append(("scale", f"w={sides[0]}:h={sides[1]}:flags=bicubic"))
    if is_hdr:
        steps.append(("scale", "out_primaries=bt709:out_transfer=bt709"))
    steps += [("format", "rgb24"), ("buffersink", None)]
    graph = Graph()
    try:
        graph.link_nodes(*(graph.add(name, args) for name, args in steps)).configure()
    except FFmpegError as error:
        raise UnknownColours(
            f"pictures of format {pixel_format} with matrix {colorspace} (ITU-T H.273) cannot be "
            f"turned into RGB: {error.strerror}"
        ) from error
    return graph


def _orientation(picture: Any) -> list[tuple[str, str | None]]:
    """Return filters for one of the eight orientations of a display matrix.

    The matrix maps a point ``(x, y)`` of the stored frame to ``(a x + c y, b x + d y)``; a
    negative determinant mirrors. Other angles are rounded to the nearest quarter turn.
    """
    a, b, c, d = _display_matrix(picture)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        flips = (("hflip", a), ("vflip", d))
        return [(name, None) for name, sign in flips if sign < 0]
    # Rows become columns: (x, y) -> (y, x), then reversed axes are flipped.
    direction = {(0, 0): "cclock_flip", (1, 0): "clock", (0, 1): "cclock", (1, 1): "clock_flip"}
    return [("transpose", f"dir={direction[int(c < 0), int(b < 0)]}")]


def _display_matrix(picture: Any) -> tuple[float, float, float, float]:
    try:
        matrix = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV does not support another kind of side data of this frame
        turn = np.deg2rad(picture.rotation)  # counter-clockwise
        return np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)
    if matrix is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    return a, b, c, d
