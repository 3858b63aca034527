"""bfloat16, and learning rates that follow the batch."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper

from simhand_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass under bfloat16 autocast, on GPUs and on CPUs.

    Takes the arguments of mmengine's OptimWrapper. bfloat16 has the exponents of float32, so
    nothing is scaled; mmengine's AmpOptimWrapper scales the loss, waits for the device in each
    step to learn whether it overflowed, and refuses CPUs.
    """

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """Within it operators that profit from it compute in bfloat16."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield


def scale_learning_rate(config: Any, world_size: int, rule: str) -> float:
    """Fit the learning rate of a config to the batch that it will see, in place.

    Args:
        config: With ``auto_scale_lr.base_batch_size``, the batch that ``optimizer.lr`` is for.
        world_size: Number of processes.
        rule: ``'linear'``, or ``'sqrt'`` as the code of PeCLR does.

    Returns:
        The new learning rate.

    Raises:
        ValueError: If the config names no base batch size.
    """
    base = config.get("auto_scale_lr", {}).get("base_batch_size")
    if not base:
        raise ValueError(
            "auto_scale_lr.base_batch_size must be in the config to scale the learning rate, but "
            "is not. Add it: --cfg-options auto_scale_lr.base_batch_size=8192."
        )
    ratio = config.train_dataloader.batch_size * world_size / base
    optimizer = config.optim_wrapper.optimizer
    optimizer.lr *= math.sqrt(ratio) if rule == "sqrt" else ratio
    return optimizer.lr
