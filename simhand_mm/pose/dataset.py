"""The data set class for all labelled data; reads ``<data_root>/poses/<split>.parquet``."""

import os.path as osp
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from simhand_mm.functional.keypoints import KEYPOINT_NAMES, NUM_KEYPOINTS, SKELETON
from simhand_mm.pool import read_poses
from simhand_mm.pose.codec import INSTANCE_FIELDS
from simhand_mm.pose.screening import screen_keypoints, screen_poses
from simhand_mm.registry import DATASETS


class HandDataset(BaseDataset):
    """Base class of our data sets: the 21 keypoints as mmpose meta information."""

    METAINFO = {  # noqa: RUF012 (mmengine's interface)
        "dataset_name": "simhand_mm_hand21",
        "keypoint_info": {
            index: {"name": name, "id": index, "color": [255, 128, 0], "type": "", "swap": ""}
            for index, name in enumerate(KEYPOINT_NAMES)
        },
        "skeleton_info": {
            index: {"link": (KEYPOINT_NAMES[parent], KEYPOINT_NAMES[child]), "id": index}
            for index, (parent, child) in enumerate(SKELETON)
        },
        "joint_weights": [1.0] * NUM_KEYPOINTS,
        "sigmas": [0.03] * NUM_KEYPOINTS,
    }

    data_root: str
    ann_file: str

    @classmethod
    def _load_metainfo(cls, metainfo: Any = None) -> dict[str, Any]:
        """Parse as mmpose does, with lists instead of arrays, so that ConcatDataset can compare."""
        parsed = parse_pose_metainfo(super()._load_metainfo(metainfo))
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in parsed.items()
        }


@DATASETS.register_module()
class HandPoseDataset(HandDataset):
    """Hands with 3D labels.

    Each item starts as ``img_path``, ``sample_id``, ``handedness``, ``camera_matrix [3, 3]`` px,
    ``bbox [1, 4]`` px, ``bbox_score [1]``, ``keypoints [1, 21, 2]`` px, ``keypoints_3d
    [1, 21, 3]`` mm in the camera frame and ``keypoints_visible [1, 21]`` (1 where labelled).
    Rows that cannot be used are dropped with a reason and counted in the log.

    Args:
        data_root: Folder that ``ann_file`` and the image paths in it are relative to.
        ann_file: Poses table.
        subset_size: Number of usable rows to use; by default all.
        subset_rule: ``first`` rows of the table (as in the released code, whose "10 %" of
            FreiHAND is 13,023 green-screen images) or ``random`` rows.
        subset_seed: Seed of the random choice.
        **kwargs: Options of mmengine: ``pipeline``, ``test_mode``, ``indices``, ``lazy_init`` ...
    """

    def __init__(
        self,
        data_root: str,
        ann_file: str = "poses/train.parquet",
        subset_size: int | None = None,
        subset_rule: str = "first",
        subset_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if subset_rule not in ("first", "random"):
            raise ValueError(f"subset_rule must be 'first' or 'random', but got {subset_rule!r}.")
        self.subset_size, self.subset_rule = subset_size, subset_rule
        self.subset_seed = subset_seed
        kwargs.setdefault("serialize_data", False)
        super().__init__(ann_file=ann_file, data_root=data_root, **kwargs)

    def load_data_list(self) -> list[Any]:  # row numbers; mmengine declares dicts
        """Read the table and return the chosen rows; the data stay in shared arrays.

        Raises:
            FileNotFoundError: If the table does not exist.
            ValueError: If the subset is larger than the set, or too many rows are unusable.
        """
        poses = read_poses(self.ann_file)
        usable = self._screen(poses, self.ann_file)
        # Fixed-width bytes, because worker processes share arrays but copy Python strings.
        for name in ("image_path", "sample_id"):
            poses[name] = np.char.encode(np.array(poses[name], dtype=str), "utf-8")
        poses["handedness"] = np.array(poses["handedness"], dtype="U5")
        self._poses = poses
        rows = self._choose(np.flatnonzero(usable))
        print_log(f"{self.ann_file}: {len(rows)} samples in use", "current")
        return rows.tolist()

    _screen = staticmethod(screen_poses)

    def _choose(self, rows: np.ndarray) -> np.ndarray:
        if self.subset_size is None:
            return rows
        if not 0 < self.subset_size <= len(rows):
            raise ValueError(
                f"subset_size must be in 1..{len(rows)}, the number of usable rows of "
                f"{self.ann_file}, but got {self.subset_size}. Choose a smaller subset."
            )
        if self.subset_rule == "first":
            return rows[: self.subset_size]
        generator = np.random.default_rng(self.subset_seed)
        return np.sort(generator.permutation(rows)[: self.subset_size])

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the ``idx``-th sample before the pipeline."""
        if not self._fully_initialized:
            self.full_init()
        row, poses = self.data_list[idx], self._poses
        image_path = poses["image_path"][row].decode("utf-8")
        return {
            "img_path": osp.join(self.data_root, image_path),
            "sample_id": poses["sample_id"][row].decode("utf-8"),
            "sample_idx": idx % len(self),
            "handedness": str(poses["handedness"][row]),
            "camera_matrix": poses["camera_matrix"][row],
            "bbox": poses["bbox_xyxy"][row][None],
            "bbox_score": np.ones(1, dtype=np.float32),
            "keypoints": poses["keypoints_2d"][row][None],
            "keypoints_3d": poses["keypoints_3d"][row][None],
            "keypoints_visible": poses["keypoints_valid"][row][None].astype(np.float32),
            "instance_mapping_table": INSTANCE_FIELDS,
        }

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on one sample.

        Raises:
            FileNotFoundError: If its image is missing.
        """
        info = self.get_data_info(idx)
        if not osp.isfile(info["img_path"]):
            raise FileNotFoundError(
                f"image_path must exist, but {info['img_path']} (row {self.data_list[idx]}, sample "
                f"{info['sample_id']!r} of {self.ann_file}) does not. Correct data_root, or "
                "convert the data set again, which drops missing images."
            )
        return self.pipeline(info)


@DATASETS.register_module()
class Keypoints2DDataset(HandPoseDataset):
    """Hands of a poses table with their 2D labels only, which train heatmaps (weak supervision).

    Rows need no 3D labels and no camera, as in ``poses/<split>-2d.parquet``. Items are those of
    ``HandPoseDataset`` without ``keypoints_3d`` and ``camera_matrix``.

    Args: As ``HandPoseDataset``.
    """

    _screen = staticmethod(screen_keypoints)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the ``idx``-th sample before the pipeline."""
        info = super().get_data_info(idx)
        left_out = ("keypoints_3d", "camera_matrix", "instance_mapping_table")
        return {name: value for name, value in info.items() if name not in left_out}
