"""From the numbers in the names of extracted images to frame indices of their videos.

Boxes are often detected in images that ffmpeg extracted, every n-th frame or at a fixed rate,
numbered from 1. Preparing a pool needs the index of the source frame, from 0.

Axes: F frames of a video.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from simhand_mm.converters.boxes import BoxConversion

# The genre and the 11 characters of a YouTube id.
_100DOH_VIDEO = re.compile(r"(?P<genre>[a-z]+)_v_(?P<youtube_id>[\w-]{11})")


@dataclass(frozen=True)
class FrameNumbering:
    """How the numbers of images relate to the frames of a video.

    Attributes:
        frame_offset: Number of the first image: 1 for images extracted by ffmpeg.
        frame_step: Number of source frames from one image to the next (default: 1).
        frame_fps: Images per second of video, if ffmpeg extracted them at a fixed rate
            (``-vf fps=10``). Needs the videos, which have the time stamps of the frames. ffmpeg's
            option ``-r 10`` is not the same: its images lag by one to two.
    """

    frame_offset: int = 0
    frame_step: int | None = None
    frame_fps: float | None = None

    def __post_init__(self) -> None:
        if self.frame_step is not None and self.frame_step < 1:
            raise ValueError(f"frame_step must be at least 1, but got {self.frame_step}.")
        if self.frame_fps is not None and not self.frame_fps > 0:
            raise ValueError(f"frame_fps must be positive, but got {self.frame_fps}.")
        if self.frame_fps is not None and self.frame_step is not None:
            raise ValueError(
                f"only one of frame_step and frame_fps must be given, but got {self.frame_step} "
                f"and {self.frame_fps}."
            )

    def source_frame(self, number: int, times_s: np.ndarray | None) -> int | None:
        """Return the index of the source frame of an image; None if the video has no such frame.

        Image k (from 0) of ffmpeg's fps filter is the last frame with a time stamp before
        (k + 1/2) / fps seconds.

        Args:
            number: The number in the name of the image.
            times_s: ``[F]`` seconds since the first frame, ascending; None if unknown. Required
                with ``frame_fps``.
        """
        k = number - self.frame_offset
        if k < 0:
            return None
        if self.frame_fps is None or times_s is None:
            index = k * (self.frame_step or 1)
            return index if times_s is None or index < len(times_s) else None
        if (k - 0.5) / self.frame_fps > times_s[-1]:
            return None
        return max(int(np.searchsorted(times_s, (k + 0.5) / self.frame_fps)) - 1, 0)


#: Numbering of 100DOH as reported by users of its files: 0.5 frames per second, from 1.
NUMBERING_100DOH = FrameNumbering(frame_offset=1, frame_fps=0.5)


@dataclass(frozen=True)
class VideoFiles:
    """The videos that images were extracted from. Can be pickled.

    Attributes:
        paths: The file of each video id.
        read_times: Reads the times of the frames of a file in seconds since the first frame,
            ``[F]`` ascending; empty if it cannot be read.
    """

    paths: Mapping[str, Path]
    read_times: Callable[[Path], np.ndarray]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for video_id in self.paths:
            found.setdefault(PurePosixPath(video_id).name, []).append(video_id)
        return found

    def find(self, name: str) -> list[str]:
        """Return the ids of the videos that a name may refer to; [] if there is none.

        100DOH names a video ``<genre>_v_<YouTube id>``. Files are often named by the YouTube id
        alone, and may be in a folder.
        """
        match = _100DOH_VIDEO.fullmatch(PurePosixPath(name).name)
        for candidate in [name, match["youtube_id"]] if match else [name]:
            if candidate in self.paths:
                return [candidate]
            if candidate in self._by_name:
                return self._by_name[candidate]
        return []

    def times_of(self, video_id: str) -> np.ndarray:
        """Return the times of the frames of a video; empty if it cannot be read."""
        return self.read_times(self.paths[video_id])


def to_source_frames(
    conversion: BoxConversion, numbering: FrameNumbering, videos: VideoFiles | None = None
) -> None:
    """Replace image numbers of boxes by source frame indices, in place.

    Boxes without a source frame are dropped and counted. With ``videos``, names of videos are also
    replaced by video ids.

    Args:
        conversion: Boxes with the names and numbers of the images.
        numbering: How image numbers relate to frames.
        videos: The videos; None if they are not available.

    Raises:
        ValueError: If ``frame_fps`` is set and ``videos`` is None.
    """
    if numbering.frame_fps is not None and videos is None:
        raise ValueError(
            f"images extracted at {numbering.frame_fps:g} per second, numbered from "
            f"{numbering.frame_offset}, must come with their videos, which have the time stamps, "
            "but got no videos. Pass their folder with --videos, or --frame-step N if the images "
            "are every N-th frame."
        )
    if videos is not None:
        _match_videos(conversion, videos)
    boxes, conversion.boxes = conversion.boxes, []
    times: dict[str, np.ndarray] = {}
    numbers: dict[tuple[str, int], int] = {}  # source frame -> number of its image
    for box in boxes:
        video_id, number = box["video_id"], box["frame_index"]
        place = f"{video_id}, frame {number}"
        if videos is not None and video_id not in times:
            times[video_id] = videos.times_of(video_id)
        if video_id in times and not len(times[video_id]):
            conversion.drop("unreadable video", place)
            continue
        index = numbering.source_frame(number, times.get(video_id))
        if index is None:
            conversion.drop("the video has no such frame", place)
        elif numbers.setdefault((video_id, index), number) != number:
            conversion.drop("another image shows the same frame", place)
        else:
            conversion.boxes.append({**box, "frame_index": index})


def _match_videos(conversion: BoxConversion, videos: VideoFiles) -> None:
    boxes, conversion.boxes = conversion.boxes, []
    for box in boxes:
        found = videos.find(box["video_id"])
        if len(found) == 1:
            conversion.boxes.append({**box, "video_id": found[0]})
        else:
            reason = "several videos of this name" if found else "no video of this name"
            conversion.drop(reason, f"{box['video_id']}, frame {box['frame_index']}")
