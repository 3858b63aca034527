"""Settings of the detector and the keypoint estimator, which can be sent to other processes."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Protocol

from tyro.conf import Fixed, arg

from simhand_mm.pool.files import sha256_of
from simhand_mm.preparation.detectors import DetectionTable, HandDetector, MMDetDetector
from simhand_mm.preparation.finders import BoxFinder, FullFrameFinder, HandFinder
from simhand_mm.preparation.keypoints import MediaPipeHands, MediaPipeTasks, mediapipe_version


class FinderRecipe(Protocol):
    """Describes how hands are found; can be pickled."""

    def build(self) -> HandFinder:
        """Create the finder; called once in each process."""
        ...

    def record(self) -> dict[str, Any]:
        """Return a JSON-like form for ``pool.json`` with all settings that affect the result."""
        ...


@dataclass(frozen=True)
class MediaPipeRecipe:
    """MediaPipe on whole frames, or in given boxes.

    Attributes:
        max_hands: Maximum number of hands per image.
        min_score: Minimum confidence of MediaPipe's palm detector, and of the boxes of an mmdet
            detector. On the command line, it is set by --min-score of the quality gate.
        task_file: Model (hand_landmarker.task) for MediaPipe's Tasks API; by default, the legacy
            solution with its built-in model is used.
        detections: Table of boxes from simhand convert-boxes; by default, MediaPipe detects
            hands in whole frames.
        mmdet: Config and checkpoint of an mmdet detector that finds the boxes.
        keypoint_crop_scale: With boxes: side of the square crop for MediaPipe, divided by the
            longer side of the box.
    """

    max_hands: int = 4
    min_score: Fixed[float] = 0.5
    task_file: str = ""
    detections: str = ""
    mmdet: Annotated[tuple[str, str] | None, arg(metavar="CONFIG CHECKPOINT")] = None
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
        return MMDetDetector(*self.mmdet, min_score=self.min_score) if self.mmdet else None

    def record(self) -> dict[str, Any]:
        """See :class:`FinderRecipe`; files are identified by a hash of their content."""
        record = {**asdict(self), "mediapipe": mediapipe_version()}
        for name in ("task_file", "detections"):
            record[name] = f"sha256:{sha256_of(record[name])}" if record[name] else ""
        record["mmdet"] = [f"sha256:{sha256_of(path)}" for path in self.mmdet or ()]
        return record
