"""How well the weights of a checkpoint fit a module, and a hook that stops where none do."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from simhand_mm.registry import HOOKS


@dataclass(frozen=True)
class WeightReport:
    """The names of the weights of a checkpoint and of a module, by how they fit.

    Attributes:
        matched: Same name and shape.
        reshaped: Same name, other shape.
        missing: Only in the module.
        unexpected: Only in the checkpoint.
    """

    matched: list[str]
    reshaped: list[str]
    missing: list[str]
    unexpected: list[str]

    @property
    def is_exact(self) -> bool:
        """Whether every weight of both fits."""
        return not (self.reshaped or self.missing or self.unexpected)

    def __str__(self) -> str:
        """How many of each kind, with the first names of those that do not fit."""
        parts = [f"{len(self.matched)} matched"]
        for kind in ("reshaped", "missing", "unexpected"):
            names = getattr(self, kind)
            parts.append(f"{len(names)} {kind}" + (f" ({_some(names, 4)})" if names else ""))
        return ", ".join(parts)


def compare_weights(checkpoint: Mapping[str, Tensor], module: Mapping[str, Tensor]) -> WeightReport:
    """Compare two state dicts by name and shape; counters of batches are left out.

    Args:
        checkpoint: Weights of a file.
        module: Weights of the module that they are for.
    """
    found, wanted = (
        {name: value.shape for name, value in weights.items() if value.is_floating_point()}
        for weights in (checkpoint, module)
    )
    common = [name for name in wanted if name in found]
    return WeightReport(
        matched=[name for name in common if wanted[name] == found[name]],
        reshaped=[name for name in common if wanted[name] != found[name]],
        missing=[name for name in wanted if name not in found],
        unexpected=[name for name in found if name not in wanted],
    )


def check_complete(checkpoint: Mapping[str, Any], module: nn.Module) -> WeightReport:
    """Check that a checkpoint has every weight of a module, which else would stay random.

    Args:
        checkpoint: Content of the file: weights, or a dictionary with ``state_dict``.
        module: The module that is tested, shown, exported or trained further.

    Returns:
        How well they fit.

    Raises:
        ValueError: If a weight is missing or has another shape.
    """
    report = compare_weights(_weights_of(checkpoint), module.state_dict())
    lacking = [*report.missing, *report.reshaped]
    if lacking:
        raise ValueError(
            f"checkpoint must have every weight of the model, but {len(report.missing)} of "
            f"{len(module.state_dict())} are missing and {len(report.reshaped)} have another shape "
            f"({_some(lacking)}). Give the checkpoint of a training with this config, such as "
            "epoch_30.pth; a backbone.pth has no head."
        )
    return report


def _weights_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a checkpoint; the prefix of distributed training is removed."""
    weights = checkpoint.get("state_dict", checkpoint)
    tensors = {name: value for name, value in weights.items() if isinstance(value, Tensor)}
    return {name.removeprefix("module."): value for name, value in tensors.items()}


@HOOKS.register_module()
class CheckpointReportHook(Hook):
    """Reports how well checkpoints fit, and stops runs that would go on with random weights.

    mmengine loads checkpoints without strictness: one whose names do not fit leaves the module at
    its random weights, and nothing but a warning says so.

    * ``init_cfg=dict(type="Pretrained")``: checked before the weights are loaded, in modules of any
      library; something must match.
    * ``load_from`` of a training: the same.
    * The checkpoint of a test or of a resumed training: everything must match.
    """

    priority = "VERY_HIGH"

    def before_run(self, runner: Runner) -> None:
        """Check every checkpoint that the model is about to be initialised with.

        Raises:
            ValueError: If no checkpoint is given, or none of its weights fits its module.
        """
        if not isinstance(runner._train_loop, BaseLoop):
            return  # testing: the model is not initialised
        model: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, module, config in _pretrained_modules(model):
            self._report(name or "model", module, config["checkpoint"], config.get("prefix"))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Check a checkpoint of the whole model, before its weights are copied.

        Raises:
            ValueError: If it does not fit.
        """
        model: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if runner._resume or not isinstance(runner._train_loop, BaseLoop):
            check_complete(checkpoint, model)
            return
        report = compare_weights(_weights_of(checkpoint), model.state_dict())
        if not report.matched:
            raise ValueError(
                f"load_from must be a checkpoint with weights of the model, such as "
                f"{_some(model.state_dict())}, but {runner._load_from} has "
                f"{_some(_weights_of(checkpoint)) or 'none'}. Correct load_from."
            )
        level = logging.INFO if report.is_exact else logging.WARNING
        print_log(f"training starts from {runner._load_from}: {report}", "current", level)

    def _report(self, name: str, module: nn.Module, path: str | None, prefix: str | None) -> None:
        if not path:
            raise ValueError(
                f"{name}.init_cfg.checkpoint must be the path of pre-trained weights, but got "
                f"{path!r}. Give it by --cfg-options model.backbone.init_cfg.checkpoint=FILE, or "
                "take the config without -pre to start from random weights."
            )
        checkpoint = CheckpointLoader.load_checkpoint(path, map_location="cpu")
        weights = checkpoint.get("state_dict", checkpoint)
        prefix = f"{prefix.rstrip('.')}." if prefix else ""
        inside = {key[len(prefix) :]: w for key, w in weights.items() if key.startswith(prefix)}
        report = compare_weights(inside, module.state_dict())
        if not report.matched:
            raise ValueError(
                f"checkpoint of {name} must contain {prefix}{_some(module.state_dict())}, "
                f"but {path} has {_some(weights) or 'none'}. Correct "
                f"{name}.init_cfg.checkpoint, its prefix (None for names without one), or the "
                f"depth and width of {name}."
            )
        level = logging.INFO if report.is_exact else logging.WARNING
        print_log(f"{name} is initialised from {path}: {report}", "current", level)


def _pretrained_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module, Mapping[str, Any]]]:
    for name, module in model.named_modules():
        configs = getattr(module, "init_cfg", None) or []
        for config in [configs] if isinstance(configs, Mapping) else configs:
            if config["type"] == "Pretrained":
                yield name, module, config


def _some(names: Iterable[str], limit: int = 3) -> str:
    names = list(names)
    more = ", ..." if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
