"""Encodes keypoints as training targets of DetNet, and decodes its maps to keypoints."""

from typing import Any

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from torch import Tensor

from simhand_mm.functional import detnet
from simhand_mm.functional.keypoints import PARENTS, REFERENCE_BONE, bone_length
from simhand_mm.pose.registry import KEYPOINT_CODECS

# Fields that mmpose packs into gt_instances, where NumPy arrays stay NumPy arrays.
INSTANCE_FIELDS = {
    "bbox": "bboxes",
    "bbox_score": "bbox_scores",
    "keypoints": "keypoints",
    "keypoints_3d": "keypoints_3d",
    "keypoints_visible": "keypoints_visible",
}
# Columns of the packed targets of one keypoint.
_COLUMNS = {
    "points": slice(0, 2),
    "keypoint_weights": 2,
    "location_labels": slice(3, 6),
    "location_weights": 6,
    "delta_labels": slice(7, 10),
    "delta_weights": 10,
    "bone_length_mm": 11,
}
NUM_COLUMNS = 12


@KEYPOINT_CODECS.register_module()
class DetNetCodec(BaseKeypointCodec):
    """Heatmaps with root-relative, scale-free 3D locations and bone directions.

    A worker sends one small array per hand, ``hand_targets``; :meth:`unpack` converts a batch of
    them to heatmaps and labels on the device. The array is a NumPy array in ``gt_instances``,
    because each tensor of a sample would need an open file descriptor between worker and trainer.

    Args:
        input_size: Width and height of the crop in px.
        heatmap_size: Width and height of the maps in cells.
        sigma: Standard deviation of the Gaussians in cells.
        subpixel: Decode keypoints with subpixel precision.
        released_heatmaps: Use the heatmaps of the released code: keypoints are truncated to whole
            cells, Gaussians are cut at three standard deviations, and a keypoint is used if any
            part of its Gaussian is inside the map. By default keypoints are not rounded,
            Gaussians are not cut, and a keypoint is used if it is inside the map.
    """

    auxiliary_encode_keys = {"transformed_keypoints_3d"}  # noqa: RUF012 (mmpose's interface)
    instance_mapping_table = {**INSTANCE_FIELDS, "hand_targets": "hand_targets"}  # noqa: RUF012

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 1.0,
        subpixel: bool = False,
        released_heatmaps: bool = False,
    ) -> None:
        if input_size[0] * heatmap_size[1] != input_size[1] * heatmap_size[0]:
            raise ValueError(
                f"heatmap_size must have the aspect ratio of input_size {tuple(input_size)}, "
                f"but got {tuple(heatmap_size)}. Scale both sides by the same factor."
            )
        self.input_size = (input_size[0], input_size[1])
        self.heatmap_size = (heatmap_size[0], heatmap_size[1])
        self.stride = input_size[0] / heatmap_size[0]
        self.sigma, self.subpixel = sigma, subpixel
        self.cutoff = detnet.RELEASED_CUTOFF if released_heatmaps else None

    def encode(
        self,
        keypoints: np.ndarray,
        keypoints_visible: np.ndarray | None = None,
        transformed_keypoints_3d: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Encode the targets of one hand.

        Args:
            keypoints: ``[1, 21, 2]``, px in the crop.
            keypoints_visible: ``[1, 21]``, positive where labelled; by default all.
            transformed_keypoints_3d: ``[1, 21, 3]``, mm, rotated with the crop. Without it the
                hand is used for the heatmaps only.

        Returns:
            ``hand_targets``: ``[1, 21, 12]`` float32, for :meth:`unpack`.
        """
        labelled = np.ones(keypoints.shape[:2], bool)
        if keypoints_visible is not None:
            labelled = keypoints_visible > 0
        points, inside = self._to_cells(keypoints.astype(np.float32))
        encoded = {
            "points": points,
            "keypoint_weights": labelled & inside,
            **_encode_3d(transformed_keypoints_3d, labelled),
        }
        packed = np.empty((*labelled.shape, NUM_COLUMNS), np.float32)
        for name, columns in _COLUMNS.items():
            packed[..., columns] = encoded[name]
        return {"hand_targets": packed}

    def _to_cells(self, keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the centres of the Gaussians in cells, and which of them are used."""
        if self.cutoff is None:
            points, margin = detnet.image_to_map(keypoints, self.stride), 0.5
        else:
            points = detnet.truncated_cells(keypoints, int(self.stride))
            margin = self.cutoff * self.sigma
        last = np.array(self.heatmap_size) - 1
        return points, ((points >= -margin) & (points <= last + margin)).all(-1)

    def unpack(self, hand_targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the targets of a batch on the device of ``hand_targets``.

        Args:
            hand_targets: ``[B, 21, 12]``, from :meth:`encode`.

        Returns:
            The heatmaps ``[B, 21, h, w]``, and the labels: ``keypoint_weights`` ``[B, 21]``, 0 if
            outside the crop or unlabelled; ``location_labels`` and ``delta_labels``
            ``[B, 21, 3]``, one vector per keypoint, the same in every cell; ``location_weights``
            and ``delta_weights`` ``[B, 21]``, 0 where the 3D label is missing; ``bone_length_mm``
            ``[B]``, length of the reference bone, NaN without 3D labels.
        """
        labels = {name: hand_targets[..., columns] for name, columns in _COLUMNS.items()}
        labels["bone_length_mm"] = labels["bone_length_mm"][:, 0]
        points = labels.pop("points")
        maps = detnet.heatmap_targets(points, self.heatmap_size, self.sigma, self.cutoff)
        return maps, labels

    def decode(  # pyright: ignore[reportIncompatibleMethodOverride] (mmpose's: 2D only)
        self, encoded: tuple[Any, Any]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Decode the maps of one hand, see :meth:`batch_decode`.

        Args:
            encoded: heatmaps ``[21, h, w]`` and location maps ``[21, 3, h, w]``.

        Returns:
            keypoints ``[1, 21, 2]``, scores ``[1, 21]``, locations ``[1, 21, 3]``.
        """
        batch = (torch.as_tensor(maps)[None].float() for maps in encoded)
        keypoints, scores, locations = (result.numpy() for result in self.batch_decode(*batch))
        return keypoints, scores, locations

    def batch_decode(  # pyright: ignore[reportIncompatibleMethodOverride] (mmpose's: 2D only)
        self, heatmaps: Tensor, location_maps: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decode keypoints from the maps.

        Args:
            heatmaps: ``[B, 21, h, w]``.
            location_maps: ``[B, 21, 3, h, w]``.

        Returns:
            Keypoints ``[B, 21, 2]`` in px of the crop, scores ``[B, 21]`` in [0, 1], and locations
            ``[B, 21, 3]``, root-relative, in units of the reference bone length, in the (rotated,
            right-hand) frame of the crop.
        """
        points, scores, locations = detnet.read_out(heatmaps, location_maps, self.subpixel)
        return detnet.map_to_image(points, self.stride), scores, locations


def _encode_3d(keypoints_3d: np.ndarray | None, labelled: np.ndarray) -> dict[str, np.ndarray]:
    """Return 3D labels and their weights; zeros where labels are missing."""
    if keypoints_3d is None:
        keypoints_3d, labelled = np.zeros((*labelled.shape, 3)), labelled & False
    known = labelled & labelled[:, list(REFERENCE_BONE)].all(-1, keepdims=True)
    hand = keypoints_3d.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):  # in hands without 3D labels
        vectors = {
            "location": (detnet.location_targets(hand), known),
            "delta": (detnet.delta_targets(hand), known & labelled[:, list(PARENTS)]),
        }
    encoded = {"bone_length_mm": np.where(known, bone_length(hand)[:, None], np.nan)}
    for name, (vector, weight) in vectors.items():
        encoded[f"{name}_labels"] = np.where(weight[..., None], vector, 0)
        encoded[f"{name}_weights"] = weight
    return encoded
