"""From the numbers in the names of extracted frames to frames of the videos they came from.

Boxes are often found in pictures that ffmpeg wrote, one for every n-th frame or so many per second,
counted from 1. Preparing a pool needs the number of the source frame, counted from 0.
Axes: F frames of a video.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

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
        frame_fps: Pictures that ffmpeg took per second of video, instead of every n-th frame.
            Needs the videos, because only they tell when a frame is shown.
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
        if not len(times_s) or (k - 0.5) / self.frame_fps > times_s[-1]:
            return None
        return max(int(np.searchsorted(times_s, (k + 0.5) / self.frame_fps)) - 1, 0)


# How 100DOH counts, after what users of its files say: 0.5 frames per second, from 1.
NUMBERING_100DOH = FrameNumbering(frame_offset=1, frame_fps=0.5)


def match_videos(conversion: BoxConversion, video_ids: Iterable[str]) -> None:
    """Give boxes the ids of the videos that their names mean, in place; others are dropped.

    100DOH calls a video ``<genre>_v_<address at YouTube>``. Files are often called by the address
    alone, and lie in a folder.

    Args:
        conversion: Boxes whose ``video_id`` is what stands before the number in the names.
        video_ids: Of the videos that are there.
    """
    known = set(video_ids)
    by_name: dict[str, set[str]] = {}
    for video_id in known:
        by_name.setdefault(PurePosixPath(video_id).name, set()).add(video_id)
    boxes, conversion.boxes = conversion.boxes, []
    for box in boxes:
        name = box["video_id"]
        address = _100DOH_VIDEO.fullmatch(PurePosixPath(name).name)
        names = [name, address["address"]] if address else [name]
        candidates = ({n} if n in known else by_name.get(n, set()) for n in names)
        found = next(filter(None, candidates), set())
        if len(found) == 1:
            conversion.boxes.append({**box, "video_id": next(iter(found))})
        else:
            reason = "several videos of this name" if found else "no video of this name"
            conversion.drop(reason, f"{name}, frame {box['frame_index']}")


def to_source_frames(
    conversion: BoxConversion,
    numbering: FrameNumbering,
    times_s: Mapping[str, np.ndarray | None] | None = None,
) -> None:
    """Renumber boxes by source frames, in place; those that fit no frame are dropped and counted.

    Args:
        conversion: Boxes by the numbers in the names of the pictures.
        numbering: How these count.
        times_s: Video id -> ``[F]`` seconds since the first frame, None for a video that cannot be
            read; None if the videos are not there.

    Raises:
        ValueError: If ``frame_fps`` is given and the videos are not.
    """
    if numbering.frame_fps is not None and times_s is None:
        raise ValueError(
            f"pictures taken at {numbering.frame_fps:g} per second, counted from "
            f"{numbering.frame_offset}, must come with their videos, which tell when a frame is "
            "shown, but none were given. Give their folder with --videos, or --frame-step N if "
            "the pictures are every N-th frame."
        )
    boxes, conversion.boxes = conversion.boxes, []
    numbers: dict[tuple[str, int], int] = {}  # source frame -> number of the picture that shows it
    for box in boxes:
        video_id, number = box["video_id"], box["frame_index"]
        place = f"{video_id}, frame {number}"
        times = None if times_s is None else times_s[video_id]
        if times is None and times_s is not None:
            conversion.drop("unreadable video", place)
            continue
        index = numbering.source_frame(number, times)
        if index is None:
            conversion.drop("the video has no such frame", place)
        elif numbers.setdefault((video_id, index), number) != number:
            conversion.drop("another picture shows the same frame", place)
        else:
            conversion.boxes.append({**box, "frame_index": index})
