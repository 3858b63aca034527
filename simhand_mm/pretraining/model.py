"""One algorithm for SimCLR, PeCLR, TempCLR, SiMHand and our methods; they differ in configs."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from simhand_mm.registry import MODELS


@MODELS.register_module()
class HandContrastive(BaseSelfSupervisor):
    """Pre-training of a backbone on pairs of hands.

    ==========  ==============================  =====================  ===========================
    algorithm   positive (HandPairDataset)      undone by the head     pairs in the loss
    ==========  ==============================  =====================  ===========================
    SimCLR      the hand itself                 nothing                unweighted
    PeCLR       the hand itself                 rotation, translation  unweighted
    TempCLR     an adjacent frame               rotation, translation  unweighted
    SiMHand     a similar hand, other video     rotation, translation  weighted
    ==========  ==============================  =====================  ===========================

    Not in the paper:

    ==========  ==============================  =====================  ===========================
    pose-aware  a similar hand, other video     rotation, translation  soft targets from all poses
    regression  the hand itself                 (no projections)       none, regresses keypoints
    both        a similar hand, other video     rotation, translation  soft targets, regression
    ==========  ==============================  =====================  ===========================

    Queries and positives are encoded in one forward pass, so they share batch statistics.

    Args:
        micro_batch_size: Number of pairs that are encoded at a time. Activations are kept for one
            micro-batch only and recomputed in the backward pass, so memory does not grow with the
            batch. The loss still covers all projections: unlike with gradient accumulation, value
            and gradient are those of the whole batch, up to rounding in float32. With bfloat16,
            the gradients of micro-batches are added in bfloat16. BatchNorm uses the statistics of
            a micro-batch, like a GPU with that many pairs without SyncBN. None encodes all pairs
            at once.
        channels_last: Store images and weights channels-last, which is faster in reduced precision
            on GPUs and CPUs.
        auxiliary: Config of a second head that reads the last feature map of the backbone, such as
            KeypointRegressionHead. Its losses are added to those of the head.
        **options: Arguments of mmpretrain's BaseSelfSupervisor: ``backbone``, ``neck``, ``head``,
            ``data_preprocessor``, ``init_cfg``... Neck and heads read the last feature map of the
            backbone, the head only without a neck.

    Raises:
        ValueError: If ``micro_batch_size`` is not positive, or the backbone returns no maps.
    """

    backbone: nn.Module
    neck: nn.Module
    head: Any

    def __init__(
        self,
        *,
        micro_batch_size: int | None = None,
        channels_last: bool = False,
        auxiliary: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if micro_batch_size is not None and micro_batch_size < 1:
            raise ValueError(f"micro_batch_size must be positive, but got {micro_batch_size}.")
        self.micro_batch_size = micro_batch_size
        self.auxiliary = None if auxiliary is None else MODELS.build(auxiliary)
        self.channels_last = channels_last
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def loss(  # pyright: ignore[reportIncompatibleMethodOverride] (one dict per batch, not per image)
        self, inputs: Tensor, data_samples: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            inputs: ``[2N, 3, S, S]``, all queries, then all positives.
            data_samples: The fields that HandPairPreprocessor records, ``[2N, ...]`` each.

        Returns:
            Losses and scalars to log.
        """
        encoded = self.encode(inputs)
        losses = self.head.loss(encoded[0], data_samples)
        if self.auxiliary is not None:
            # mmengine logs the sum of all losses as "loss".
            losses = {"loss_head" if k == "loss" else k: value for k, value in losses.items()}
            losses |= self.auxiliary.loss(encoded[1], data_samples)
        return losses

    def encode(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Compute the inputs of the heads.

        Args:
            inputs: ``[2N, 3, S, S]``, all queries, then all positives.

        Returns:
            The projections ``[2N, 2P]`` (without a neck, the last feature map ``[2N, C, h, w]``)
            and, with an auxiliary head, the last feature map.
        """
        size = self.micro_batch_size
        if size is None or 2 * size >= len(inputs):
            return self._encode(inputs)
        queries, positives = inputs.chunk(2)
        parts = [
            checkpoint(
                self._encode,
                *pairs,  # concatenated inside, because checkpoint() keeps its inputs
                use_reentrant=False,
                context_fn=lambda: (nullcontext(), self._frozen_running_statistics()),
            )
            for pairs in zip(queries.split(size), positives.split(size), strict=True)
        ]
        return tuple(_queries_first(output) for output in zip(*parts, strict=True))

    def _encode(self, *images: Tensor) -> tuple[Tensor, ...]:
        batch = images[0] if len(images) == 1 else torch.cat(images)
        if self.channels_last:
            batch = batch.contiguous(memory_format=torch.channels_last)
        features = self.backbone(batch)[-1]
        if features.ndim != 4:
            raise ValueError(
                f"backbone must return feature maps [B, C, h, w], but the last output has shape "
                f"{tuple(features.shape)}. Set gap_before_final_norm=False for ConvNeXt, "
                "out_type='featmap' for vision transformers."
            )
        output = self.neck((features,))[0] if self.with_neck else features
        return (output,) if self.auxiliary is None else (output, features)

    @contextmanager
    def _frozen_running_statistics(self) -> Iterator[None]:
        """Keep BatchNorm from updating its statistics twice when a micro-batch is recomputed."""
        layers: list[Any] = [
            module
            for module in self.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
        ]
        before = [(layer.momentum, layer.num_batches_tracked.clone()) for layer in layers]
        for layer in layers:
            layer.momentum = 0.0
        try:
            yield
        finally:
            for layer, (momentum, count) in zip(layers, before, strict=True):
                layer.momentum = momentum
                layer.num_batches_tracked.copy_(count)


def _queries_first(parts: tuple[Tensor, ...]) -> Tensor:
    """Concatenate micro-batches ``[2n, ...]``: all queries, then all positives."""
    views = [part.chunk(2) for part in parts]
    return torch.cat([query for query, _ in views] + [positive for _, positive in views])
