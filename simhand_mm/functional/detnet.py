"""DetNet's maps: their targets, and how they are read (SiMHand, Sec. 6.2; Zhou et al., CVPR 2020).

For each keypoint the network predicts a *heatmap* (position in the image), a *location map*
(position relative to the wrist, in lengths of the reference bone) and a *delta map* (direction
from its parent). The 3D maps matter only at the keypoint: they are read at the maximum of the
heatmap.

Axes: B samples, K keypoints, h x w map cells. Cell centres lie at integer coordinates. ``...``
stands for any leading axes. Targets that are computed per sample accept NumPy arrays, because
torch takes several times as long for arrays of this size.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from simhand_mm.functional.arrays import Array
from simhand_mm.functional.keypoints import PARENTS, bone_length, root_relative

# Half the window of the released Gaussians, in standard deviations.
RELEASED_CUTOFF = 3.0


def image_to_map(points: Array, stride: float) -> Array:
    """Pixels of the input image to map cells, ``stride`` px per cell. ``[..., 2]``."""
    mapped: Any = (points + 0.5) / stride - 0.5
    return mapped


def map_to_image(points: Array, stride: float) -> Array:
    """Map cells to pixels of the input image; inverse of :func:`image_to_map`. ``[..., 2]``."""
    mapped: Any = (points + 0.5) * stride - 0.5
    return mapped


def truncated_cells(points: np.ndarray, stride: int) -> np.ndarray:
    """Cells of keypoints as in the released code: truncated to pixels, then to cells.

    Args:
        points: ``[..., 2]``, px of the input image.
        stride: Pixels per cell.

    Returns:
        ``[..., 2]``, whole cells. Compared with :func:`image_to_map`, at four pixels per cell,
        they are shifted towards the top left by an eighth of a cell on average, and by up to half
        a cell.
    """
    return np.trunc(points) // stride


def heatmap_targets(
    points: Tensor,
    map_size_wh: tuple[int, int],
    sigma: float = 1.0,
    cutoff: float | None = None,
) -> Tensor:
    """Gaussians of height 1 centred on the keypoints.

    Centres are not rounded to cells. This differs from the released code, unless ``points`` are
    :func:`truncated_cells` and ``cutoff`` is :data:`RELEASED_CUTOFF`.

    Args:
        points: ``[..., K, 2]``, map cells. Non-finite points give an empty map.
        map_size_wh: Width and height of the map.
        sigma: Standard deviation in cells.
        cutoff: Set to zero beyond this many standard deviations along x or y (default: no cutoff).

    Returns:
        ``[..., K, h, w]`` in [0, 1].
    """
    along_x, along_y = (
        _gaussian(points[..., axis, None] - _cells(size, points), sigma, cutoff)
        for axis, size in enumerate(map_size_wh)
    )
    return torch.nan_to_num(along_y[..., :, None] * along_x[..., None, :])


def _gaussian(distance: Tensor, sigma: float, cutoff: float | None) -> Tensor:
    values = torch.exp(-(distance**2) / (2 * sigma**2))
    return values if cutoff is None else values * (distance.abs() <= cutoff * sigma)


def _cells(size: int, like: Tensor) -> Tensor:
    """Positions of the cells along an axis; created on the device, to avoid a blocking copy."""
    return torch.arange(size, dtype=like.dtype, device=like.device)


def location_targets(keypoints_3d: Array) -> Array:
    """Keypoints relative to the wrist, in lengths of the wrist to middle-MCP bone.

    Args:
        keypoints_3d: ``[..., 21, 3]``, any unit.

    Returns:
        ``[..., 21, 3]``, unitless.
    """
    moved: Any = root_relative(keypoints_3d)
    return moved / bone_length(keypoints_3d)[..., None, None]


def delta_targets(keypoints_3d: Array) -> Array:
    """Unit vector from each keypoint's parent to it; zero for the wrist.

    Args:
        keypoints_3d: ``[..., 21, 3]``, any unit.

    Returns:
        ``[..., 21, 3]``.
    """
    bones: Any = keypoints_3d - keypoints_3d[..., list(PARENTS), :]
    return bones / ((bones**2).sum(-1)[..., None] ** 0.5).clip(1e-9)


def read_out(
    heatmaps: Tensor, location_maps: Tensor, subpixel: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Read keypoints from the maps, at the highest cell of each heatmap.

    Args:
        heatmaps: ``[B, K, h, w]``.
        location_maps: ``[B, K, 3, h, w]``.
        subpixel: Refine the 2D position with a parabola through the logarithms of neighbouring
            cells, which is exact for a Gaussian, and interpolate the location map there.

    Returns:
        Points ``[B, K, 2]`` in map cells, x right and y down, scores ``[B, K]``, the maximum of the
        heatmap, and locations ``[B, K, 3]`` in the unit of the location maps.
    """
    width = heatmaps.shape[-1]
    scores, cell = heatmaps.flatten(2).max(-1)
    points = torch.stack([cell % width, cell // width], dim=-1).to(heatmaps.dtype)
    if subpixel:
        points = points + _peak_offset(heatmaps, cell)
        return points, scores, _sample_bilinear(location_maps, points)
    index = cell[:, :, None, None].expand(-1, -1, 3, 1)  # [B, K, 3, 1]
    return points, scores, location_maps.flatten(3).gather(-1, index)[..., 0]


def _peak_offset(heatmaps: Tensor, cell: Tensor) -> Tensor:
    """Offset from the highest cell to the peak of a Gaussian, in cells. ``[B, K, 2]``."""
    height, width = heatmaps.shape[-2:]
    log_heat = heatmaps.clamp(min=1e-6).log().flatten(2)
    middle = log_heat.gather(-1, cell[..., None])[..., 0]
    offsets = []
    for position, size, step in ((cell % width, width, 1), (cell // width, height, width)):
        inside = (position > 0) & (position < size - 1)
        stride = torch.where(inside, step, 0)
        before = log_heat.gather(-1, (cell - stride)[..., None])[..., 0]
        after = log_heat.gather(-1, (cell + stride)[..., None])[..., 0]
        curvature = (2 * middle - before - after).clamp(min=1e-6)
        offsets.append(((after - before) / (2 * curvature)).clamp(-0.5, 0.5))
    return torch.stack(offsets, dim=-1)


def _sample_bilinear(maps: Tensor, points: Tensor) -> Tensor:
    """Interpolate maps ``[B, K, C, h, w]`` at ``[B, K, 2]`` (map cells) -> ``[B, K, C]``."""
    batch, keypoints, channels, height, width = maps.shape
    size = points.new_tensor([width, height])
    grid = ((points + 0.5) / size * 2 - 1).reshape(batch * keypoints, 1, 1, 2)
    flat = maps.reshape(batch * keypoints, channels, height, width)
    sampled = torch.nn.functional.grid_sample(
        flat, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled.reshape(batch, keypoints, channels)
