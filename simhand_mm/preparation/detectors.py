"""Detectors of hand boxes with a common protocol.

Boxes from other programs are read from a table (``simhand_mm.pool.detections``), which
``simhand_mm.converters`` creates from common formats.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from simhand_mm.pool import HandBox, read_detections
from simhand_mm.preparation.frame_reader import Frame


class HandDetector(Protocol):
    """Finds the boxes of the hands in a frame."""

    def frames_of(self, video_id: str) -> frozenset[int] | None:
        """Return the indices of the frames of a video that can be used; None for all."""
        ...

    def __call__(self, video_id: str, frame: Frame) -> list[HandBox]:
        """Return boxes in a reproducible order."""
        ...


class DetectionTable:
    """Boxes from a table of detections.

    Only frames in the table are used, because boxes of one frame do not fit another frame.

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
        """Return boxes by frame; only one video is kept in memory."""
        if self._video_id != video_id:
            self._boxes = {}
            for row in read_detections(self._path, video_id):
                box = HandBox(np.array(row["bbox_xyxy"]), row["handedness"], row["score"])
                self._boxes.setdefault(row["frame_index"], []).append(box)
            self._video_id = video_id
        return self._boxes


class MMDetDetector:
    """An mmdet detector with hand classes; needs an mmcv with compiled operators.

    Classes with "hand" in their name are used; "left" or "right" in the name is the handedness.

    Args:
        config: mmdet config file.
        checkpoint: Its weights.
        min_score: Boxes with a lower score are dropped.

    Raises:
        ImportError: If mmdet is not installed.
        NotImplementedError: If mmcv has no compiled operators.
        ValueError: If the detector has no class for hands.
    """

    def __init__(self, config: str, checkpoint: str, min_score: float = 0.5) -> None:
        try:
            import torch
            from mmcv.ops import nms
            from mmdet.apis import inference_detector, init_detector
        except ImportError as error:
            raise ImportError(
                "mmdet must be installed to use its detectors. Run: pip install --no-deps "
                'mmdet==3.3.0 mmcv==2.1.0 && pip install "simhand-mm[pose]".'
            ) from error
        nms(torch.zeros(1, 4), torch.zeros(1), 0.5)  # fails at the start instead of in each video
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = init_detector(config, checkpoint, device=device)
        self._infer: Any = inference_detector
        self._min_score = min_score
        classes = [name.lower() for name in self._model.dataset_meta["classes"]]
        self._sides = {
            label: next((side for side in ("left", "right") if side in name), "")
            for label, name in enumerate(classes)
            if "hand" in name
        }
        if not self._sides:
            raise ValueError(
                f"{config} must have a class with 'hand' in its name, but has {classes}. Use a "
                "hand detector."
            )

    def frames_of(self, video_id: str) -> None:
        """See :class:`HandDetector`."""
        return

    def __call__(self, video_id: str, frame: Frame) -> list[HandBox]:
        """See :class:`HandDetector`."""
        image = np.ascontiguousarray(frame.image[..., ::-1])  # mmdet takes BGR
        found = self._infer(self._model, image).pred_instances.numpy()
        return [
            HandBox(box.astype(np.float64), self._sides[label], float(score))
            for box, score, label in zip(found.bboxes, found.scores, found.labels, strict=True)
            if label in self._sides and score >= self._min_score
        ]
