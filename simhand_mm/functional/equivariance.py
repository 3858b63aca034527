"""Undoing the augmentation on projections (T^-1 of PeCLR and SiMHand, Sec. 3.3).

Convention: a projection of 2P numbers is read as P points (x, y). ``rotation_deg`` turns
counter-clockwise on the screen (x right, y down), as in ``cv2.getRotationMatrix2D``.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize


def invert_augmentation(
    projection: Tensor, rotation_deg: Tensor | None = None, translation: Tensor | None = None
) -> Tensor:
    """Move projections back to where they would be had the image not been rotated or shifted.

    Normalise, read as points, move each axis by ``-translation`` times the range of the points
    on it, turn by ``-rotation_deg`` about their mean, flatten, normalise. Order and conventions
    are those of the released code; range and mean carry no gradient.

    Args:
        projection: ``[N, 2P]``, need not be normalised.
        rotation_deg: ``[N]``, how far the image content was turned; None leaves it.
        translation: ``[N, 2]``, how far (x, y) the content was moved after the turn, as a
            fraction of the side of the image; None leaves it.

    Returns:
        ``[N, 2P]``, unit rows.

    Raises:
        ValueError: If the projection cannot be read as points or the shapes do not match.
    """
    count, dims = projection.shape
    if dims % 2:
        raise ValueError(
            f"projection must have an even number of columns to be read as points, but got "
            f"{dims}. Set an even out_channels in the neck."
        )
    if rotation_deg is not None and rotation_deg.shape != (count,):
        raise ValueError(
            f"rotation_deg must have shape ({count},), but got {tuple(rotation_deg.shape)}."
        )
    if translation is not None and translation.shape != (count, 2):
        raise ValueError(
            f"translation must have shape ({count}, 2), but got {tuple(translation.shape)}."
        )
    points = normalize(projection, dim=1).reshape(count, dims // 2, 2)
    if translation is not None:
        extent = (points.amax(1) - points.amin(1)).detach()  # [N, 2]
        points = points - (translation * extent)[:, None]
    if rotation_deg is not None:
        center = points.mean(1, keepdim=True).detach()  # [N, 1, 2]
        points = (points - center) @ _inverse_rotation(rotation_deg) + center
    return normalize(points.reshape(count, dims), dim=1)


def _inverse_rotation(rotation_deg: Tensor) -> Tensor:
    """``[N, 2, 2]``, to be multiplied from the right to row vectors (x, y)."""
    angle = torch.deg2rad(rotation_deg)
    cos, sin = angle.cos(), angle.sin()
    # cv2 turns by a with x' = cos x + sin y, y' = -sin x + cos y; this is the same with -a.
    return torch.stack([torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1)], -2)
