"""Common parts of all converters of hand boxes: frame names, records, counts of dropped boxes."""

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
    """Hand boxes for ``write_detections``, and the number of boxes dropped.

    Attributes:
        min_score: Boxes with a lower score are dropped.
        boxes: One record per box.
        num_frames: Number of frames read, with or without hands.
        drops: Number of boxes dropped, by reason.
        examples: The first box dropped, by reason.
    """

    min_score: float = DEFAULT_MIN_SCORE
    boxes: list[dict[str, Any]] = field(default_factory=list)
    num_frames: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(
        self, frame: tuple[str, int], bbox_xyxy: Any, score: float, handedness: str, place: str
    ) -> None:
        """Add one box, or count the reason why it is dropped.

        Args:
            frame: Video id and frame index.
            bbox_xyxy: ``[4]`` px.
            score: Score in [0, 1].
            handedness: ``'left'``, ``'right'``, or '' if unknown.
            place: File and position of the box, for messages.
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
        """Count a box that is dropped."""
        self.drops[reason] += 1
        self.examples.setdefault(reason, place)

    def summary(self) -> str:
        """Format the counts as text."""
        lines = [f"{len(self.boxes):,} boxes in {self.num_frames:,} frames"]
        for reason, count in self.drops.most_common():
            lines.append(f"  dropped {count:,}: {reason} (first: {self.examples[reason]})")
        return "\n".join(lines)


def parse_frame_name(name: str | Path) -> tuple[str, int]:
    """Parse video id and frame index from the name of a file that belongs to one frame.

    The digits at the end of the name are the frame index, from 0. The part before them, including
    folders but without the word "frame", is the video id.

    Raises:
        ValueError: If the name does not end in digits or has no video id.

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
            "Rename the files."
        )
    return match["video"], int(match["frame"])


def parse_side(value: Any) -> str:
    """Convert a common notation of the side (0, 'L', 'Left', ...) to ``'left'`` or ``'right'``.

    Raises:
        ValueError: If the notation is unknown.
    """
    text = str(int(value) if isinstance(value, float) and value in (0, 1) else value)
    if text.strip().lower() not in _SIDES:
        raise ValueError(f"side must be 0/1, L/R or left/right, but got {value!r}.")
    return _SIDES[text.strip().lower()]
