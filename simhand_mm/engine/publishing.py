"""Write a file at the end of training that others can read without code execution."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from simhand_mm.version import __version__


class PublishHook(Hook, ABC):
    """Base of hooks that write a file at the end of training.

    With an EMAHook, the averaged weights are written.

    Attributes:
        filename: Name of the file in the work directory.
    """

    priority = "LOWEST"
    filename: str

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Write ``<work_dir>/<filename>``."""
        model: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for hook in runner.hooks:
            # As in checkpoints, whose state_dict has the averaged weights.
            if isinstance(hook, EMAHook) and hook._ema_started(runner):
                model = hook.ema_model.module
        meta = {
            "experiment": runner.experiment_name,
            "epoch": runner.epoch,
            "iter": runner.iter,
            "seed": runner.seed,
            "simhand_mm": __version__,
        }
        self.publish(Path(runner.work_dir) / self.filename, model, runner, meta)

    @abstractmethod
    def publish(self, path: Path, model: Any, runner: Runner, meta: dict[str, Any]) -> None:
        """Write the file.

        Args:
            path: The file.
            model: The model, without a wrapper for several processes.
            runner: The runner, for its config and logger.
            meta: Plain values that describe the training run.
        """


def plain_values(value: Any, where: str) -> Any:
    """Convert to plain Python types, which ``torch.load(weights_only=True)`` accepts.

    Args:
        value: Part of a config.
        where: The name of this part, for the error message.

    Raises:
        ValueError: If a value is not plain.
    """
    if isinstance(value, Mapping):
        return {str(key): plain_values(item, where) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(item, where) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise ValueError(
        f"config must have plain values in {where}, but has {value!r}. Give modules by name, as "
        "strings."
    )
