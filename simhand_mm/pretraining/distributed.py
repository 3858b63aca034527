"""The only collective of pre-training: a differentiable gather."""

import torch
from mmengine.dist import get_dist_info
from torch import Tensor, distributed


class _GatherWithGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor: Tensor) -> Tensor:
        rank, world_size = get_dist_info()
        ctx.own = slice(rank * len(tensor), (rank + 1) * len(tensor))
        parts = [torch.empty_like(tensor) for _ in range(world_size)]
        distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, grad_output: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] (as torch documents)
        gradient = grad_output.clone()
        distributed.all_reduce(gradient)
        return gradient[ctx.own]


def gather_with_gradient(tensor: Tensor) -> Tensor:
    """Concatenate a tensor over all processes, in rank order.

    The gradient of each part is the *sum* of its gradients on all processes. If each process
    computes the loss of its rows against all columns, the gradients averaged over processes (as in
    DDP) are exactly those of the global batch. mmpretrain's ``GatherLayer`` keeps only the local
    gradient of the local part instead, which scales the gradient by 1 / number of processes.

    Args:
        tensor: ``[N, ...]``, the same shape on all processes.

    Returns:
        ``[N W, ...]`` for W processes; ``tensor`` itself if there is one process.
    """
    if get_dist_info()[1] == 1:
        return tensor
    return _GatherWithGradient.apply(tensor)
