"""Errors of 3D hand poses under the protocols that papers use (docs/protocols.md).

All lengths in mm. A protocol defines what is aligned before the error is measured:

=======================  ===========================================================================
``none``                 nothing: positions in the camera frame
``root``                 the wrists
``root_scale``           the wrists and the wrist to middle-MCP length (SiMHand's MPJPE, PCK-AUC)
``procrustes``           best fit of position, rotation and scale (PA-MPJPE)
``procrustes_official``  the same, or with a reflection where that fits better, as in the toolkits
                         of FreiHAND, DexYCB and HO-3D
=======================  ===========================================================================

Axes: N samples, 21 keypoints. Tensors of any floating dtype.
"""

import torch
from torch import Tensor

from simhand_mm.functional.keypoints import WRIST, bone_length, root_relative

#: Alignments before the error is measured (docs/protocols.md).
PROTOCOLS = ("none", "root", "root_scale", "procrustes", "procrustes_official")


def align(pred: Tensor, target: Tensor, protocol: str, valid: Tensor | None = None) -> Tensor:
    """Align predictions with their targets as a protocol defines it.

    Args:
        pred: ``[N, 21, 3]``.
        target: ``[N, 21, 3]``.
        protocol: One of :data:`PROTOCOLS`.
        valid: ``[N, 21]`` bool, the keypoints that ``procrustes`` fits use (default: all).

    Returns:
        ``[N, 21, 3]``, in the frame of ``target``. A prediction whose reference bone has length 0
        is scaled by 0: all its keypoints lie on the wrist.

    Raises:
        ValueError: If the shapes differ or the protocol is unknown.
    """
    if pred.shape != target.shape or pred.dim() != 3 or pred.shape[1:] != (21, 3):
        raise ValueError(
            f"pred and target must both be [N, 21, 3], but got {tuple(pred.shape)} and "
            f"{tuple(target.shape)}. Reorder the keypoints with the data set's converter."
        )
    if protocol == "none":
        return pred.clone()
    if protocol == "root":
        return root_relative(pred) + target[:, WRIST : WRIST + 1]
    if protocol == "root_scale":
        pred_length = bone_length(pred)
        scale = torch.where(pred_length > 0, bone_length(target) / pred_length, 0.0)
        return root_relative(pred) * scale[:, None, None] + target[:, WRIST : WRIST + 1]
    if protocol in ("procrustes", "procrustes_official"):
        return _procrustes(pred, target, valid, may_reflect=protocol == "procrustes_official")
    raise ValueError(f"protocol must be one of {PROTOCOLS}, but got {protocol!r}.")


def _procrustes(pred: Tensor, target: Tensor, valid: Tensor | None, may_reflect: bool) -> Tensor:
    """Best similarity transform (Umeyama, 1991), with or without reflection."""
    weight = torch.ones_like(pred[..., :1]) if valid is None else valid[..., None].to(pred.dtype)
    target = torch.where(weight > 0, target, 0.0)  # invalid targets may be NaN
    count = weight.sum(1, keepdim=True).clamp(min=1)
    pred_mean = (pred * weight).sum(1, keepdim=True) / count
    target_mean = (target * weight).sum(1, keepdim=True) / count
    pred_centered, target_centered = pred - pred_mean, (target - target_mean) * weight
    u, singular, vh = torch.linalg.svd(target_centered.mT @ pred_centered)
    sign = torch.ones_like(singular)
    if not may_reflect:
        sign[:, -1] = torch.det(u @ vh).sign()
    rotation = u @ (sign[..., None] * vh)  # [N, 3, 3], acts on column vectors
    spread = (pred_centered.square() * weight).sum((1, 2))
    scale = torch.where(spread > 0, (singular * sign).sum(-1) / spread, 0.0)
    return scale[:, None, None] * (pred_centered @ rotation.mT) + target_mean


def keypoint_errors_mm(
    pred: Tensor, target: Tensor, protocol: str, valid: Tensor | None = None
) -> Tensor:
    """Distance of each keypoint from its target after alignment.

    Args:
        pred: ``[N, 21, 3]``, mm.
        target: ``[N, 21, 3]``, mm.
        protocol: One of :data:`PROTOCOLS`.
        valid: ``[N, 21]`` bool (default: all).

    Returns:
        ``[N, 21]`` mm; NaN if the keypoint is not valid, or if the protocol needs a keypoint
        (wrist, middle MCP) that is not valid.
    """
    if valid is not None:
        target = torch.where(valid[..., None], target, torch.nan)
    return (align(pred, target, protocol, valid) - target).norm(dim=-1)


def mpjpe_mm(pred: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean distance over all valid keypoints of all samples.

    Args:
        pred: ``[N, 21, 3]``, mm, already aligned.
        target: ``[N, 21, 3]``, mm.
        valid: ``[N, 21]`` bool (default: all).

    Returns:
        Scalar, mm; NaN if no keypoint is valid.
    """
    errors = (pred - target).norm(dim=-1)
    return errors.mean() if valid is None else errors[valid].mean()


def mean_of_column_means(errors_mm: Tensor, is_left: Tensor) -> Tensor:
    """Mean over 42 columns of their mean errors, as in AssemblyHands' toolkit (its MPJPE).

    The columns are the 21 keypoints of right hands and the 21 of left hands. If labels are missing,
    this differs from the mean over all keypoints, where a keypoint counts as often as it is
    labelled.

    Args:
        errors_mm: ``[N, 21]``; NaN marks keypoints that are ignored.
        is_left: ``[N]`` bool.

    Returns:
        Scalar, mm. Columns without any error are ignored; NaN if all columns are.
    """
    sides = [errors_mm[~is_left], errors_mm[is_left]]
    return torch.cat([side.nanmean(0) for side in sides]).nanmean()


def pck_curve(errors_mm: Tensor, thresholds_mm: Tensor) -> Tensor:
    """Share of keypoints whose error is at most each threshold.

    Args:
        errors_mm: Any shape; NaN marks keypoints that are ignored.
        thresholds_mm: ``[T]``.

    Returns:
        ``[T]`` in [0, 1]; NaN if all keypoints are ignored.
    """
    errors = errors_mm[~errors_mm.isnan()].sort().values
    within = torch.searchsorted(errors, thresholds_mm.to(errors), right=True)
    return within.to(errors.dtype) / len(errors)


def pck_auc(
    errors_mm: Tensor, low_mm: float = 20.0, high_mm: float = 50.0, steps: int = 15
) -> Tensor:
    """Area under the PCK curve by the trapezoid rule, divided by the range.

    The default range is the paper's (Sec. 4.1); FreiHAND and DexYCB use 0 to 50 mm, 100 steps.

    Args:
        errors_mm: Any shape; NaN marks keypoints that are ignored.
        low_mm: First threshold.
        high_mm: Last threshold.
        steps: Number of thresholds.

    Returns:
        Scalar in [0, 1].
    """
    thresholds = torch.linspace(
        low_mm, high_mm, steps, dtype=errors_mm.dtype, device=errors_mm.device
    )
    curve = pck_curve(errors_mm, thresholds)
    return torch.trapezoid(curve, thresholds) / (high_mm - low_mm)
