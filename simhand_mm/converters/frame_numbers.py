"""From the numbers in the names of extracted frames to frames of the videos they came from.

Boxes are often found in pictures that ffmpeg wrote, one for every n-th frame or so many per second,
counted from 1. Preparing a pool needs the number of the source frame, counted from 0.
Axes: F frames of a video.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from simhand_mm.converters.boxes import BoxConversion

# The genre and the 11 characters of an address at YouTube.
_100DOH_VIDEO = re.compile(r"(?P<genre>[a-z]+)_v_(?P<address>[\w-]{11})")


@dataclass(frozen=True)
class FrameNumbering:
    """How the numbers in the names count the frames of a video.

    Attributes:
        frame_offset: Number of the first frame: 1 for pictures that ffmpeg wrote.
        frame_step: Source frames from one picture to the next; 1 by default.
        frame_fps: Pictures that ffmpeg took per second of video (``-vf fps=10``), instead of every
            n-th frame. Needs the videos, because only they tell when a frame is shown. Its option
            ``-r 10`` takes other frames: they lag by one to two pictures.
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
        """Index of the source frame that a picture shows; None if the video has no such frame.

        The fps filter of ffmpeg writes, as picture k from 0, the last frame that is shown before
        (k + 1/2) / fps seconds.

        Args:
            number: As in the name of the picture.
            times_s: ``[F]`` seconds since the first frame, ascending; None if not known, which
                ``frame_fps`` does not allow.
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


# How 100DOH counts, after what users of its files say: 0.5 frames per second, from 1.
NUMBERING_100DOH = FrameNumbering(frame_offset=1, frame_fps=0.5)


@dataclass(frozen=True)
class VideoFiles:
    """The videos that extracted frames came from; can be pickled.

    Attributes:
        paths: Video id -> file.
        read_times: Gives the seconds from the first frame to each frame of a file, ``[F]``
            ascending; empty if it cannot be read.
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
        """Ids of the videos that frames of a given name may come from; [] if there is none.

        100DOH calls a video ``<genre>_v_<address at YouTube>``. Files are often called by the
        address alone, and may lie in a folder.
        """
        match = _100DOH_VIDEO.fullmatch(PurePosixPath(name).name)
        for candidate in [name, match["address"]] if match else [name]:
            if candidate in self.paths:
                return [candidate]
            if candidate in self._by_name:
                return self._by_name[candidate]
        return []

    def times_of(self, video_id: str) -> np.ndarray:
        """Times of the frames of a video; empty if it cannot be read."""
        return self.read_times(self.paths[video_id])


def to_source_frames(
    conversion: BoxConversion, numbering: FrameNumbering, videos: VideoFiles | None = None
) -> None:
    """Renumber boxes by source frames, in place; those that fit no frame are dropped and counted.

    With ``videos`` the boxes also get the ids of the videos that their names mean.

    Args:
        conversion: Boxes by the names and numbers of the pictures.
        numbering: How these count.
        videos: None if they are not there.

    Raises:
        ValueError: If ``frame_fps`` is given and ``videos`` is not.
    """
    if numbering.frame_fps is not None and videos is None:
        raise ValueError(
            f"pictures taken at {numbering.frame_fps:g} per second, counted from "
            f"{numbering.frame_offset}, must come with their videos, which tell when a frame is "
            "shown, but none were given. Give their folder with --videos, or --frame-step N if "
            "the pictures are every N-th frame."
        )
    if videos is not None:
        _match_videos(conversion, videos)
    boxes, conversion.boxes = conversion.boxes, []
    times: dict[str, np.ndarray] = {}
    numbers: dict[tuple[str, int], int] = {}  # source frame -> number of the picture that shows it
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
            conversion.drop("another picture shows the same frame", place)
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
