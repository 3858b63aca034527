"""Detectors of hand boxes behind one protocol.

Boxes that some other program found come as a table (``simhand_mm.pool.detections``), whatever
their origin; ``simhand_mm.converters`` makes it from the formats in use.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from simhand_mm.pool import read_detections
from simhand_mm.preparation.frame_reader import Frame


@dataclass(frozen=True)
class HandBox:
    """A hand's box.

    Attributes:
        bbox_xyxy: ``[4]``, px of the frame.
        score: In [0, 1].
        handedness: ``'left'`` or ``'right'``, the person's own hand, or '' if the detector does
            not tell.
    """

    bbox_xyxy: np.ndarray
    score: float
    handedness: str


class HandDetector(Protocol):
    """Finds the boxes of the hands in a frame."""

    def frames_of(self, video_id: str) -> frozenset[int] | None:
        """Indices of the frames of a video that can be looked at; None for all."""

    def __call__(self, video_id: str, frame: Frame) -> list[HandBox]:
        """Boxes in a reproducible order."""


class DetectionTable:
    """Boxes from a table of detections.

    Only frames of the table are looked at: boxes of one frame do not fit another.

    Args:
        path: The table.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a table of detections.
    """

    def __init__(self, path: str | Path) -> None:
        read_detections(path, video_id="")  # a wrong file stops the run before the first video
        self._path = Path(path)
        self._video_id: str | None = None
        self._boxes: dict[int, list[HandBox]] = {}

    def frames_of(self, video_id: str) -> frozenset[int]:
        """See :class:`HandDetector`."""
        return frozenset(self._boxes_of(video_id))

    def __call__(self, video_id: str, frame: Frame) -> list[HandBox]:
        """See :class:`HandDetector`."""
        return self._boxes_of(video_id).get(frame.index, [])

    def _boxes_of(self, video_id: str) -> dict[int, list[HandBox]]:
        """Boxes by frame; one video is held at a time."""
        if self._video_id != video_id:
            self._boxes = {}
            for row in read_detections(self._path, video_id):
                box = HandBox(np.array(row["bbox_xyxy"]), row["score"], row["handedness"])
                self._boxes.setdefault(row["frame_index"], []).append(box)
            self._video_id = video_id
        return self._boxes
