"""Memory of pre-training on a GPU: counted without one, and measured where there is one.

    python tools/benchmarks/training_memory.py --write docs/performance.md

Counted are the bytes that autograd keeps for the backward pass of ResNet-50 and neck at 128 px, on
tensors that have shapes and types of a GPU but no data. Weights, optimiser, views, crops and the
blocks of the loss are added.
"""

from collections.abc import Iterator
from functools import cache
from unittest import mock

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from parts import gpu_name, parts_parser, run_parts
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from simhand_mm.cli import find_file
from simhand_mm.functional.contrastive import _BLOCK_ELEMENTS
from simhand_mm.pretraining import HandContrastive, LARSAdam

CONFIG = "configs/simhand/simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py"
CROP, INPUT = 224, 128
CARDS_GB = (16, 24, 32, 40, 80)
PRECISIONS = {"bfloat16": torch.bfloat16, "float32": None}
# Blocks [rows, columns] of float32 that the loss holds at once: similarities or their gradient,
# weights, and what makes the weights.
LOSS_BLOCKS = 4
# Memory outside of our tensors: CUDA context, workspaces of cuDNN, fragmentation.
CONTEXT_BYTES, HOLES = 1.5e9, 1.1


def build(micro_batch_size: int | None = None) -> HandContrastive:
    """The model of the paper's recipe."""
    init_default_scope("mmpretrain")
    config = Config.fromfile(find_file(CONFIG)).model
    return MODELS.build(dict(config, micro_batch_size=micro_batch_size))


@cache
def number_of_weights() -> int:
    """Number of weights of encoder and neck."""
    return sum(weight.numel() for weight in build().parameters())


def saved_bytes(model: HandContrastive, images: int, precision: torch.dtype | None) -> int:
    """Bytes that are kept for the backward pass of the encoder, without weights and images."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storages[id(tensor.untyped_storage())] = tensor.untyped_storage().nbytes()
        kept.append(tensor)
        return tensor

    kept: list[Tensor] = []
    inputs = torch.zeros(images, 3, INPUT, INPUT, device="cuda")
    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.autocast("cuda", precision or torch.bfloat16, enabled=precision is not None),
    ):
        model.encode(inputs)
    weights = {id(weight.untyped_storage()) for weight in model.parameters()}
    return sum(size for key, size in storages.items() if key not in weights)


def bytes_of_encoder(precision: torch.dtype | None) -> tuple[float, float]:
    """Bytes for each image, and those that do not depend on their number."""
    model = build()
    with (
        mock.patch("torch.cuda.amp.common.amp_definitely_not_available", return_value=False),
        mock.patch("torch.cuda.is_bf16_supported", return_value=True),
        FakeTensorMode(allow_non_fake_inputs=True),
    ):
        model.to("cuda").train()
        few, many = (saved_bytes(model, count, precision) for count in (8, 16))
    return (many - few) / 8, 2 * few - many


def bytes_of_step(
    pairs: int, columns: int, micro_batch: int, per_image: float, fixed: float
) -> float:
    """Peak of a step.

    Args:
        pairs: On this GPU.
        columns: Rows of the batch of all GPUs.
        micro_batch: Pairs that are encoded at a time.
        per_image: Bytes of the encoder for an image.
        fixed: Bytes of the encoder whatever the images.
    """
    weights = 16 * number_of_weights()  # with gradients and two moments of Adam
    views = 2 * pairs * (4 * 3 * INPUT**2 + 3 * CROP**2)
    block = 4 * min(_BLOCK_ELEMENTS["cuda"], 2 * pairs * columns)
    return weights + views + fixed + 2 * micro_batch * per_image + LOSS_BLOCKS * block


def computed() -> Iterator[str]:
    """What fits which card."""
    yield "Computed, not measured, for ResNet-50 at 128 px; one GPU's share of 8,192 pairs."
    yield ""
    yield "| GPU | precision | 8 GPUs, 1,024 pairs each | 1 GPU, 8,192 pairs |"
    yield "| --- " * 4 + "|"
    sizes = {}
    for precision, dtype in PRECISIONS.items():
        sizes[precision] = bytes_of_encoder(dtype)
    for card in CARDS_GB:
        for precision, encoder in sizes.items():
            cells = [_largest(card * 1e9, pairs, *encoder) for pairs in (1024, 8192)]
            yield f"| {card} GB | {precision} | {' | '.join(cells)} |"
    yield ""
    for precision, (per_image, fixed) in sizes.items():
        yield f"* {precision}: {per_image / 1e6:.1f} MB for each image, and {fixed / 1e6:.0f} MB"


def _largest(card: float, pairs: int, per_image: float, fixed: float) -> str:
    """The largest micro-batch that fits, with its memory."""
    size = min(pairs, 1024)
    while size >= 32:
        needed = bytes_of_step(pairs, 16_384, size, per_image, fixed) * HOLES + CONTEXT_BYTES
        if needed <= card:
            whole = "whole" if size == pairs else f"`micro_batch_size={size}`"
            return f"{whole}, {needed / 1e9:.0f} GB"
        size //= 2
    return "no"


def measured() -> Iterator[str]:
    """Measured peaks of training steps, next to the computed ones."""
    yield f"{gpu_name()}, torch {torch.__version__}, one GPU, third step."
    yield ""
    yield "| pairs | micro-batch | precision | computed GB | measured GB | images/s |"
    yield "| --- " * 6 + "|"
    sizes = {precision: bytes_of_encoder(dtype) for precision, dtype in PRECISIONS.items()}
    total = torch.cuda.get_device_properties(0).total_memory
    for pairs, micro_batch in ((256, 256), (512, 512), (1024, 1024), (1024, 256), (8192, 1024)):
        for precision, dtype in PRECISIONS.items():
            expected = bytes_of_step(pairs, 2 * pairs, micro_batch, *sizes[precision])
            if expected * HOLES + CONTEXT_BYTES > total:
                continue
            peak, seconds = _measure(pairs, micro_batch if micro_batch < pairs else None, dtype)
            yield (
                f"| {pairs:,} | {micro_batch:,} | {precision} | {expected / 1e9:.1f} "
                f"| {peak / 1e9:.1f} | {2 * pairs / seconds:,.0f} |"
            )


def _measure(pairs: int, micro_batch: int | None, precision: torch.dtype | None) -> tuple:
    """Most bytes in use in a step, and its seconds."""
    torch.cuda.empty_cache()
    model = build(micro_batch).to("cuda").train()
    preprocess = model.get_submodule("data_preprocessor")
    optimizer = LARSAdam(model.parameters(), lr=1e-3)
    batch = {}
    for name in ("query", "positive"):
        batch[name] = torch.randint(0, 255, (pairs, CROP, CROP, 3), dtype=torch.uint8)
        batch[f"{name}_keypoints_2d"] = 40 + 144 * torch.rand(pairs, 21, 2)
    batch = {name: tensor.pin_memory() for name, tensor in batch.items()}
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(3):
        torch.cuda.reset_peak_memory_stats()
        start.record()
        with torch.autocast("cuda", precision or torch.bfloat16, enabled=precision is not None):
            data = preprocess(batch, training=True)
            loss = model(**data, mode="loss")["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        del data, loss
        end.record()
        torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated(), start.elapsed_time(end) / 1e3


PARTS = {"computed": lambda args: computed(), "measured": lambda args: measured()}


def main() -> None:
    """Run the command line."""
    run_parts("training memory", PARTS, parts_parser(__doc__, PARTS).parse_args())


if __name__ == "__main__":
    main()
