"""A contrast of all pairs of a batch, with bounded memory (SiMHand, Sec. 3.3).

A *contrast* takes the similarities of some rows with all columns over the temperature, and gives
the loss of these rows with its gradient (:mod:`simhand_mm.functional.contrasts`).
:func:`contrast_pairs` hands it one block of rows after the other and averages.

Axes: N query/positive pairs of this process, R = 2N rows, M = 2 N W columns gathered from W
processes, D dimensions. Rows and columns are ordered all queries first, then all positives.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import normalize

from simhand_mm.functional.global_batch import GlobalBatch

# Elements of one block of the similarity matrix: 4 MB of float32 stay in the cache of a CPU,
# 256 MB keep a GPU busy.
_BLOCK_ELEMENTS = {"cpu": 1 << 20, "cuda": 1 << 26}


class Contrast(Protocol):
    """The loss of rows from their similarities. Made anew for each batch."""

    def __call__(self, similarity: Tensor, rows: slice, index: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of some rows.

        Args:
            similarity: ``[b, M]``, cosine similarities over the temperature; may be overwritten.
            rows: Which of the R rows of this process these are.
            index: ``[2, b]``, the columns of each row itself and of its positive.

        Returns:
            Loss of each row ``[b]``, and the gradient of their sum to ``similarity``, ``[b, M]``.
        """
        ...

    def log(self) -> dict[str, Tensor]:
        """Scalars to log once all rows are done, of the batch of all processes."""
        ...


def contrast_pairs(
    query: Tensor,
    positive: Tensor,
    contrast: Contrast,
    temperature: float = 0.5,
    batch: GlobalBatch | None = None,
) -> Tensor:
    r"""Mean of a contrast over the 2N rows of the global batch.

    Rows are worked through in blocks: memory is O(block x 2N), never 2N x 2N, and nothing but the
    gradients of rows and columns is kept for the backward pass. The contrast carries no gradient
    of its own. Half-precision inputs are computed in float32, also under autocast.

    In a process group every process passes its own N pairs and gets the loss of all pairs as
    value. Its graph holds its own rows against all columns, so that gradients averaged over
    processes (as DDP does) are those of the global batch.

    Args:
        query: ``[N, D]`` projections, need not be normalised.
        positive: ``[N, D]``, the positive of the query in the same row.
        contrast: From similarities to the loss of rows, with their gradient.
        temperature: Divides the similarities.
        batch: The batch of all processes; this one alone by default.

    Returns:
        Scalar.
    """
    _check_pairs(query, positive)
    batch = batch or GlobalBatch()
    with torch.autocast(query.device.type, enabled=False):
        rows = normalize(torch.cat([_wide(query), _wide(positive)]), dim=1)
        columns = batch.pairs(rows)
        index = batch.positions(len(query), len(columns), query.device)
        loss = _RowBlocks.apply(rows, columns, index, contrast, temperature)
        # The value is the global one on every process, the gradient stays that of own rows.
        return loss if batch.gather is None else loss + (batch.mean(loss) - loss.detach())


class _RowBlocks(torch.autograd.Function):
    """Mean of a contrast over some rows; the gradient is made along with the value."""

    @staticmethod
    def forward(
        ctx,
        rows: Tensor,
        columns: Tensor,
        index: Tensor,
        contrast: Contrast,
        temperature: float,
    ) -> Tensor:
        count = len(rows)
        wants_gradient = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        row_gradient, column_gradient = torch.zeros_like(rows), torch.zeros_like(columns)
        loss = rows.new_zeros(())
        size = max(_BLOCK_ELEMENTS.get(rows.device.type, 1 << 26) // len(columns), 1)
        for start in range(0, count, size):
            part = slice(start, min(start + size, count))
            block = rows[part]
            similarity = (block / temperature) @ columns.T
            losses, gradient = contrast(similarity, part, index[:, part])
            loss += losses.sum()
            if wants_gradient:
                torch.mm(gradient, columns, out=row_gradient[part])
                column_gradient.addmm_(gradient.T, block)
        scale = 1 / (temperature * count)
        ctx.save_for_backward(row_gradient.mul_(scale), column_gradient.mul_(scale))
        return loss / count

    @staticmethod
    def backward(ctx, grad_output: Tensor) -> tuple:
        row_gradient, column_gradient = ctx.saved_tensors
        return row_gradient * grad_output, column_gradient * grad_output, None, None, None


def _wide(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _check_pairs(query: Tensor, positive: Tensor) -> None:
    if query.ndim != 2 or query.shape != positive.shape or not len(query):
        raise ValueError(
            f"query and positive must both be [N, D] with N > 0, but got {tuple(query.shape)} and "
            f"{tuple(positive.shape)}."
        )
