"""Says how well a checkpoint fits the module that it initialises, and stops if not at all."""

import logging
from collections.abc import Iterator, Mapping

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from simhand_mm.registry import HOOKS


def compare_weights(
    module: Mapping[str, Tensor], checkpoint: Mapping[str, Tensor]
) -> dict[str, list[str]]:
    """Sort the names of the weights in two state dicts; counters of batches do not matter.

    Returns:
        ``matched`` (same name and shape), ``reshaped`` (same name, other shape), ``missing`` (only
        in the module) and ``unexpected`` (only in the checkpoint) names.
    """
    module, checkpoint = (
        {name: value.shape for name, value in weights.items() if value.is_floating_point()}
        for weights in (module, checkpoint)
    )
    common = [name for name in module if name in checkpoint]
    return {
        "matched": [name for name in common if module[name] == checkpoint[name]],
        "reshaped": [name for name in common if module[name] != checkpoint[name]],
        "missing": [name for name in module if name not in checkpoint],
        "unexpected": [name for name in checkpoint if name not in module],
    }


@HOOKS.register_module()
class CheckpointReportHook(Hook):
    """Reports how well every checkpoint of ``init_cfg=dict(type="Pretrained")`` fits its module.

    mmengine loads such checkpoints without strictness: one whose names do not fit leaves the
    module at its random weights, and nothing but a warning says so. This hook runs before the
    weights are loaded, works with modules of any library, and stops the run if nothing matches.
    """

    priority = "VERY_HIGH"

    def before_run(self, runner: Runner) -> None:
        """Check every checkpoint that the model is about to be initialised with.

        Raises:
            ValueError: If no weight of a checkpoint fits its module.
        """
        if not isinstance(runner._train_loop, BaseLoop):
            return  # testing: the model is not initialised
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, module, config in _pretrained_modules(model):
            self._report(name or "model", module, config["checkpoint"], config.get("prefix"))

    def _report(self, name: str, module: nn.Module, path: str, prefix: str | None) -> None:
        checkpoint = CheckpointLoader.load_checkpoint(path, map_location="cpu")
        weights = checkpoint.get("state_dict", checkpoint)
        prefix = f"{prefix.rstrip('.')}." if prefix else ""
        inside = {key[len(prefix) :]: w for key, w in weights.items() if key.startswith(prefix)}
        report = compare_weights(module.state_dict(), inside)
        if not report["matched"]:
            raise ValueError(
                f"checkpoint of {name} must hold {prefix}{_some(module.state_dict())}, "
                f"but {path} has {_some(weights) or 'none'}. Correct "
                f"{name}.init_cfg.checkpoint, its prefix (None for names without one), or the "
                f"depth and width of {name}."
            )
        counts = ", ".join(f"{len(names)} {kind}" for kind, names in report.items())
        print_log(f"{name} is initialised from {path}: {counts}", "current")
        for kind in ("reshaped", "missing", "unexpected"):
            if report[kind]:
                print_log(f"{kind}: {_some(report[kind], 8)}", "current", logging.WARNING)


def _pretrained_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module, dict]]:
    for name, module in model.named_modules():
        configs = getattr(module, "init_cfg", None) or []
        for config in [configs] if isinstance(configs, Mapping) else configs:
            if config["type"] == "Pretrained":
                yield name, module, config


def _some(names: Mapping | list, limit: int = 3) -> str:
    names = list(names)
    more = f", ... ({len(names)} in all)" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
