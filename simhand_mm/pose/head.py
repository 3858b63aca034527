"""The head of DetNet: upsampling, then cascaded heatmap, delta and location heads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.models.heads.base_head import BaseHead
from torch import Tensor

from simhand_mm.functional.camera import transform_keypoints_3d
from simhand_mm.functional.detnet_layers import (
    heatmap_head,
    map_head,
    upsampling,
    with_coordinate_planes,
)
from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.pose.registry import KEYPOINT_CODECS
from simhand_mm.registry import MODELS


@MODELS.register_module()
class DetNetHead(BaseHead):
    """Three deconvolutions, two coordinate planes and three cascaded convolutional heads.

    Works with any backbone of mmpretrain or mmpose; it uses the last feature map.

    Args:
        in_channels: Channels of that feature map.
        decoder: Config of the :class:`~simhand_mm.pose.codec.DetNetCodec`, shared with the data
            pipeline.
        deconv_channels: Channels after each deconvolution; each one doubles the resolution.
        head_channels: Number of channels in each of the three heads.
        loss: Config of the loss; by default :class:`DetNetLoss`.
        init_cfg: Initialisation config of mmengine.
    """

    mean_bone_length_mm: Tensor
    num_bones: Tensor

    def __init__(
        self,
        in_channels: int,
        decoder: dict[str, Any],
        deconv_channels: Sequence[int] = (256, 256, 256),
        head_channels: int = 256,
        loss: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.decoder = KEYPOINT_CODECS.build(decoder)
        self.loss_module = MODELS.build(loss or {"type": "simhand_mm.DetNetLoss"})
        self.deconvs = upsampling(in_channels, deconv_channels)
        channels = deconv_channels[-1] + 2  # the coordinate planes
        self.heat_head = heatmap_head(channels, head_channels, NUM_KEYPOINTS)
        self.delta_head = map_head(channels + NUM_KEYPOINTS, head_channels, 3 * NUM_KEYPOINTS)
        self.location_head = map_head(
            channels + 4 * NUM_KEYPOINTS, head_channels, 3 * NUM_KEYPOINTS
        )
        # DetNet predicts no scale; millimetres come from the mean bone length of the training data.
        self.register_buffer("mean_bone_length_mm", torch.zeros(()))
        self.register_buffer("num_bones", torch.zeros(()))

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride] (mmpose's: no types)
        self, feats: Tensor | Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the maps.

        Args:
            feats: ``[B, C, H, W]``, or a sequence that ends with it.

        Returns:
            heatmaps ``[B, 21, h, w]`` in (0, 1), delta maps and location maps
            ``[B, 21, 3, h, w]``.
        """
        features = self.deconvs(feats if isinstance(feats, Tensor) else feats[-1])
        features = with_coordinate_planes(features)
        heat = self.heat_head(features).float().sigmoid()  # float32 also under autocast
        features = torch.cat([features, heat.to(features.dtype)], dim=1)
        delta = self.delta_head(features)
        location = self.location_head(torch.cat([features, delta], dim=1))
        as_vectors = (-1, NUM_KEYPOINTS, 3, *heat.shape[-2:])
        return heat, delta.reshape(as_vectors), location.reshape(as_vectors)

    def loss(
        self, feats: Sequence[Tensor], batch_data_samples: Any, train_cfg: Any = None
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch with the targets of its codec.

        Args:
            feats: See :meth:`forward`.
            batch_data_samples: Targets ``[B, 21, 12]`` of PackTargets, or a list of them, as
                mmengine's ``pseudo_collate`` makes; or samples of mmpose's PackPoseInputs.
            train_cfg: Not used.
        """
        maps = self.forward(feats)
        targets = batch_data_samples
        if not isinstance(targets, Tensor):
            packed = torch.from_numpy(np.stack([_packed_targets(s) for s in batch_data_samples]))
            targets = packed.to(maps[0].device, non_blocking=True)
        heatmaps, labels = self.decoder.unpack(targets)
        if heatmaps.shape != maps[0].shape:
            raise ValueError(
                f"deconv_channels must lead to maps of {_size_of(heatmaps)} px, the heatmap_size "
                f"of the codec, but the {len(self.deconvs)} deconvolutions lead to "
                f"{_size_of(maps[0])}. Each one doubles the size of the last feature map."
            )
        self._remember_bone_length(labels["bone_length_mm"])
        return self.loss_module(maps, heatmaps, labels)

    @torch.no_grad()
    def _remember_bone_length(self, length_mm: Tensor) -> None:
        """Update the mean of the known lengths without synchronising with the device."""
        known = length_mm.isfinite()
        self.num_bones += known.sum()
        excess = torch.where(known, length_mm - self.mean_bone_length_mm, 0.0).sum()
        self.mean_bone_length_mm += excess / self.num_bones.clamp(min=1)

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride] (mmpose's: several scales)
        self, feats: Sequence[Tensor], batch_data_samples: Sequence[Any], test_cfg: Any = None
    ) -> list[InstanceData]:
        """Predict one hand per sample.

        Returns:
            Instances with ``keypoints [1, 21, 2]`` px in the crop (mmpose maps them to the
            image), ``keypoint_scores [1, 21]`` and ``keypoints_3d [1, 21, 3]``: mm relative to
            the wrist, with the axes of the camera frame and the mean bone length of the training
            set.
        """
        heat, _, location = self.forward(feats)
        decoded = self.decoder.batch_decode(heat.float(), location.float())
        length_mm = self.mean_bone_length_mm.item()
        keypoints, scores, locations = (result.detach().cpu().numpy() for result in decoded)
        return [
            InstanceData(
                keypoints=keypoints[i : i + 1],
                keypoint_scores=scores[i : i + 1],
                keypoints_3d=_to_camera_mm(locations[i : i + 1], length_mm, sample.metainfo),
            )
            for i, sample in enumerate(batch_data_samples)
        ]


def _size_of(maps: Tensor) -> str:
    return f"{maps.shape[-1]} x {maps.shape[-2]}"


def _packed_targets(sample: Any) -> np.ndarray:
    """Return the targets ``[21, 12]`` of a sample, which may be just these."""
    return sample if isinstance(sample, np.ndarray) else sample.gt_instances.hand_targets[0]


def _to_camera_mm(locations: np.ndarray, length_mm: float, metainfo: dict) -> np.ndarray:
    """Undo rotation and mirroring of the crop and scale to mm, with the wrist at the origin."""
    keypoints_3d = (locations - locations[:, :1]) * length_mm
    return transform_keypoints_3d(metainfo["affine"], keypoints_3d, inverse=True).astype(np.float32)
