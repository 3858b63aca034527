"""Pre-training by regression of the keypoints that mining uses: a baseline without pairs.

Not in the paper. Both heads read the last feature map of the backbone and predict the keypoints of
the augmented view. Both views of each pair are used.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from simhand_mm.functional.detnet import heatmap_targets, image_to_map
from simhand_mm.functional.detnet_layers import heatmap_head, upsampling, with_coordinate_planes
from simhand_mm.functional.detnet_losses import heat_loss
from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.registry import MODELS


@MODELS.register_module()
class KeypointRegressionHead(BaseModule):
    """Regresses the 42 coordinates of the augmented view from pooled features.

    The loss is the mean absolute error, in units of half the input's side.

    Args:
        in_channels: Channels of the feature map.
        input_size: S, side of the input in px.
        loss_weight: Multiplies the loss.
        init_cfg: As in mmengine.
    """

    def __init__(
        self,
        in_channels: int,
        input_size: int,
        loss_weight: float = 1.0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.input_size, self.loss_weight = input_size, loss_weight
        self.fc = nn.Linear(in_channels, 2 * NUM_KEYPOINTS)
        self.latest_projection: Tensor | None = None  # what monitors look at

    def forward(self, features: Tensor) -> Tensor:
        """Predict keypoints ``[B, 21, 2]``, px of the input, from features ``[B, C, h, w]``."""
        pooled = features.mean(dim=(2, 3))
        self.latest_projection = pooled.detach().float()
        half = self.input_size / 2
        return self.fc(pooled).float().unflatten(1, (NUM_KEYPOINTS, 2)) * half + half - 0.5

    def loss(self, features: Tensor, data_samples: dict[str, Tensor]) -> dict[str, Tensor]:
        """Loss of a batch.

        Args:
            features: ``[2N, C, h, w]``.
            data_samples: ``keypoints_2d`` ``[2N, 21, 2]``, px of the input.

        Returns:
            ``loss_keypoints``, and the mean distance ``keypoint_error_px`` to log.
        """
        error = self.forward(features) - data_samples["keypoints_2d"]
        return {
            "loss_keypoints": self.loss_weight * error.abs().mean() / (self.input_size / 2),
            "keypoint_error_px": error.detach().norm(dim=-1).mean(),
        }


@MODELS.register_module()
class KeypointHeatmapHead(BaseModule):
    """Predicts heatmaps of the augmented view with the upsampling layers of DetNet.

    Upsampling and heatmap head have the architecture and names of those in DetNetHead, and are
    published with the backbone, so that fine-tuning may start from them, too.

    Args:
        in_channels: Channels of the feature map.
        input_size: S, side of the input in px.
        deconv_channels: As in DetNetHead.
        head_channels: As in DetNetHead.
        loss_weight: Multiplies the loss; the default is that of DetNetLoss.
        init_cfg: As in mmengine.
    """

    published = ("deconvs", "heat_head")

    def __init__(
        self,
        in_channels: int,
        input_size: int,
        deconv_channels: Sequence[int] = (256, 256, 256),
        head_channels: int = 256,
        loss_weight: float = 100.0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.input_size, self.loss_weight = input_size, loss_weight
        self.deconvs = upsampling(in_channels, deconv_channels)
        self.heat_head = heatmap_head(deconv_channels[-1] + 2, head_channels, NUM_KEYPOINTS)
        self.latest_projection: Tensor | None = None  # what monitors look at

    def forward(self, features: Tensor) -> Tensor:
        """Predict heatmaps ``[B, 21, 8h, 8w]`` in (0, 1) from features ``[B, C, h, w]``."""
        self.latest_projection = features.detach().mean(dim=(2, 3)).float()
        # float32, also under autocast
        return self.heat_head(with_coordinate_planes(self.deconvs(features))).float().sigmoid()

    def loss(self, features: Tensor, data_samples: dict[str, Tensor]) -> dict[str, Tensor]:
        """Loss of a batch.

        Args:
            features: ``[2N, C, h, w]``.
            data_samples: ``keypoints_2d`` ``[2N, 21, 2]``, px of the input.

        Returns:
            ``loss_heat``; keypoints outside the view are ignored.
        """
        heatmaps = self.forward(features)
        size = heatmaps.shape[-1]
        with torch.autocast(features.device.type, enabled=False):
            points = image_to_map(data_samples["keypoints_2d"], self.input_size / size)
            inside = ((points > -0.5) & (points < size - 0.5)).all(-1)
            targets = heatmap_targets(points, (size, size))
            return {"loss_heat": self.loss_weight * heat_loss(heatmaps, targets, inside)}
