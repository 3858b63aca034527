"""Ground truth of the hands in the synthetic videos, and its matching to the hands of a pool.

Axes: G ground-truth rows, N hands of a pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from simhand_mm.functional.boxes import box_iou
from simhand_mm.functional.keypoints import mirror_keypoints_3d, root_relative
from simhand_mm.pool.parquet_tables import read_columns
from simhand_mm.pool.schema import POSES

GROUND_TRUTH = pa.schema(
    [
        ("video_id", pa.string()),
        ("subject_id", pa.string()),
        ("frame_index", pa.int64()),
        ("time_s", pa.float64()),
        *(
            POSES.field(name)
            for name in (
                "handedness",
                "keypoints_2d",
                "keypoints_3d",
                "camera_matrix",
                "bbox_xyxy",
            )
        ),
    ]
)


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of the synthetic videos, one row per hand and frame.

    Attributes:
        video_id: ``[G]`` str.
        frame_index: ``[G]`` index of the frame in its video.
        handedness: ``[G]`` 'left' or 'right'.
        bbox_xyxy: ``[G, 4]`` px in the frame, tight bounding box of the keypoints.
        keypoints_2d: ``[G, 21, 2]`` px in the frame.
        keypoints_3d: ``[G, 21, 3]`` mm, camera frame.
        camera_matrix: ``[G, 3, 3]`` px.
    """

    video_id: np.ndarray
    frame_index: np.ndarray
    handedness: np.ndarray
    bbox_xyxy: np.ndarray
    keypoints_2d: np.ndarray
    keypoints_3d: np.ndarray
    camera_matrix: np.ndarray

    @classmethod
    def load(cls, root: str | Path) -> "GroundTruth":
        """Read ``ground_truth.parquet`` of a synthetic data set.

        Raises:
            FileNotFoundError: If ``root`` does not contain this file.
        """
        columns = read_columns(
            Path(root) / "ground_truth.parquet",
            [field.name for field in fields(cls)],
            "the ground truth of a finished synthetic data set",
            "Run simhand synthesize until it has finished.",
        )
        return cls(**{name: np.asarray(values) for name, values in columns.items()})

    def match(
        self,
        video_ids: Sequence[str] | np.ndarray,
        frame_index: np.ndarray,
        bbox_xyxy: np.ndarray,
        handedness: Sequence[str] | np.ndarray,
        min_iou: float = 0.3,
    ) -> np.ndarray:
        """Find the ground-truth row of each detected hand.

        The hand of the frame with the highest IoU is chosen; between nearly equal IoUs (within
        0.1) the same handedness decides.

        Args:
            video_ids: ``[N]`` video ID of each hand.
            frame_index: ``[N]`` index of the frame in that video.
            bbox_xyxy: ``[N, 4]`` px in the frame, roughly tight around the hand.
            handedness: ``[N]`` 'left' or 'right'.
            min_iou: Minimum IoU of a match.

        Returns:
            ``[N]`` ground-truth rows, -1 where none matches.
        """
        rows_of: dict[tuple[str, int], list[int]] = {}
        for row, key in enumerate(zip(self.video_id, self.frame_index, strict=True)):
            rows_of.setdefault(key, []).append(row)
        matched = np.full(len(video_ids), -1, dtype=np.int64)
        for hand, key in enumerate(zip(video_ids, frame_index, strict=True)):
            rows = np.array(rows_of.get(key, []), dtype=np.int64)
            if len(rows):
                iou = box_iou(bbox_xyxy[hand][None], self.bbox_xyxy[rows])[0]
                same_side = self.handedness[rows] == handedness[hand]
                best = np.argmax(iou + 0.1 * same_side)
                if iou[best] >= min_iou:
                    matched[hand] = rows[best]
        return matched

    @cached_property
    def right_hand_poses(self) -> np.ndarray:
        """``[G, 21, 3]`` mm, relative to the wrist; left hands are mirrored to right hands."""
        is_left = (self.handedness == "left")[:, None, None]
        mirrored = mirror_keypoints_3d(self.keypoints_3d)
        return root_relative(np.where(is_left, mirrored, self.keypoints_3d))

    def pair_distance_mm(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the 3D distance between the true poses of two hands.

        Left hands are mirrored, and the wrists are aligned. Each hand stays in the frame of its
        camera.

        Args:
            first: ``[...]`` ground-truth rows, -1 for none.
            second: ``[...]`` ground-truth rows, -1 for none.

        Returns:
            ``[...]`` mean distance of the joints in mm; NaN where a row is -1.
        """
        right = self.right_hand_poses
        gap = np.linalg.norm(right[first] - right[second], axis=-1).mean(axis=-1)
        return np.where((first < 0) | (second < 0), np.nan, gap)
