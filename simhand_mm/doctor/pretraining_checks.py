"""Compare pre-training on a device with the CPU, or with another way to compute it."""

import time
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from simhand_mm.compat import keep_steps_on_the_cpu
from simhand_mm.doctor import comparing
from simhand_mm.doctor.comparing import difference, judge
from simhand_mm.doctor.findings import Status
from simhand_mm.functional.contrasts import ACT_ON, DENOMINATORS
from simhand_mm.functional.pose_distances import (
    METRICS,
    max_pairwise_keypoint_distance,
    pairwise_keypoint_distance,
)
from simhand_mm.pretraining import LARSAdam
from simhand_mm.pretraining.loss import PoseAwareLoss, SimilarHandLoss

_PAIRS = 16
# Config, image pairs at most, and steps of the timing.
_TIMED = {
    "cuda": ("simhand/simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py", 1024, 20),
    "cpu": (comparing.SMALL_CONFIG, 16, 5),
}


def augmentation(device: str) -> tuple[Status, str]:
    """Views of the same crops with the same random numbers."""
    preprocessor = comparing.build(comparing.SMALL_CONFIG, "mmpretrain").data_preprocessor
    batch = comparing.crops(_PAIRS)
    expected = preprocessor(batch, training=True)
    found = preprocessor.to(device)(comparing.move(batch, device), training=True)
    pixels = (found["inputs"].cpu() - expected["inputs"]).abs()
    affine = found["data_samples"]["affine"].cpu() - expected["data_samples"]["affine"]
    return judge(
        {
            "geometry in px": (affine.abs().max().item(), 1e-3),
            "share of other pixels": ((pixels > 1e-2).float().mean().item(), 1e-3),
        }
    )


def distances(device: str) -> tuple[Status, str]:
    """Distances of poses, for which a GPU has a separate kernel, and the largest distance."""
    generator = torch.Generator().manual_seed(0)
    a, b = (128 * torch.rand(count, 21, 2, generator=generator) for count in (300, 500))
    measured = {}
    for metric in METRICS:
        expected = pairwise_keypoint_distance(a.double(), b.double(), metric)
        there, other = comparing.move((a, b), device)
        found = pairwise_keypoint_distance(there, other, metric)
        measured[metric] = (difference(found, expected), 1e-6)
    farthest = max_pairwise_keypoint_distance(comparing.move(b, device), tile=64)
    expected = pairwise_keypoint_distance(b.double(), b.double()).max()
    measured["largest"] = (difference(farthest, expected), 1e-6)
    return judge(measured)


def losses(device: str) -> tuple[Status, str]:
    """All weightings and denominators of the loss, and the pose-aware one, in 256 pairs."""
    linear: Any = {"type": "linear"}
    weightings: Any = ({}, {"w_pos": linear}, {"w_neg": linear}, {"w_pos": linear, "w_neg": linear})
    modules: list[Any] = [
        SimilarHandLoss(**weights, denominator=denominator, act_on=act_on)
        for weights, denominator, act_on in product(weightings, DENOMINATORS, ACT_ON)
    ]
    modules += [PoseAwareLoss(alpha=alpha) for alpha in (0.5, 1.0)]
    generator = torch.Generator().manual_seed(0)
    projections = torch.randn(512, 128, generator=generator)
    keypoints = 128 * torch.rand(512, 21, 2, generator=generator)
    values, gradients = [], []
    for module in modules:
        results = []
        for each_device in ("cpu", device):
            leaf, poses = comparing.move((projections, keypoints), each_device)
            leaf.requires_grad_()
            samples = {"keypoints_2d": poses, "crop_keypoints_2d": poses}
            loss = module(*leaf.chunk(2), samples)["loss"]
            results.append((loss, torch.autograd.grad(loss, leaf)[0]))
        (expected, expected_gradient), (found, gradient) = results
        values.append(difference(found, expected))
        gradients.append(difference(gradient, expected_gradient))
    return judge({"loss": (_worst(values), 1e-6), "gradient": (_worst(gradients), 1e-5)})


def _worst(values: list[float]) -> float:
    return torch.tensor(values).max().item()  # NaN if any is


def pretraining(device: str, config: str) -> tuple[Status, str]:
    """Loss of pre-training and the gradient of all weights, in float32 and float64.

    In float32, a ReLU whose input is near zero may have another sign on the device. That changes
    the gradient by up to two percent and is no fault: on a CPU, float32 and float64 differ by up to
    one percent. So its bound in float32 is wide, and narrow in float64.
    """
    model = comparing.build(f"{config}_synthetic-64px.py", "mmpretrain")
    data = model.data_preprocessor(comparing.crops(_PAIRS), training=True)
    measured = {}
    for dtype, bounds in ((torch.float32, (1e-5, 5e-2)), (torch.float64, (1e-5, 1e-5))):
        results = []
        for each_device in ("cpu", device):
            model.to(each_device, dtype).train()
            batch = comparing.move(data, each_device, dtype)
            results.append(comparing.value_and_gradient(model, batch))
        (expected, expected_gradient), (found, gradient) = results
        name = str(dtype).removeprefix("torch.")
        measured[f"loss in {name}"] = (difference(found, expected), bounds[0])
        measured[f"gradient in {name}"] = (difference(gradient, expected_gradient), bounds[1])
    return judge(measured)


def _judge_step(
    expected: tuple[Tensor, Tensor], found: tuple[Tensor, Tensor], bound: float
) -> tuple[Status, str]:
    return judge(
        {
            "loss": (difference(found[0], expected[0]), 1e-5),
            "gradient": (difference(found[1], expected[1]), bound),
        }
    )


def micro_batches(device: str) -> tuple[Status, str]:
    """Compare micro-batches of four pairs with the whole batch, with fixed BatchNorm statistics."""
    results = []
    for size in (None, 4):
        model = comparing.build(comparing.SMALL_CONFIG, "mmpretrain", micro_batch_size=size)
        data = model.data_preprocessor(comparing.crops(_PAIRS), training=True)
        comparing.freeze_norms(model.to(device).train())
        results.append(comparing.value_and_gradient(model, comparing.move(data, device)))
    return _judge_step(*results, bound=1e-4)


def bfloat16(device: str) -> tuple[Status, str]:
    """Compare loss and gradient with and without ``--amp``."""
    model = comparing.build(comparing.SMALL_CONFIG, "mmpretrain").to(device).train()
    batch = comparing.move(comparing.crops(_PAIRS), device)
    data = model.data_preprocessor(batch, training=True)
    results = []
    for enabled in (False, True):
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=enabled):
            results.append(comparing.value_and_gradient(model, data))
    (expected, reference), (found, gradient) = results
    apart = 1 - torch.cosine_similarity(gradient, reference, dim=0).item()
    return judge(
        {"loss": (difference(found, expected), 1e-2), "1 - cosine of gradients": (apart, 0.2)}
    )


def optimizer(device: str) -> tuple[Status, str]:
    """Five steps of LARSAdam from equal gradients; then it is saved and loaded, and one more."""
    weights = []
    for each_device in ("cpu", device):
        generator = torch.Generator().manual_seed(0)
        start = torch.randn(64, 32, generator=generator)
        gradient = torch.randn(6, 64, 32, generator=generator)
        parameter = nn.Parameter(comparing.move(start, each_device))
        larsadam = LARSAdam([parameter], lr=1e-2, weight_decay=1e-6)
        for step in range(6):
            if step == 5 and each_device == device:
                larsadam = _resumed(larsadam, parameter, each_device)
            parameter.grad = comparing.move(gradient[step], each_device)
            larsadam.step()
        weights.append(parameter)
    return judge({"weights": (difference(weights[1], weights[0]), 1e-5)})


def _resumed(old: LARSAdam, parameter: nn.Parameter, device: str) -> LARSAdam:
    """Load the state as mmengine does: all tensors on the device."""
    new = LARSAdam([parameter], lr=1e-2, weight_decay=1e-6)
    new.load_state_dict(tree_map_only(Tensor, lambda t: t.to(device), old.state_dict()))
    keep_steps_on_the_cpu(new)
    if new.state[parameter]["step"].device.type != "cpu":
        raise RuntimeError("the step count of a resumed optimiser must be on the CPU, but is not")
    return new


def training(device: str) -> tuple[Status, str]:
    """Train some steps on one batch with ``--amp``: the loss must fall. Reports their speed."""
    kind = torch.device(device).type
    config, pairs, steps = _TIMED[kind]
    if kind == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        while pairs > 8 and 40 * 2**20 * pairs > 0.8 * free:
            pairs //= 2
        torch.cuda.reset_peak_memory_stats(device)
    model = comparing.build(config, "mmpretrain").to(device).train()
    larsadam = LARSAdam(model.parameters(), lr=1e-3, weight_decay=1e-6)
    batch, values, seconds = _repeat(comparing.crops(min(pairs, 64), 224), pairs), [], []
    samples: dict[str, Tensor] = {}
    for _ in range(steps):
        start = time.monotonic()
        loss, samples = comparing.training_step(model, larsadam, batch, kind)
        values.append(loss.item())  # waits for the device
        seconds.append(time.monotonic() - start)
    step = sorted(seconds)[steps // 2]
    share = _seconds_of_loss(model, samples) / step
    memory = f", {torch.cuda.max_memory_allocated(device) / 1e9:.3g} GB" if kind == "cuda" else ""
    text = (
        f"loss {values[0]:.3f} -> {values[-1]:.3f} in {steps} steps of {pairs} pairs, "
        f"{2 * pairs / step:,.0f} images/s, {step:.3g} s per step, "
        f"{share:.0%} of it the loss{memory}"
    )
    return ("ok" if values[-1] < values[0] else "differs"), text


def _repeat(batch: dict[str, Tensor], count: int) -> dict[str, Tensor]:
    return {
        name: tensor.repeat(-(-count // len(tensor)), *[1] * (tensor.ndim - 1))[:count]
        for name, tensor in batch.items()
    }


def _seconds_of_loss(model: Any, samples: dict[str, Tensor]) -> float:
    projection = model.head.latest_projection.clone().requires_grad_()
    seconds = []
    for _ in range(5):
        start = time.monotonic()
        loss = model.head.loss(projection, samples)["loss"]
        torch.autograd.grad(loss, projection)[0].sum().item()  # waits for the device
        seconds.append(time.monotonic() - start)
    return sorted(seconds)[2]
