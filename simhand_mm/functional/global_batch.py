"""The global batch (over all processes) as one process sees it.

Axes: N query/positive pairs of this process, M = 2 N W rows of W processes. Rows are ordered all
queries first, then all positives.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Gather = Callable[[Tensor], Tensor]
"""Concatenates ``[N, ...]`` over processes in rank order; backward sums over processes."""


@dataclass(frozen=True)
class GlobalBatch:
    """Gathers tensors over processes, and gives the positions of the local rows.

    Attributes:
        gather: Concatenates a tensor ``[N, ...]`` over the processes in rank order; its backward
            pass sums over processes. None without a process group.
        rank: Rank of this process.
    """

    gather: Gather | None = None
    rank: int = 0

    def pairs(self, local: Tensor) -> Tensor:
        """Gather the pairs of all processes: ``[2N, ...]`` -> ``[M, ...]``."""
        if self.gather is None:
            return local
        interleaved = torch.stack(local.chunk(2), 1)  # [N, 2, ...]: one call gathers both
        return torch.cat(self.gather(interleaved).unbind(1))

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a scalar over the processes, without gradient."""
        return value.detach() if self.gather is None else self.gather(value.detach()[None]).mean()

    def positions(self, count: int, total: int, device: torch.device) -> Tensor:
        """Return the global positions of the local rows and of their positives.

        Args:
            count: N.
            total: M.
            device: Device of the result.

        Returns:
            ``[2, 2N]`` int64: positions of the rows themselves, then of their positives.
        """
        first = self.rank * count
        query = torch.arange(first, first + count, device=device)
        positive = query + total // 2
        return torch.stack([torch.cat([query, positive]), torch.cat([positive, query])])
