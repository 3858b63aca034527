"""The project's own code on a device, beside the same on the CPU: same weights, same inputs.

Bounds are ten times and more what float32 and float64 differ by on a CPU; that of the bfloat16
gradient is three times what a CPU gives. No GPU has confirmed them yet.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from simhand_mm.cli import find_file
from simhand_mm.compat import true_float32
from simhand_mm.doctor.findings import CannotTell, Status
from simhand_mm.mining.search import build_engine
from simhand_mm.mining.torch_engine import check_products
from simhand_mm.pretraining import LARSAdam

_PAIRS = 16


def move(data: Any, device: str) -> Any:
    """All tensors of nested containers on a device."""
    return tree_map_only(Tensor, lambda tensor: tensor.to(device), data)


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


def build(config: str, scope: str) -> Any:
    """The model of a config with the weights of seed 0."""
    init_default_scope(scope)
    torch.manual_seed(0)
    return MODELS.build(Config.fromfile(find_file(f"configs/{config}")).model)


def gradients(model: nn.Module) -> Tensor:
    """Gradients of all weights in one vector, which is then cleared."""
    parts = [p.grad.float().flatten().cpu() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    return torch.cat(parts)


def products(device: str) -> tuple[Status, str]:
    """Matrix products are float32: what exact mining on the device rests on."""
    check_products(torch.device(device))
    return "ok", "relative error below 1e-5"


def _crops() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    batch: dict[str, Tensor] = {}
    for name in ("query", "positive"):
        small = torch.rand(_PAIRS, 3, 8, 8, generator=generator) * 255
        large = nn.functional.interpolate(small, size=112, mode="bilinear")
        batch[name] = large.permute(0, 2, 3, 1).to(torch.uint8).contiguous()
        batch[f"{name}_keypoints_2d"] = 20 + 72 * torch.rand(_PAIRS, 21, 2, generator=generator)
        batch[f"{name}_row"] = torch.arange(_PAIRS)
    return batch


def augmentation(device: str) -> tuple[Status, str]:
    """Views of the same crops with the same random numbers."""
    config = "simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
    preprocessor = build(config, "mmpretrain").data_preprocessor
    expected = preprocessor(_crops(), training=True)
    found = preprocessor.to(device)(_crops(), training=True)
    pixels = (found["inputs"].cpu() - expected["inputs"]).abs()
    affine = found["data_samples"]["affine"].cpu() - expected["data_samples"]["affine"]
    return judge(
        {
            "geometry in px": (affine.abs().max().item(), 1e-3),
            "share of other pixels": ((pixels > 1e-2).float().mean().item(), 1e-3),
        }
    )


def pretraining(device: str, config: str) -> tuple[Status, str]:
    """Loss of pre-training and the gradient of all weights."""
    model = build(f"{config}_synthetic-64px.py", "mmpretrain")
    data = model.data_preprocessor(_crops(), training=True)
    results = []
    for place in ("cpu", device):
        model.to(place).train()
        losses = model(**move(data, place), mode="loss")
        loss, _ = model.parse_losses(losses)
        loss.backward()
        results.append((loss, gradients(model)))
    (expected, expected_gradient), (found, gradient) = results
    return judge(
        {
            "loss": (difference(found, expected), 1e-5),
            "gradient": (difference(gradient, expected_gradient), 1e-3),
        }
    )


def pretraining_bfloat16(device: str) -> tuple[Status, str]:
    """Loss and gradient with ``--amp`` beside those without."""
    config = "simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
    model = build(config, "mmpretrain").to(device).train()
    data = move(model.data_preprocessor(_crops(), training=True), device)
    results = []
    for enabled in (False, True):
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=enabled):
            losses = model(**data, mode="loss")
        loss, _ = model.parse_losses(losses)
        loss.backward()
        results.append((loss, gradients(model)))
    (expected, reference), (found, gradient) = results
    apart = 1 - torch.cosine_similarity(gradient, reference, dim=0).item()
    return judge(
        {"loss": (difference(found, expected), 1e-2), "1 - cosine of gradients": (apart, 0.2)}
    )


def optimizer(device: str) -> tuple[Status, str]:
    """Five steps of LARSAdam from equal gradients."""
    weights = []
    for place in ("cpu", device):
        generator = torch.Generator().manual_seed(0)
        parameter = nn.Parameter(torch.randn(64, 32, generator=generator).to(place))
        larsadam = LARSAdam([parameter], lr=1e-2, weight_decay=1e-6)
        for _ in range(5):
            parameter.grad = torch.randn(64, 32, generator=generator).to(place)
            larsadam.step()
        weights.append(parameter)
    return judge({"weights": (difference(weights[1], weights[0]), 1e-5)})


def finetuning(device: str) -> tuple[Status, str]:
    """Maps, loss, gradient and read-out of DetNet."""
    model = build("detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py", "mmpose")
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(_PAIRS, 3, 64, 64, generator=generator)
    targets = torch.rand(_PAIRS, 21, 12, generator=generator)
    targets[..., :2] *= 15  # cells of the heatmap
    results = []
    for place in ("cpu", device):
        model.to(place).train()
        maps = model.head(model.backbone(images.to(place)))
        heatmaps, labels = model.head.decoder.unpack(targets.to(place))
        loss: Any = sum(model.head.loss_module(maps, heatmaps, labels).values())
        loss.backward()
        results.append((maps, loss, gradients(model)))
    (maps, expected, expected_gradient), (found_maps, found, gradient) = results
    read = [model.head.decoder.batch_decode(*move((maps[0], maps[2]), p)) for p in ("cpu", device)]
    return judge(
        {
            "maps": (max(map(difference, found_maps, maps)), 1e-4),
            "loss": (difference(found, expected), 1e-5),
            "gradient": (difference(gradient, expected_gradient), 1e-3),
            "read-out": (max(map(difference, read[1], read[0])), 1e-5),
        }
    )


def mining(device: str) -> tuple[Status, str]:
    """Rows and distances of the dense search and of the tree."""
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(4000, 14)).astype(np.float32)
    embeddings[::50] = embeddings[1]  # copies
    groups = generator.integers(0, 100, len(embeddings))
    rows, ranks = np.arange(0, len(embeddings), 4), np.array([1, 10])
    exact = build_engine("exact", embeddings, groups).search(rows, ranks)
    dense = build_engine("torch", embeddings, groups, device=device).search(rows, ranks)
    others = float((dense[0] != exact[0]).mean())
    distance = float(np.abs(dense[1] - exact[1]).max())
    return judge({"share of other rows": (others, 0.0), "distance": (distance, 0.0)})


_FAMILIES = {
    "SimCLR": "simclr/simclr_resnet18_1xb128-coslr-6e",
    "PeCLR": "peclr/peclr_resnet18_1xb128-coslr-6e",
    "SiMHand": "simhand/simhand_resnet18_1xb128-coslr-6e",
}
CHECKS: dict[str, Callable[[str], tuple[Status, str]]] = {
    "products": products,
    "augmentation": augmentation,
    **{
        f"pre-training, {name}": lambda device, config=config: pretraining(device, config)
        for name, config in _FAMILIES.items()
    },
    "pre-training, bfloat16": pretraining_bfloat16,
    "LARSAdam": optimizer,
    "fine-tuning": finetuning,
    "mining": mining,
}


def run_check(check: Callable[[str], tuple[Status, str]], device: str | None) -> tuple[Status, str]:
    """Run a check without TF32, which would hide what it looks for.

    Raises:
        CannotTell: If there is no device to compare with the CPU.
    """
    if device is None:
        raise CannotTell("there is no GPU that torch can use")
    with true_float32():
        return check(device)
