"""All distances between two sets of hands in one GPU kernel (Triton).

Without it, each keypoint needs several kernels, each of which reads and writes the whole result.
:mod:`simhand_mm.functional.pose_distances` imports this module on first use, because Triton exists
for some platforms only.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_TILE = 64  # rows and columns per program; the sums of a tile stay in registers


@triton.jit
def _kernel(
    a,
    b,
    out,
    num_rows,
    num_columns,
    num_keypoints,
    DIMS: tl.constexpr,
    MEAN_JOINT: tl.constexpr,
    TILE: tl.constexpr,
):
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    column = tl.program_id(1) * TILE + tl.arange(0, TILE)
    total = tl.zeros((TILE, TILE), tl.float32)
    for keypoint in range(num_keypoints):
        squared = tl.zeros((TILE, TILE), tl.float32)
        for dim in tl.static_range(DIMS):
            axis = keypoint * DIMS + dim
            left = tl.load(a + axis * num_rows + row, mask=row < num_rows, other=0.0)
            right = tl.load(b + axis * num_columns + column, mask=column < num_columns, other=0.0)
            difference = left[:, None] - right[None, :]
            squared += difference * difference
        total += tl.sqrt_rn(squared) if MEAN_JOINT else squared
    result = total / num_keypoints if MEAN_JOINT else tl.sqrt_rn(total)
    offset = row[:, None].to(tl.int64) * num_columns + column[None, :]
    inside = (row < num_rows)[:, None] & (column < num_columns)[None, :]
    tl.store(out + offset, result, mask=inside)


@torch.library.custom_op("simhand_mm::pairwise_keypoint_distance", mutates_args=())
def fused_distance(a: Tensor, b: Tensor, mean_joint: bool) -> Tensor:
    """Distance of each hand of ``a`` from each hand of ``b``.

    Args:
        a: ``[K, C, N]`` float32, contiguous.
        b: ``[K, C, M]``, same unit, frame and device.
        mean_joint: Whether the metric is ``mean_joint``; else it is ``l2``, see
            :func:`~simhand_mm.functional.pose_distances.keypoint_distance`.

    Returns:
        ``[N, M]``.
    """
    (num_keypoints, dims, num_rows), num_columns = a.shape, b.shape[2]
    out = a.new_empty(num_rows, num_columns)
    grid = (triton.cdiv(num_rows, _TILE), triton.cdiv(num_columns, _TILE))
    launch: Any = _kernel[grid]  # takes plain values, although the kernel declares constexpr
    with torch.cuda.device_of(a):
        sizes = (num_rows, num_columns, num_keypoints)
        launch(a, b, out, *sizes, DIMS=dims, MEAN_JOINT=mean_joint, TILE=_TILE)
    return out


@fused_distance.register_fake
def _(a: Tensor, b: Tensor, mean_joint: bool) -> Tensor:
    return a.new_empty(a.shape[2], b.shape[2])
