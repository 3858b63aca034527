"""What every converter of hand boxes shares: frame names, one record a box, counted drops."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

# "<video>/frame_000030", "<video>_frame000030", "<video>/000030", "<video>_30"
_FRAME_NAME = re.compile(r"(?P<video>.*?)[/_.-]*(?:frame[_-]?)?(?P<frame>\d+)$", re.IGNORECASE)
_SIDES = {"0": "left", "1": "right", "l": "left", "r": "right", "left": "left", "right": "right"}

DEFAULT_MIN_SCORE = 0.5  # of the boxes of a detector


@dataclass
class BoxConversion:
    """Hand boxes for ``write_detections``, and what was left out.

    Attributes:
        min_score: Boxes with less are left out.
        boxes: One record a box.
        num_frames: Frames that were read, with hands or without.
        drops: Reason -> number.
        examples: Reason -> the first one.
    """

    min_score: float = DEFAULT_MIN_SCORE
    boxes: list[dict[str, Any]] = field(default_factory=list)
    num_frames: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(
        self, frame: tuple[str, int], bbox_xyxy: Any, score: float, handedness: str, place: str
    ) -> None:
        """Keep one box, or count why not.

        Args:
            frame: Video id and frame index.
            bbox_xyxy: ``[4]`` px.
            score: In [0, 1].
            handedness: ``'left'``, ``'right'``, or '' if unknown.
            place: Where the box was found, for messages.
        """
        box = np.asarray(bbox_xyxy, dtype=np.float64)
        if not (np.isfinite(box).all() and np.isfinite(score)):
            self.drop("box or score is not finite", place)
        elif not (box[2:] > box[:2]).all():
            self.drop("box without area", place)
        elif score < self.min_score:
            self.drop("low score", place)
        else:
            self.boxes.append(
                {
                    "video_id": frame[0],
                    "frame_index": frame[1],
                    "bbox_xyxy": box,
                    "score": float(score),
                    "handedness": handedness,
                }
            )

    def drop(self, reason: str, place: str) -> None:
        """Count what is left out."""
        self.drops[reason] += 1
        self.examples.setdefault(reason, place)

    def summary(self) -> str:
        """Counts for the terminal."""
        lines = [f"{len(self.boxes):,} boxes in {self.num_frames:,} frames"]
        for reason, count in self.drops.most_common():
            lines.append(f"  left out {count:,}: {reason} (first: {self.examples[reason]})")
        return "\n".join(lines)


def parse_frame_name(name: str | Path) -> tuple[str, int]:
    """Video id and frame index of a file that belongs to one frame.

    The digits at the end of the name count the frame from 0; what is before them, folders
    included and without the word "frame", is the video.

    Raises:
        ValueError: If the name does not end in digits or names no video.

    Example:
        >>> parse_frame_name("ego/a1b2/frame_000030.npy")
        ('ego/a1b2', 30)
        >>> parse_frame_name("boardgame_v_abc_frame000169.jpg")
        ('boardgame_v_abc', 169)
    """
    stem = PurePosixPath(name).with_suffix("").as_posix()
    match = _FRAME_NAME.match(stem)
    if not match or not match["video"]:
        raise ValueError(
            f"name must be <video>/frame_<number> or <video>_frame<number>, but got {str(name)!r}. "
            "Rename the files of the frames."
        )
    return match["video"], int(match["frame"])


def parse_side(value: Any) -> str:
    """``'left'`` or ``'right'`` of a person's own hand from the ways in use (0, 'L', 'Left', ...).

    Raises:
        ValueError: If the value is none of them.
    """
    text = str(int(value) if isinstance(value, float) and value in (0, 1) else value)
    if text.strip().lower() not in _SIDES:
        raise ValueError(f"side must be 0/1, L/R or left/right, but got {value!r}.")
    return _SIDES[text.strip().lower()]
