"""Distances between hand poses, computed from their keypoints (SiMHand, Sec. 3.3).

Axes: N, M hands, K keypoints (21), C coordinates (2).
"""

import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

METRICS = ("mean_joint", "l2")


def keypoint_distance(a: Tensor, b: Tensor, metric: str = "mean_joint") -> Tensor:
    """Distance of each hand of ``a`` from the hand of ``b`` in the same row.

    Args:
        a: ``[N, K, C]``, any unit, e.g. px of the augmented image.
        b: ``[N, K, C]``, same unit and frame.
        metric: ``'mean_joint'`` for the mean over keypoints of the Euclidean distance (as in the
            released code), ``'l2'`` for the norm of the difference of the flattened vectors.

    Returns:
        ``[N]`` in the unit of the keypoints.

    Raises:
        ValueError: If the shapes differ or the metric is unknown.
    """
    _check_keypoints(a, b, metric)
    if len(a) != len(b):
        raise ValueError(
            f"b must have as many hands as a, but got {len(b)} and {len(a)}. Pass pairs, or use "
            "pairwise_keypoint_distance."
        )
    squared = (a - b).square().sum(-1)  # [N, K]
    return squared.sqrt().mean(-1) if metric == "mean_joint" else squared.sum(-1).sqrt()


def pairwise_keypoint_distance(a: Tensor, b: Tensor, metric: str = "mean_joint") -> Tensor:
    """Distance of each hand of ``a`` from each hand of ``b``.

    Processes one keypoint at a time, so that no intermediate tensor is larger than the result: a
    difference ``[N, M, K, C]`` would take 45 GB for 16,384 hands. On a GPU, float32 uses a single
    kernel if Triton can compile it.

    Args:
        a: ``[N, K, C]``, any unit.
        b: ``[M, K, C]``, same unit and frame.
        metric: As in :func:`keypoint_distance`.

    Returns:
        ``[N, M]``. Computed from differences, not by a matrix product, hence accurate for near
        hands.
    """
    _check_keypoints(a, b, metric)
    rows, columns = a.permute(1, 2, 0).contiguous(), b.permute(1, 2, 0).contiguous()  # [K, C, N]
    fused = _fused_distance(a.device) if a.dtype == torch.float32 else None
    return (fused or _distance_by_keypoint)(rows, columns, metric == "mean_joint")


def _distance_by_keypoint(rows: Tensor, columns: Tensor, mean_joint: bool) -> Tensor:
    """Distances ``[N, M]`` from ``[K, C, N]`` and ``[K, C, M]``, ``mean_joint`` or else ``l2``."""
    total = rows.new_zeros(rows.shape[2], columns.shape[2])
    squared, difference = torch.empty_like(total), torch.empty_like(total)
    for row, column in zip(rows, columns, strict=True):
        torch.sub(row[0, :, None], column[0], out=squared)
        squared.mul_(squared)
        for axis in range(1, len(row)):
            torch.sub(row[axis, :, None], column[axis], out=difference)
            squared.addcmul_(difference, difference)
        total.add_(squared.sqrt_() if mean_joint else squared)
    return total.div_(len(rows)) if mean_joint else total.sqrt_()


@cache
def _fused_distance(device: torch.device) -> Callable[[Tensor, Tensor, bool], Tensor] | None:
    """Return the GPU kernel if it gives correct distances for some hands, else None."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return None
    try:
        from simhand_mm.functional.distance_kernel import fused_distance

        # Not random numbers, which would change those drawn later in the run.
        a, b = (torch.arange(42.0 * n, device=device).cos().view(21, 2, n) for n in (3, 70))
        for mean_joint in (True, False):
            expected = _distance_by_keypoint(a, b, mean_joint)
            torch.testing.assert_close(fused_distance(a, b, mean_joint), expected)
    except Exception as error:  # no Triton, no C compiler, a driver that is too old...
        warnings.warn(
            f"Triton must compile a kernel for {device}, but got {type(error).__name__}: {error}. "
            "Weights of pairs are computed with many small kernels instead, which is slower.",
            stacklevel=2,
        )
        return None
    return fused_distance


def max_pairwise_keypoint_distance(
    keypoints: Tensor, metric: str = "mean_joint", tile: int = 512
) -> Tensor:
    """Largest distance between any two hands. Exact, but computes only a few of the distances.

    Both metrics obey the triangle inequality, so the distance of two hands is at most the sum of
    their distances from the mean hand. Tiles of hands are visited from the outside in, and skipped
    once this bound falls below the largest distance found.

    Args:
        keypoints: ``[N, K, C]``, any unit.
        metric: As in :func:`keypoint_distance`.
        tile: Hands per tile; memory is ``O(tile^2)``.

    Returns:
        Scalar, equal to ``pairwise_keypoint_distance(keypoints, keypoints, metric).max()``.
    """
    if not len(keypoints):
        raise ValueError("keypoints must have at least one hand, but got none.")
    center = keypoints.mean(0, keepdim=True).expand_as(keypoints)
    radius, order = keypoint_distance(keypoints, center, metric).sort(descending=True)
    tiles = keypoints[order].split(tile)
    outer = radius[::tile].tolist()  # the largest radius of each tile
    if any(value != value for value in outer):
        return radius.new_tensor(float("nan"))
    largest, found = keypoints.new_zeros(()), 0.0
    # Rounding may make a bound smaller than the distance that it bounds.
    slack = 1 + 16 * torch.finfo(keypoints.dtype).eps
    for i, rows in enumerate(tiles):
        for j in range(i, len(tiles)):
            if (outer[i] + outer[j]) * slack <= found:
                break
            distance = pairwise_keypoint_distance(rows, tiles[j], metric).max()
            largest = torch.maximum(largest, distance)
            found = float(largest)
    return largest


def normalize_poses(keypoints: Tensor) -> Tensor:
    """Remove position and size of hands: centre each on its mean keypoint and scale it.

    Args:
        keypoints: ``[N, K, C]``, any unit.

    Returns:
        ``[N, K, C]``, unitless: the root mean square distance from the centre is 1, or 0 for a
        hand whose keypoints all coincide.
    """
    centered = keypoints - keypoints.mean(1, keepdim=True)
    size = centered.square().sum(-1).mean(1).sqrt()  # [N]
    return centered / size.clamp_min(torch.finfo(size.dtype).tiny)[:, None, None]


def _check_keypoints(a: Tensor, b: Tensor, metric: str) -> None:
    if a.ndim != 3 or a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"a and b must be keypoints [N, K, C] of the same K and C, but got "
            f"{tuple(a.shape)} and {tuple(b.shape)}."
        )
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}, but got {metric!r}.")
