"""The choice of detector and keypoint estimator, as a recipe that travels to other processes."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from simhand_mm.preparation.detectors import DetectionTable, HandDetector, MMDetDetector
from simhand_mm.preparation.finders import BoxFinder, FullFrameFinder, HandFinder
from simhand_mm.preparation.keypoints import MediaPipeHands, MediaPipeTasks, mediapipe_version


class FinderRecipe(Protocol):
    """How hands are found; can be pickled."""

    def build(self) -> HandFinder:
        """Make the finder; called once in each process."""

    def record(self) -> dict[str, Any]:
        """JSON-like form for ``pool.json``: everything that changes what is found."""


@dataclass(frozen=True)
class MediaPipeRecipe:
    """MediaPipe on whole frames, or in given boxes.

    Attributes:
        max_hands: Hands found in an image at most.
        min_score: Least confidence of MediaPipe's palm detector.
        task_file: Model for the Tasks API; '' for the legacy solution, which brings its own.
        detections: Table of boxes; '' for MediaPipe's own detector on whole frames.
        mmdet: Config and checkpoint of an mmdet detector; empty for none.
        keypoint_crop_scale: With boxes, side of the square crop that MediaPipe sees over the
            longer side of the box.
    """

    max_hands: int = 4
    min_score: float = 0.5
    task_file: str = ""
    detections: str = ""
    mmdet: tuple[str, ...] = ()
    keypoint_crop_scale: float = 2.5

    def build(self) -> HandFinder:
        """See :class:`FinderRecipe`."""
        if self.task_file:
            estimator = MediaPipeTasks(self.task_file, self.max_hands, self.min_score)
        else:
            estimator = MediaPipeHands(self.max_hands, self.min_score)
        detector = self._build_detector()
        if detector is None:
            return FullFrameFinder(estimator)
        return BoxFinder(detector, estimator, self.keypoint_crop_scale)

    def _build_detector(self) -> HandDetector | None:
        if self.detections and self.mmdet:
            raise ValueError("detections and mmdet must not both be given. Choose one.")
        if self.detections:
            return DetectionTable(self.detections)
        return MMDetDetector(*self.mmdet) if self.mmdet else None

    def record(self) -> dict[str, Any]:
        """See :class:`FinderRecipe`; files are named by their content."""
        record = {**asdict(self), "mediapipe": mediapipe_version()}
        for name in ("task_file", "detections"):
            record[name] = _digest(record[name]) if record[name] else ""
        record["mmdet"] = [_digest(path) for path in self.mmdet]
        return record


def _digest(path: str) -> str:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} must be a file, but it is not. Correct the path.")
    return "sha256:" + hashlib.sha256(Path(path).read_bytes()).hexdigest()
