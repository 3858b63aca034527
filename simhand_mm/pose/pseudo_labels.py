"""Hands of a pool with their estimated 2D keypoints, for the weakly-supervised baseline."""

from typing import Any

import cv2
import numpy as np

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.pool import HandPool
from simhand_mm.pose.dataset import HandDataset
from simhand_mm.registry import DATASETS


@DATASETS.register_module()
class PseudoLabelDataset(HandDataset):
    """Unlabelled hands that train the heatmaps only (SiMHand, Sec. 6.4 and Table 6).

    Items look like those of ``HandPoseDataset``, without 3D labels and camera. The crops of a
    pool are right hands and their keypoints were mirrored with them; the released code takes the
    keypoints from before the mirroring, which gives every left hand wrong labels.

    Args:
        data_root: Folder that ``pool`` is relative to.
        pool: Pool folder.
        min_score: Keypoints of lower confidence are not used.
        **kwargs: ``pipeline``, ``indices``, ``lazy_init`` ... of mmengine.
    """

    def __init__(
        self, data_root: str, pool: str = "pool", min_score: float = 0.0, **kwargs: Any
    ) -> None:
        self.min_score = min_score
        kwargs.setdefault("serialize_data", False)
        super().__init__(ann_file=pool, data_root=data_root, **kwargs)

    def load_data_list(self) -> list[int]:
        """Rows of the pool with a box around at least two trusted keypoints."""
        self._pool = HandPool(self.ann_file)
        trusted = self._pool.keypoint_score >= self.min_score
        return np.flatnonzero(trusted.sum(1) >= 2).tolist()

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """The ``idx``-th hand before the pipeline."""
        if not self._fully_initialized:
            self.full_init()
        rows: Any = self.data_list  # numbers, not the dicts that mmengine declares
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
