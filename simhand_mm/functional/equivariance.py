"""Inverse of the augmentation, applied to projections (T^-1 of PeCLR and SiMHand, Sec. 3.3).

Convention: a projection of 2P numbers is interpreted as P points (x, y). Positive ``rotation_deg``
is counter-clockwise on the screen (x right, y down), as in ``cv2.getRotationMatrix2D``.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize


def invert_augmentation(
    projection: Tensor, rotation_deg: Tensor | None = None, translation: Tensor | None = None
) -> Tensor:
    """Undo the rotation and translation of the image on its projection.

    The steps: normalise; interpret as points; translate by ``-translation`` times the range of the
    points along each axis; rotate by ``-rotation_deg`` about the mean of the points; flatten;
    normalise. Order and conventions are those of the released code. Range and mean carry no
    gradient.

    Args:
        projection: ``[N, 2P]``, need not be normalised.
        rotation_deg: ``[N]``, rotation of the image content; None for no rotation.
        translation: ``[N, 2]``, translation (x, y) of the content after the rotation, as a
            fraction of the side of the image; None for no translation.

    Returns:
        ``[N, 2P]``, rows of unit length.

    Raises:
        ValueError: If the projection has an odd number of columns or the shapes do not match.
    """
    count, dims = projection.shape
    if dims % 2:
        raise ValueError(
            f"projection must have an even number of columns (x and y of points), but got "
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
    """Matrices ``[N, 2, 2]`` that multiply row vectors (x, y) from the right."""
    angle = torch.deg2rad(rotation_deg)
    cos, sin = angle.cos(), angle.sin()
    # cv2 rotates by a with x' = cos x + sin y, y' = -sin x + cos y; this is the same with -a.
    return torch.stack([torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1)], -2)
