"""Augmentation of a batch of hand crops on its device, with the geometry recorded.

As in PeCLR and SiMHand (Sec. 4.1), an image is rotated about the mean of its keypoints, a square
window around them is cropped, scaled and shifted, and its colours are jittered. Differs from the
released code: one bilinear resampling instead of three, and windows beyond the border are padded
instead of stretched, so that the recorded geometry is exact.

Axes: B images, K keypoints, S side of the output in px. Pixel centres at integer coordinates.
"""

from dataclasses import dataclass, fields
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from simhand_mm.functional import affine as affine_maths

Range = tuple[float, float]

# Limits of the side of the window, as fractions of the side of the stored crop.
_SMALLEST_WINDOW, _LARGEST_WINDOW = 1 / 8, 2.0


@dataclass(frozen=True)
class AugmentationRanges:
    """Ranges from which parameters are drawn uniformly for each image; None disables a part.

    Attributes:
        rotation_deg: Rotation, positive is counter-clockwise on the screen.
        scale: Half the side of the window, divided by the distance of the farthest keypoint from
            the mean keypoint. A number instead of a range disables scale augmentation.
        translation: Shift of the window in x and in y, as a fraction of the stored crop's side.
        hue: Factor of the hue.
        saturation: Factor of the saturation.
        value: Factor of the value.
        brightness: Added to the value, on a scale of 255.
    """

    rotation_deg: Range | None = None
    scale: Range | float = 1.25
    translation: Range | None = None
    hue: Range | None = None
    saturation: Range | None = None
    value: Range | None = None
    brightness: Range | None = None
    NUM_DRAWS: ClassVar[int] = 8

    def draw(self, uniform: Tensor) -> "Augmentation":
        """Map uniform random numbers ``[B, 8]`` in [0, 1) to parameters."""
        scale = self.scale if isinstance(self.scale, (tuple, list)) else (self.scale, self.scale)
        rotation, size, x, y, hue, saturation, value, brightness = uniform.unbind(1)
        return Augmentation(
            rotation_deg=_between(rotation, self.rotation_deg, 0.0),
            scale=_between(size, scale, 0.0),
            translation=_between(torch.stack([x, y], 1), self.translation, 0.0),
            hue=_between(hue, self.hue, 1.0),
            saturation=_between(saturation, self.saturation, 1.0),
            value=_between(value, self.value, 1.0),
            brightness=_between(brightness, self.brightness, 0.0) / 255,
        )

    @property
    def has_color(self) -> bool:
        """Whether colours are jittered."""
        return any((self.hue, self.saturation, self.value, self.brightness))


@dataclass(frozen=True)
class Augmentation:
    """Drawn parameters, each ``[B]`` (``translation`` ``[B, 2]``); see AugmentationRanges."""

    rotation_deg: Tensor
    scale: Tensor
    translation: Tensor
    hue: Tensor
    saturation: Tensor
    value: Tensor
    brightness: Tensor

    def part(self, images: slice) -> "Augmentation":
        """Return the parameters of some of the images."""
        return Augmentation(**{f.name: getattr(self, f.name)[images] for f in fields(self)})


def crop_affine(
    keypoints_2d: Tensor, augmentation: Augmentation, crop_size: int, output_size: int
) -> tuple[Tensor, Tensor]:
    """Compute the affine map of each crop.

    Args:
        keypoints_2d: ``[B, K, 2]``, px of the stored crop.
        augmentation: Drawn parameters.
        crop_size: Side of the stored crop in px.
        output_size: Side of the output in px.

    Returns:
        The map from the stored crop to the output ``[B, 2, 3]``, and the side of the window in px
        of the stored crop, ``[B]``.
    """
    center = keypoints_2d.mean(1)  # [B, 2]
    radius = (keypoints_2d - center[:, None]).norm(dim=2).amax(1)
    window = (2 * radius * augmentation.scale).clamp(
        _SMALLEST_WINDOW * crop_size, _LARGEST_WINDOW * crop_size
    )
    angle = torch.deg2rad(augmentation.rotation_deg)
    cos, sin = angle.cos(), angle.sin()
    # As in cv2.getRotationMatrix2D: the content rotates counter-clockwise on the screen.
    rotation = torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 1)
    zoom = (output_size / window)[:, None, None]
    linear = zoom * rotation  # [B, 2, 2]
    # The centre of the rotated window is the mean keypoint plus the shift.
    shift = (augmentation.translation * crop_size)[..., None]
    offset = (output_size - 1) / 2 - linear @ center[..., None] - zoom * shift
    return torch.cat([linear, offset], dim=2), window


def warp(images: Tensor, affine: Tensor, output_size: int, padding: str = "reflection") -> Tensor:
    """Resample images bilinearly.

    Args:
        images: ``[B, C, H, W]`` float.
        affine: ``[B, 2, 3]``, source to destination px.
        output_size: S.
        padding: Padding beyond the border: ``'reflection'``, ``'border'`` or ``'zeros'``.

    Returns:
        ``[B, C, S, S]``.
    """
    height, width = images.shape[-2:]
    along_x, along_y = sampling_lines(affine, height, width, output_size)
    grid = (along_x[:, :, None] + along_y[..., None]).permute(0, 2, 3, 1)  # [B, S, S, 2]
    return grid_sample(images, grid, padding_mode=padding, align_corners=True)


def sampling_lines(
    affine: Tensor, height: int, width: int, output_size: int
) -> tuple[Tensor, Tensor]:
    """Compute where the pixels of the output are in the source.

    Args:
        affine: ``[B, 2, 3]``, source to destination px.
        height: Of the source in px.
        width: Of the source in px.
        output_size: S.

    Returns:
        What the column of an output pixel adds to its position (x, y) in the source, and what its
        row adds, ``[B, 2, S]`` each. As in grid_sample, -1 and 1 are the first and last pixel
        centres.
    """
    # Divide by Python numbers: a tensor would need a blocking copy to the device.
    to_x, to_y = affine_maths.invert(affine).unbind(1)
    to_source = torch.stack([to_x / ((width - 1) / 2), to_y / ((height - 1) / 2)], dim=1)
    pixel = torch.arange(output_size, dtype=affine.dtype, device=affine.device)
    return to_source[..., :1] * pixel, to_source[..., 1:2] * pixel + (to_source[..., 2:] - 1)


def jitter_colors(images: Tensor, augmentation: Augmentation) -> Tensor:
    """Scale hue, saturation and value and add brightness, each clipped to its range.

    Differs from the released code, which interprets RGB as BGR here and so swaps red and blue.

    Args:
        images: ``[B, 3, S, S]``, RGB in [0, 1].
        augmentation: Drawn parameters.

    Returns:
        Images of the same shape and range.
    """
    per_image = (-1, 1, 1)
    value, chroma, hue = _hue_and_chroma(images)
    saturation = chroma / value.clamp_min(1e-6) * augmentation.saturation.view(per_image)
    hue = hue * augmentation.hue.view(per_image) % 6
    value = value * augmentation.value.view(per_image) + augmentation.brightness.view(per_image)
    value = value.clamp_(0, 1)
    drop = value * saturation.clamp_(0, 1)
    # Each channel is the value minus a trapezoid function of the hue (in sixths of a turn).
    ramp = torch.stack([2 - (hue - 3).abs(), (hue - 2).abs() - 1, (hue - 4).abs() - 1], dim=1)
    return value[:, None] - ramp.clamp_(0, 1).mul_(drop[:, None])


def _hue_and_chroma(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value, chroma and hue in [0, 6), each ``[B, S, S]``."""
    red, green, blue = images.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    divisor = chroma.clamp_min(1e-6)
    of_green = torch.add(blue - red, divisor, alpha=2)
    of_blue = torch.add(red - green, divisor, alpha=4)
    hue = torch.where(
        value == red, green - blue, torch.where(value == green, of_green, of_blue)
    ).div_(divisor)
    return value, chroma, hue % 6


def _between(uniform: Tensor, limits: Range | None, default: float) -> Tensor:
    if limits is None:
        return torch.full_like(uniform, default)
    return limits[0] + uniform * (limits[1] - limits[0])
