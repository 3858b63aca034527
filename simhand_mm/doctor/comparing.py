"""Helpers of the device checks: data on two devices, and differences with their bounds."""

from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from simhand_mm.cli import find_file
from simhand_mm.doctor.findings import Status

SMALL_CONFIG = "simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"


def move(data: Any, device: str | torch.device, dtype: torch.dtype | None = None) -> Any:
    """All tensors of nested containers on a device, those of real numbers with a dtype."""

    def _move(tensor: Tensor) -> Tensor:
        return tensor.to(device, dtype if tensor.is_floating_point() else None)

    return tree_map_only(Tensor, _move, data)


def difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest value; NaN if any value is."""
    found, expected = found.detach().cpu().double(), expected.detach().cpu().double()
    return ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12)).item()


def judge(measured: dict[str, tuple[float, float]]) -> tuple[Status, str]:
    """Compare differences with their bounds.

    Args:
        measured: Name -> difference, bound.
    """
    beyond = {name for name, (value, bound) in measured.items() if not value <= bound}
    text = ", ".join(f"{n} {v:.1e} (bound {bound:.0e})" for n, (v, bound) in measured.items())
    return ("differs" if beyond else "ok"), text


def build(config: str, scope: str, **options: Any) -> Any:
    """The model of a config with the weights of seed 0.

    Args:
        config: Below ``configs/``.
        scope: ``'mmpretrain'`` or ``'mmpose'``.
        options: Put into the config of the model.
    """
    init_default_scope(scope)
    torch.manual_seed(0)
    return MODELS.build(dict(Config.fromfile(find_file(f"configs/{config}")).model, **options))


def gradients(model: nn.Module) -> Tensor:
    """Gradients of all weights in one vector, which is then cleared."""
    parts = [p.grad.double().flatten().cpu() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    return torch.cat(parts)


def value_and_gradient(model: Any, data: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Loss of pre-training, with the gradient of all weights.

    Args:
        model: A HandContrastive, bare or wrapped for several processes.
        data: What its data preprocessor made.
    """
    inner = getattr(model, "module", model)
    loss, _ = inner.parse_losses(model(**data, mode="loss"))
    loss.backward()
    return loss.detach(), gradients(inner)


def training_step(
    model: Any, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor], kind: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """One step of pre-training with ``--amp``.

    Args:
        model: A HandContrastive.
        optimizer: Of its parameters.
        batch: A batch of HandPairDataset.
        kind: Type of the device, ``'cuda'`` or ``'cpu'``.

    Returns:
        The loss, and what the data preprocessor recorded.
    """
    with torch.autocast(kind, torch.bfloat16):
        data = model.data_preprocessor(batch, training=True)
        loss = model(**data, mode="loss")["loss"]
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach(), data["data_samples"]


def crops(pairs: int, size: int = 112, seed: int = 0) -> dict[str, Tensor]:
    """A batch of HandPairDataset: smooth random crops with random keypoints.

    Args:
        pairs: N.
        size: Side in px.
        seed: Of the crops and keypoints.
    """
    generator = torch.Generator().manual_seed(seed)
    batch: dict[str, Tensor] = {}
    for name in ("query", "positive"):
        small = torch.rand(pairs, 3, 8, 8, generator=generator) * 255
        large = nn.functional.interpolate(small, size=size, mode="bilinear")
        batch[name] = large.permute(0, 2, 3, 1).to(torch.uint8).contiguous()
        keypoints = torch.rand(pairs, 21, 2, generator=generator)
        batch[f"{name}_keypoints_2d"] = size * (0.18 + 0.64 * keypoints)
        batch[f"{name}_row"] = torch.arange(pairs)
    return batch


def freeze_norms(model: nn.Module) -> None:
    """Let BatchNorm use its running statistics, so that samples do not depend on each other."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
