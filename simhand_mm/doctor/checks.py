"""Run the project's code on a device and on the CPU, with equal weights and inputs.

Bounds are about ten times and more what float32 and float64 differ by on a CPU; that of the
bfloat16 gradient is three times what a CPU gives. An H100 stays within all of them.
"""

from collections.abc import Callable

import numpy as np
import torch

from simhand_mm.compat import true_float32
from simhand_mm.doctor import finetuning_checks, loading_checks, pretraining_checks, process_checks
from simhand_mm.doctor.comparing import judge
from simhand_mm.doctor.findings import CannotTell, Status
from simhand_mm.mining.search import build_engine
from simhand_mm.mining.torch_engine import check_products


def products(device: str) -> tuple[Status, str]:
    """Check that matrix products are computed in float32, which exact mining requires."""
    check_products(torch.device(device))
    return "ok", "relative error below 1e-5"


def mining(device: str) -> tuple[Status, str]:
    """Compare rows and distances of the dense search with those of the tree."""
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
#: The checks, by name; each runs on a device such as ``cuda:0``.
CHECKS: dict[str, Callable[[str], tuple[Status, str]]] = {
    "products": products,
    "augmentation": pretraining_checks.augmentation,
    "distances of poses": pretraining_checks.distances,
    "losses": pretraining_checks.losses,
    **{
        f"pre-training, {name}": lambda device, config=config: pretraining_checks.pretraining(
            device, config
        )
        for name, config in _FAMILIES.items()
    },
    "pre-training, bfloat16": pretraining_checks.bfloat16,
    "micro-batches": pretraining_checks.micro_batches,
    "LARSAdam": pretraining_checks.optimizer,
    "fine-tuning": finetuning_checks.finetuning,
    "fine-tuning, loader": finetuning_checks.loader,
    "waiting for data": loading_checks.waiting,
    "mining": mining,
    "several GPUs": process_checks.several_gpus,
    "training": pretraining_checks.training,
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
