"""Contrastive loss over all pairs of a batch, with bounded memory (SiMHand, Sec. 3.3).

A *contrast* takes the similarities of some rows with all columns, divided by the temperature, and
returns the loss of these rows and its gradient (:mod:`simhand_mm.functional.contrasts`).
:func:`contrast_pairs` calls it on one block of rows at a time and averages the losses.

Axes: N query/positive pairs of this process, R = 2N rows, M = 2 N W columns gathered from W
processes, D dimensions. Rows and columns are ordered all queries first, then all positives.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import normalize

from simhand_mm.functional.global_batch import GlobalBatch

# Elements of one block of the similarity matrix: 4 MB of float32 fit in the cache of a CPU, 256 MB
# keep a GPU busy.
_BLOCK_ELEMENTS = {"cpu": 1 << 20, "cuda": 1 << 26}


class Contrast(Protocol):
    """Loss of rows, given their similarities with all columns. Built anew for each batch."""

    def __call__(self, similarity: Tensor, rows: slice, index: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the loss of some rows.

        Args:
            similarity: ``[b, M]``, cosine similarities divided by the temperature. May be
                overwritten.
            rows: The position of these rows among the R rows of this process.
            index: ``[2, b]``, for each row: the column of the row itself, and of its positive.

        Returns:
            Loss of each row ``[b]``, and the gradient of their sum with respect to
            ``similarity``, ``[b, M]``: written out, or by ``torch.autograd.grad`` under
            ``torch.enable_grad``, which needs more memory.
        """
        ...

    def log(self) -> dict[str, Tensor]:
        """Return scalars to log, of the batch of all processes. Call it after all rows."""
        ...


def contrast_pairs(
    query: Tensor,
    positive: Tensor,
    contrast: Contrast,
    temperature: float = 0.5,
    batch: GlobalBatch | None = None,
) -> Tensor:
    r"""Mean of a contrast over all rows of the global batch.

    Rows are processed in blocks: memory is O(block x M), never O(M x M), and only the gradients of
    rows and columns are kept for the backward pass. The weights and targets of the contrast carry
    no gradient. Half-precision inputs are computed in float32, also under autocast.

    In a process group, each process passes its N pairs and gets the loss of all pairs as value.
    Its graph contains its rows against all columns, so that gradients averaged over processes (as
    in DDP) equal those of the global batch.

    Args:
        query: ``[N, D]`` projections, need not be normalised.
        positive: ``[N, D]``, the positive of the query in the same row.
        contrast: Computes the loss of rows and its gradient from their similarities.
        temperature: Divides the similarities.
        batch: The batch of all processes (default: this process only).

    Returns:
        Scalar.

    Raises:
        ValueError: If the shapes differ or there are no pairs.
    """
    _check_pairs(query, positive)
    batch = batch or GlobalBatch()
    with torch.autocast(query.device.type, enabled=False):
        rows = normalize(torch.cat([_wide(query), _wide(positive)]), dim=1)
        columns = batch.pairs(rows)
        index = batch.positions(len(query), len(columns), query.device)
        loss = _RowBlocks.apply(rows, columns, index, contrast, temperature)
        # The value is the global one on every process; the gradient is that of the local rows.
        return loss if batch.gather is None else loss + (batch.mean(loss) - loss.detach())


class _RowBlocks(torch.autograd.Function):
    """Mean of a contrast over the local rows. ``forward`` computes the gradient with the value."""

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
    def backward(ctx, grad_output: Tensor) -> tuple:  # pyright: ignore[reportIncompatibleMethodOverride] (as torch documents)
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
