"""The batch of all processes, seen from one of them.

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
    """Gathers what the processes hold, and knows where the rows of this one are.

    Attributes:
        gather: Concatenates a tensor ``[N, ...]`` over the processes in rank order, with a
            backward pass that sums over processes. None without a process group.
        rank: Position of this process among them.
    """

    gather: Gather | None = None
    rank: int = 0

    def pairs(self, local: Tensor) -> Tensor:
        """From the pairs of this process ``[2N, ...]`` to those of all, ``[M, ...]``."""
        if self.gather is None:
            return local
        interleaved = torch.stack(local.chunk(2), 1)  # [N, 2, ...], so that one call gathers both
        return torch.cat(self.gather(interleaved).unbind(1))

    def mean(self, value: Tensor) -> Tensor:
        """Mean of a scalar over the processes; carries no gradient."""
        return value.detach() if self.gather is None else self.gather(value.detach()[None]).mean()

    def positions(self, count: int, total: int, device: torch.device) -> Tensor:
        """Columns of each row of this process itself and of its positive.

        Args:
            count: N.
            total: M.
            device: Of the result.

        Returns:
            ``[2, 2N]``.
        """
        first = self.rank * count
        query = torch.arange(first, first + count, device=device)
        positive = query + total // 2
        return torch.stack([torch.cat([query, positive]), torch.cat([positive, query])])
