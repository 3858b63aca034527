"""When the frames of a video are shown, without decoding them where the container tells."""

from pathlib import Path

import numpy as np

from simhand_mm.preparation.videos import VideoError, import_av, sample_frames

# Containers whose packets say when they are shown, each in its own way of being opened.
_INDEXED = {".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska"}
_EVERY_FRAME = 1e6  # frames per second, more than any video has


def frame_times(path: str | Path) -> np.ndarray:
    """Seconds since the first frame at which each frame of a video is shown, by frame index.

    Args:
        path: The video file.

    Returns:
        ``[F]`` float64, ascending. Of a damaged video the frames that can be read.

    Raises:
        VideoError: If it holds no video.
    """
    times = _times_of_packets(Path(path))
    if times is not None:
        return times
    found: dict[int, float] = {}
    try:
        for frame in sample_frames(path, _EVERY_FRAME):
            found[frame.index] = frame.time_s
    except VideoError:
        if not found:
            raise
    filled = np.full(max(found) + 1, -np.inf)
    filled[list(found)] = list(found.values())
    return np.maximum.accumulate(filled)


def frame_times_or_none(path: str | Path) -> np.ndarray | None:
    """As :func:`frame_times`; None for a file that cannot be read, so that the others go on."""
    try:
        return frame_times(path)
    except VideoError:
        return None


def _times_of_packets(path: Path) -> np.ndarray | None:
    """Times of the packets in the order of display; None if they do not tell for sure."""
    container_format = _INDEXED.get(path.suffix.lower())
    if container_format is None or not path.is_file():
        return None
    av = import_av()
    whitelist = {"format_whitelist": f"{container_format},mp4,webm", "protocol_whitelist": "file"}
    try:
        with av.open(f"file:{path}", container_options=whitelist) as container:
            (stream,) = container.streams.video
            packets = [p for p in container.demux(stream) if p.size and not p.is_discard]
            stamps = [packet.pts for packet in packets]
            if not stamps or None in stamps or len(set(stamps)) < len(stamps):
                return None
            ticks = np.sort(np.array(stamps, dtype=np.int64))
            return (ticks - ticks[0]) * float(stream.time_base)
    except (av.FFmpegError, ValueError):  # ValueError: cover art, or several streams
        return None
