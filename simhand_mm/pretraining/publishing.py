"""The file that leaves pre-training: a backbone that anything can load."""

from pathlib import Path
from typing import Any

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from simhand_mm.pool import atomic_path
from simhand_mm.registry import HOOKS
from simhand_mm.version import __version__

PREFIX = "backbone."


def save_backbone(
    path: str | Path,
    state_dict: dict[str, Tensor],
    meta: dict[str, Any],
    head: dict[str, Tensor] | None = None,
) -> None:
    """Write a backbone with keys ``backbone.*``, loadable by ``torch.load(weights_only=True)``.

    Args:
        path: Written to a temporary name and renamed.
        state_dict: Of the backbone alone, without prefix.
        meta: Plain strings and numbers about its making.
        head: Weights of a head that fine-tuning may start from, stored as ``head.*``.
    """
    tensors = {PREFIX + key: value.detach().cpu() for key, value in state_dict.items()}
    tensors |= {f"head.{key}": value.detach().cpu() for key, value in (head or {}).items()}
    with atomic_path(Path(path)) as temporary:
        torch.save({"meta": meta, "state_dict": tensors}, temporary)


@HOOKS.register_module()
class PublishBackboneHook(Hook):
    """Writes the backbone at the end of training, and the layers that its head names to publish.

    Args:
        filename: Name in the work directory.
    """

    priority = "LOWEST"

    def __init__(self, filename: str = "backbone.pth") -> None:
        self.filename = filename

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Write ``<work_dir>/backbone.pth``."""
        model: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
        path = Path(runner.work_dir) / self.filename
        layers = getattr(model.head, "published", ())
        head = {k: v for k, v in model.head.state_dict().items() if k.split(".")[0] in layers}
        meta = {
            "experiment": runner.experiment_name,
            "epoch": runner.epoch,
            "iter": runner.iter,
            "seed": runner.seed,
            "simhand_mm": __version__,
        }
        save_backbone(path, model.backbone.state_dict(), meta, head)
        runner.logger.info(f"Wrote the backbone to {path}")
