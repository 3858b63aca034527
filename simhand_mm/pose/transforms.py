"""Crops an image to the square network input, and packs crops with their targets."""

import math
import random
from typing import Any

import cv2
import numpy as np
import torch

from simhand_mm.functional.affine import apply, box_to_image_affine, compose, rotation_affine
from simhand_mm.functional.boxes import square_box
from simhand_mm.functional.camera import transform_camera, transform_keypoints_3d
from simhand_mm.registry import TRANSFORMS


def warp_image(image: np.ndarray, affine: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Warp an image, with black outside. Large images are first reduced to avoid aliasing.

    Args:
        image: ``[H, W, 3]``.
        affine: ``[2, 3]``, from image px to result px.
        size_wh: Width and height of the result.
    """
    (a, b, _), (c, d, _) = affine.tolist()
    shrink = int(1 / math.sqrt(abs(a * d - b * c)))
    if shrink >= 2:
        height, width = (max(side // shrink, 1) for side in image.shape[:2])
        whole_wh = (image.shape[1], image.shape[0])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        shrunk = np.array([0, 0, width, height])
        affine = compose(affine, box_to_image_affine(shrunk, whole_wh))
    return cv2.warpAffine(image, affine, size_wh, flags=cv2.INTER_LINEAR)


@TRANSFORMS.register_module()
class HandCrop:
    """Crop a hand to a square image of a right hand; transform keypoints and camera accordingly.

    Left hands are mirrored. The 3D keypoints are rotated about the optical axis, so that the
    transformed camera projects them exactly onto the transformed 2D keypoints
    (``functional.camera``).

    Required keys: ``img``, ``bbox [1, 4]``. Optional: ``handedness`` (right by default),
    ``keypoints [1, K, 2]``, ``keypoints_3d [1, K, 3]``, ``camera_matrix [3, 3]``.
    Modified: ``img``, ``img_shape``. Added: ``affine [2, 3]`` (image to crop px), ``is_mirrored``,
    ``input_size``, ``input_center``, ``input_scale`` (the affine as mmpose writes it, which cannot
    represent a rotation), and ``transformed_keypoints``, ``transformed_keypoints_3d``,
    ``transformed_camera_matrix``.

    Args:
        input_size: Width and height of the crop in px.
        bbox_scale: Side length of the crop relative to the longer side of the bounding box.
        max_shift: Largest random shift of the box centre, relative to the side of the crop.
        scale_std: Standard deviation of the random scale, truncated at one standard deviation.
        max_rotation_deg: Largest random rotation in degrees.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        bbox_scale: float,
        max_shift: float = 0.0,
        scale_std: float = 0.0,
        max_rotation_deg: float = 0.0,
    ) -> None:
        self.input_size = (input_size[0], input_size[1])
        if self.input_size[0] != self.input_size[1]:
            raise ValueError(
                f"input_size must be square, but got {self.input_size}. Use equal sides."
            )
        self.bbox_scale, self.max_shift = bbox_scale, max_shift
        self.scale_std, self.max_rotation_deg = scale_std, max_rotation_deg

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop one hand."""
        is_mirrored = results.get("handedness", "right") == "left"
        affine = self.draw_affine(results["bbox"][0], is_mirrored)
        results["img"] = warp_image(results["img"], affine, self.input_size)
        results["img_shape"] = results["img"].shape[:2]
        results.update(
            affine=affine, is_mirrored=is_mirrored, **_as_mmpose(affine, self.input_size)
        )
        if "keypoints" in results:
            transformed = apply(affine, results["keypoints"].astype(np.float64))
            results["transformed_keypoints"] = transformed.astype(np.float32)
        if "keypoints_3d" in results:
            transformed_3d = transform_keypoints_3d(affine, results["keypoints_3d"])
            results["transformed_keypoints_3d"] = transformed_3d
        if "camera_matrix" in results:
            results["transformed_camera_matrix"] = transform_camera(
                affine, results["camera_matrix"]
            )
        return results

    def draw_affine(self, bbox_xyxy: np.ndarray, is_mirrored: bool) -> np.ndarray:
        """Sample the affine ``[2, 3]`` from the image to a randomly jittered crop."""
        # Python's generator, because mmengine seeds it in every worker process.
        deviation = min(max(random.gauss(0, 1), -1), 1)
        box = square_box(bbox_xyxy, self.bbox_scale * (1 + self.scale_std * deviation))
        shift = [random.uniform(-self.max_shift, self.max_shift) for _ in range(2)]
        box = box + np.tile(shift, 2) * (box[2] - box[0])
        rotation_deg = random.uniform(-self.max_rotation_deg, self.max_rotation_deg)
        center = (box[:2] + box[2:]) / 2 - 0.5  # from edges to pixel centres
        return compose(
            box_to_image_affine(box, self.input_size, mirror=is_mirrored),
            rotation_affine(tuple(center), rotation_deg),
        )


def _as_mmpose(affine: np.ndarray, input_size: tuple[int, int]) -> dict[str, Any]:
    """Return the three keys with which mmpose maps predictions from the crop back to the image.

    It computes ``image = crop / size * scale + center - scale / 2`` for each axis; a negative
    scale represents mirroring.
    """
    size = np.array(input_size, dtype=np.float64)
    diagonal = affine[[0, 1], [0, 1]]
    per_pixel = 1 / diagonal if diagonal.all() else np.ones(2)
    scale = per_pixel * size
    center = scale / 2 - affine[:, 2] * per_pixel
    return {
        "input_size": input_size,
        "input_center": center.astype(np.float32),
        "input_scale": scale.astype(np.float32),
    }


@TRANSFORMS.register_module()
class PackTargets:
    """Pack a crop and its targets for training of a DetNetHead, as two arrays and nothing else.

    mmpose's PackPoseInputs packs a PoseDataSample, which is needed for testing and by tools that
    show samples; a DetNetHead can be trained with either. Making one, sending it from a worker and
    moving it to the device costs as much time as the loading of the image.

    Required keys: ``img``, ``hand_targets [1, 21, C]``. The result has ``inputs [3, H, W]`` and
    ``data_samples [21, C]``; mmengine's ``default_collate`` stacks both.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one crop."""
        image = np.ascontiguousarray(results["img"].transpose(2, 0, 1))
        return {"inputs": torch.from_numpy(image), "data_samples": results["hand_targets"][0]}
