"""Layers of DetNet that pre-training and fine-tuning share (SiMHand, Sec. 6.2)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def upsampling(in_channels: int, channels: Sequence[int]) -> nn.Sequential:
    """Build deconvolutions, each of which doubles the size of a feature map.

    Args:
        in_channels: Channels of the feature map.
        channels: Channels after each deconvolution.
    """
    return nn.Sequential(*(_deconv(a, b) for a, b in pairwise([in_channels, *channels])))


def map_head(
    in_channels: int, channels: int, out_channels: int, bias: float | None = None
) -> nn.Sequential:
    """Build a 3 x 3 and a 1 x 1 convolution from features to maps.

    Args:
        in_channels: Channels of the features.
        channels: Channels between the two convolutions.
        out_channels: Number of maps.
        bias: Initial bias of the maps (default: random).
    """
    hidden = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
    output = nn.Conv2d(channels, out_channels, 1)
    if bias is not None and output.bias is not None:
        nn.init.constant_(output.bias, bias)
    return nn.Sequential(hidden, nn.BatchNorm2d(channels), nn.ReLU(inplace=True), output)


def heatmap_head(in_channels: int, channels: int, num_keypoints: int) -> nn.Sequential:
    """Build a :func:`map_head` whose heatmaps, after the sigmoid, start near zero."""
    # Targets are mostly zero. Otherwise the first hundreds of steps are spent learning that.
    return map_head(in_channels, channels, num_keypoints, bias=-4.0)


def with_coordinate_planes(features: Tensor) -> Tensor:
    """Append x and y of each cell, in [-1, 1], as channels. ``[B, C + 2, h, w]``."""
    batch, _, height, width = features.shape
    x = torch.linspace(-1, 1, width, device=features.device)
    y = torch.linspace(-1, 1, height, device=features.device)
    planes = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])
    planes = planes.to(features.dtype).expand(batch, -1, -1, -1)
    return torch.cat([features, planes], dim=1)


def _deconv(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
