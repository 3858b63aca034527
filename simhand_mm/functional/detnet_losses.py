"""The losses of DetNet's maps (SiMHand, Eq. 4; Zhou et al., CVPR 2020).

The 3D maps matter only at the keypoint, so their losses are masked by the target heatmap.

Axes: B samples, K keypoints, h x w map cells.
"""

import torch
from torch import Tensor


def heat_loss(heatmaps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Half the squared error of heatmaps, averaged over cells and summed over keypoints.

    Args:
        heatmaps: ``[B, K, h, w]``.
        target: ``[B, K, h, w]``.
        weight: ``[B, K]``, 0 where the keypoint is unknown or outside the image.

    Returns:
        Scalar, the mean over samples.
    """
    per_keypoint = ((heatmaps - target) ** 2).mean(dim=(-1, -2))
    return 0.5 * (per_keypoint * weight).sum(-1).mean()


def masked_map_loss(
    maps: Tensor, target: Tensor, mask: Tensor, weight: Tensor, over_batch: bool = False
) -> Tensor:
    """Error of 3D maps at the keypoints: ``||H * (L - L_target)|| / ||H||``.

    This is the root mean square error over the cells of a sample, weighted by the squared target
    heatmap. The released code differs: it takes one norm over the whole batch and divides it by
    the number of samples, so its loss shrinks with the square root of the batch size. The two are
    about equal at 66 samples: the squared heatmaps (sigma 1) of 21 keypoints sum to 21 pi.
    ``over_batch`` selects the released form.

    Args:
        maps: ``[B, K, 3, h, w]``, predicted vectors.
        target: ``[B, K, 3]``, the same vector in every cell.
        mask: ``[B, K, h, w]``, target heatmaps.
        weight: ``[B, K]``, 0 where the vector is unknown.
        over_batch: Use the form of the released code.

    Returns:
        Scalar in the unit of the maps, the mean over the samples with any weight; 0 if
        there is none.
    """
    error = torch.where(weight[..., None] > 0, target, 0.0)[..., None, None] - maps
    squared = (error * mask[:, :, None]).square().sum(dim=(2, 3, 4)) * weight  # [B, K]
    energy = (mask.square().sum(dim=(-1, -2)) * weight).sum(-1)  # [B]
    labelled = energy > 0
    count = labelled.sum().clamp(min=1)
    if over_batch:
        return _safe_sqrt(squared.sum()) / count
    return (_safe_sqrt(squared.sum(-1) / energy.clamp(min=1e-6)) * labelled).sum() / count


def _safe_sqrt(squared: Tensor) -> Tensor:
    """Square root with a finite gradient at zero."""
    return (squared + 1e-12).sqrt()
