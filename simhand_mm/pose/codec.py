"""Keypoints to DetNet's training targets, and its maps back to keypoints."""

from typing import Any

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from torch import Tensor

from simhand_mm.functional import detnet
from simhand_mm.functional.keypoints import PARENTS, REFERENCE_BONE, bone_length
from simhand_mm.pose.registry import KEYPOINT_CODECS


@KEYPOINT_CODECS.register_module()
class DetNetCodec(BaseKeypointCodec):
    """Heatmaps with root-relative, scale-free 3D locations and bone directions.

    Encoded keys:

    - heatmaps ``[21, h, w]``, keypoint_weights ``[1, 21]``: 0 outside the crop or unlabelled
    - location_labels, delta_labels ``[1, 21, 3]``: one vector a keypoint, the same in every cell
    - location_weights, delta_weights ``[1, 21]``: 0 where the 3D label is missing
    - bone_length_mm ``[1]``: length of the reference bone; NaN without 3D labels

    Args:
        input_size: Width and height of the crop in px.
        heatmap_size: Width and height of the maps in cells.
        sigma: Standard deviation of the Gaussians in cells.
        subpixel: Read out between cells.
    """

    auxiliary_encode_keys = {"transformed_keypoints_3d"}  # noqa: RUF012 (mmpose's interface)
    label_mapping_table = {  # noqa: RUF012
        name: name
        for name in (
            "keypoint_weights",
            "location_labels",
            "location_weights",
            "delta_labels",
            "delta_weights",
            "bone_length_mm",
        )
    }

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 1.0,
        subpixel: bool = False,
    ) -> None:
        if input_size[0] * heatmap_size[1] != input_size[1] * heatmap_size[0]:
            raise ValueError(
                f"heatmap_size must have the shape of input_size {tuple(input_size)}, but got "
                f"{tuple(heatmap_size)}."
            )
        self.input_size, self.heatmap_size = tuple(input_size), tuple(heatmap_size)
        self.stride = input_size[0] / heatmap_size[0]
        self.sigma, self.subpixel = sigma, subpixel

    def encode(
        self,
        keypoints: np.ndarray,
        keypoints_visible: np.ndarray | None = None,
        transformed_keypoints_3d: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Make the targets of one hand.

        Args:
            keypoints: ``[1, 21, 2]``, px of the crop.
            keypoints_visible: ``[1, 21]``, positive where labelled; all by default.
            transformed_keypoints_3d: ``[1, 21, 3]``, mm, turned with the crop. Without it the
                hand trains the heatmaps only.
        """
        labelled = np.ones(keypoints.shape[:2], bool)
        if keypoints_visible is not None:
            labelled = keypoints_visible > 0
        points = detnet.image_to_map(torch.from_numpy(keypoints).float(), self.stride)
        size = np.array(self.heatmap_size)
        inside = ((points.numpy() >= -0.5) & (points.numpy() <= size - 0.5)).all(-1)
        return dict(
            heatmaps=detnet.heatmap_targets(points[0], self.heatmap_size, self.sigma).numpy(),
            keypoint_weights=(labelled & inside).astype(np.float32),
            **_encode_3d(transformed_keypoints_3d, labelled),
        )

    def decode(self, encoded: tuple[Any, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read the maps of one hand; see :meth:`batch_decode`.

        Args:
            encoded: heatmaps ``[21, h, w]`` and location maps ``[21, 3, h, w]``.

        Returns:
            keypoints ``[1, 21, 2]``, scores ``[1, 21]``, locations ``[1, 21, 3]``.
        """
        batch = (torch.as_tensor(maps)[None].float() for maps in encoded)
        return tuple(result.numpy() for result in self.batch_decode(*batch))

    def batch_decode(
        self, heatmaps: Tensor, location_maps: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read keypoints off the maps.

        Args:
            heatmaps: ``[B, 21, h, w]``.
            location_maps: ``[B, 21, 3, h, w]``.

        Returns:
            keypoints: ``[B, 21, 2]``, px of the crop.
            scores: ``[B, 21]`` in [0, 1].
            locations: ``[B, 21, 3]``, root-relative, in lengths of the reference bone, in the
                (turned, right-hand) frame of the crop.
        """
        points, scores, locations = detnet.read_out(heatmaps, location_maps, self.subpixel)
        return detnet.map_to_image(points, self.stride), scores, locations


def _encode_3d(keypoints_3d: np.ndarray | None, labelled: np.ndarray) -> dict[str, np.ndarray]:
    """3D labels with weights; zeros where there are none."""
    if keypoints_3d is None:
        keypoints_3d, labelled = np.zeros((*labelled.shape, 3)), labelled & False
    known = labelled & labelled[:, list(REFERENCE_BONE)].all(-1, keepdims=True)
    hand = torch.from_numpy(keypoints_3d).double()
    length = bone_length(hand).numpy()
    vectors = {
        "location": (detnet.location_targets(hand).numpy(), known),
        "delta": (detnet.delta_targets(hand).numpy(), known & labelled[:, list(PARENTS)]),
    }
    encoded = {"bone_length_mm": np.where(known[:, 0], length, np.nan).astype(np.float32)}
    for name, (vector, weight) in vectors.items():
        encoded[f"{name}_labels"] = np.where(weight[..., None], vector, 0).astype(np.float32)
        encoded[f"{name}_weights"] = weight.astype(np.float32)
    return encoded
