"""Hands of a pool with estimated 2D keypoints, for the weakly supervised baseline."""

from typing import Any

import cv2
import numpy as np

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.pool import HandPool
from simhand_mm.pose.dataset import HandDataset
from simhand_mm.registry import DATASETS


@DATASETS.register_module()
class PseudoLabelDataset(HandDataset):
    """Unlabelled hands with 2D pseudo-labels, for the heatmaps only (SiMHand, Sec. 6.4, Table 6).

    Items are like those of ``HandPoseDataset``, but without 3D labels and camera. The crops of a
    pool show right hands, and their keypoints are mirrored with them. The released code uses the
    keypoints before mirroring, so that every left hand has wrong labels.

    Args:
        data_root: Folder that ``pool`` is relative to.
        pool: Pool folder.
        min_score: Minimum confidence; keypoints below it are not used.
        **kwargs: Options of mmengine: ``pipeline``, ``indices``, ``lazy_init`` ...
    """

    def __init__(
        self, data_root: str, pool: str = "pool", min_score: float = 0.0, **kwargs: Any
    ) -> None:
        self.min_score = min_score
        kwargs.setdefault("serialize_data", False)
        super().__init__(ann_file=pool, data_root=data_root, **kwargs)

    def load_data_list(self) -> list[Any]:  # row numbers; mmengine declares dicts
        """Return the rows of the pool with at least two keypoints of sufficient confidence."""
        self._pool = HandPool(self.ann_file)
        trusted = self._pool.keypoint_score >= self.min_score
        return np.flatnonzero(trusted.sum(1) >= 2).tolist()

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the ``idx``-th hand before the pipeline."""
        if not self._fully_initialized:
            self.full_init()
        rows: Any = self.data_list  # row indices, although mmengine declares dicts
        row, pool = rows[idx], self._pool
        visible = pool.keypoint_score[row] >= self.min_score
        keypoints = np.array(pool.keypoints_2d[row])
        encoded = np.frombuffer(pool.read_crop(row), np.uint8)
        return {
            "img": cv2.imdecode(encoded, cv2.IMREAD_COLOR),
            "sample_id": pool.hand_id(row),
            "sample_idx": idx % len(self),
            "handedness": "right",
            "bbox": keypoints_to_box(keypoints, visible)[None].astype(np.float32),
            "bbox_score": np.ones(1, dtype=np.float32),
            "keypoints": keypoints[None],
            "keypoints_visible": visible[None].astype(np.float32),
        }
