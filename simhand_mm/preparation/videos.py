"""Sampling the frames of a video by time stamp."""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from simhand_mm.preparation.frame_reader import Frame, FrameReader
from simhand_mm.preparation.pictures import UnknownColours, square_width

# Containers that contain their own frames. Playlists are excluded: a file must not cause other
# files or addresses to be opened.
_CONTAINERS = (
    "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,mpegvideo,h264,hevc,m4v,"
    "gif,apng,mxf,dv,ivf,obu,nut,rm,wtv,vc1"
)
_MAX_PIXELS = 1 << 26  # 8192 x 8192: a damaged header must not exhaust the memory


class VideoError(ValueError):
    """A video that cannot be read, or not to its end.

    Attributes:
        reason: Short code for counting, such as ``not_a_video``.
        detail: Description without the path of the file.
    """

    def __init__(self, path: str | Path, reason: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.reason = reason
        self.detail = detail


def sample_frames(
    path: str | Path, fps: float, only: frozenset[int] | None = None, num_threads: int = 1
) -> Iterator[Frame]:
    """Yield the first frame of each interval of ``1 / fps`` seconds.

    Frames are selected by time stamp, for any constant or variable frame rate. If the frame rate
    is lower than ``fps``, all frames are returned.

    Args:
        path: The video file.
        fps: Frames to sample per second of video, > 0.
        only: Indices of the frames to choose from; None for all.
        num_threads: Number of decoding threads; does not affect the result.

    Raises:
        VideoError: After the last readable frame if the file is damaged or truncated; immediately
            if it contains no video. Frames yielded before are valid.
    """
    if not fps > 0:
        raise ValueError(f"fps must be positive, but got {fps}. Give frames per second of video.")
    with ExitStack() as stack:
        reader = _reader(path, stack, fps, only, num_threads)
        num_frames = 0
        try:
            for frame in reader:
                num_frames += 1
                yield frame
        except UnknownColours as error:
            raise VideoError(path, "unknown_colours", str(error)) from error
        if reader.problems or not num_frames:
            problems = "; ".join(reader.problems) or "nothing could be decoded"
            reason = "damaged" if num_frames else "no_frames"
            raise VideoError(path, reason, f"{num_frames} frames were read, but {problems}")


def frame_times(path: str | Path) -> np.ndarray:
    """Seconds from the first frame to each frame of a video, by the index of :func:`sample_frames`.

    Frames are decoded only if the container does not reliably state their times.

    Args:
        path: The video file.

    Returns:
        ``[F]`` float64, non-decreasing: a decreasing time stamp is replaced by the latest before
        it. For a damaged video, the readable frames; empty if it cannot be read at all.
    """
    try:
        with ExitStack() as stack:
            # The first frame shows whether two packets may be one frame (interlaced video).
            reader = _reader(path, stack, fps=1.0, only=frozenset([0]), num_threads=1)
            for _ in reader:
                pass
    except (VideoError, UnknownColours):
        return np.zeros(0)
    return np.maximum.accumulate(reader.times_s)


def _reader(
    path: str | Path, stack: ExitStack, fps: float, only: frozenset[int] | None, num_threads: int
) -> FrameReader:
    def open_stream() -> Any:
        return _video_stream(stack.enter_context(_open_video(Path(path))), path)

    return FrameReader(open_stream, Fraction(str(fps)), only, num_threads)


def import_av() -> ModuleType:
    """Import PyAV, or raise an error with the command that installs it."""
    try:
        import av
    except ImportError as error:
        raise ImportError(
            'PyAV must be installed to read videos. Run: pip install "simhand-mm[prepare]".'
        ) from error
    return av


def _open_video(path: Path) -> Any:
    av = import_av()
    try:
        num_bytes = path.stat().st_size
    except OSError as error:
        raise VideoError(path, "unreadable_file", str(error.strerror)) from error
    if not num_bytes:
        raise VideoError(path, "empty_file", "the file has 0 bytes")
    options = {
        "format_whitelist": _CONTAINERS,
        "protocol_whitelist": "file",
        "fflags": "-genpts",  # generated time stamps would decrease in packed AVI
    }
    try:
        # Not "options": PyAV also passes those to streams, and crashes on streams that start late.
        return av.open(f"file:{path}", container_options=options, metadata_errors="ignore")
    except av.FFmpegError as error:
        raise VideoError(
            path, "not_a_video", f"no video could be opened: {error.strerror}"
        ) from error


def _video_stream(container: Any, path: str | Path) -> Any:
    """Return the first video stream, ignoring the cover art of audio files."""
    from av.stream import Disposition

    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        raise VideoError(path, "no_video_stream", "there is no video stream that can be decoded")
    context = streams[0].codec_context
    width = max(context.width, square_width(context.width, streams[0]))
    if width * context.height > _MAX_PIXELS:
        raise VideoError(
            path,
            "frame_too_large",
            f"frames have {width} x {context.height} px, more than {_MAX_PIXELS} in all",
        )
    # Damaged packets must give reproducible results: no threads inside the decoder, and no frames
    # that are partly uninitialised memory.
    context.thread_count = 1
    context.options = {"err_detect": "explode"}
    return streams[0]
