"""Publish a fine-tuned model: one file with half-precision weights and the config to use them."""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.apis import init_model
from torch import Tensor

from simhand_mm.checkpoint import load_checkpoint
from simhand_mm.engine.checkpoint_report import check_complete
from simhand_mm.engine.publishing import PublishHook, plain_values
from simhand_mm.pool.array_files import write_checkpoint
from simhand_mm.registry import HOOKS


def read_model_config(path: str | Path) -> Config:
    """Read the config of a model that :func:`save_model` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has no config.
    """
    content = load_checkpoint(path, "cpu")
    if not isinstance(content, dict) or "model" not in content.get("config", {}):
        raise ValueError(
            f"config must be given for a checkpoint without one, but got None for {path}. Name the "
            "config with which it was trained (--config)."
        )
    return Config(content["config"])


def load_model(config: str | Path | Config, checkpoint: str | Path, device: str = "cpu") -> Any:
    """Build a model of mmpose and load its weights, all of which must be in the checkpoint.

    Args:
        config: Config of the model, or its file.
        checkpoint: File of the weights.
        device: Device of the model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a weight of the model is missing or has another shape.
    """
    model = init_model(config, str(checkpoint), device=device)
    check_complete(load_checkpoint(checkpoint, "cpu"), model)
    return model


def save_model(
    path: str | Path, state_dict: dict[str, Tensor], config: Config, meta: dict[str, Any]
) -> None:
    """Write a model, loadable by ``torch.load(weights_only=True)``.

    Args:
        path: File to write; written under a temporary name, then renamed.
        state_dict: Weights. Floating-point values are stored in half precision.
        config: Config of the training. ``model``, the pipeline of ``test_dataloader`` and the
            type of its data set are stored, which is all that inference needs.
        meta: Plain values that describe the training.

    Raises:
        ValueError: If these parts of the config have values other than plain Python types.
    """
    tensors = {
        key: (value.half() if value.is_floating_point() else value).detach().cpu()
        for key, value in state_dict.items()
    }
    dataset = config.test_dataloader.dataset
    needed = {
        "default_scope": "mmpose",
        "model": config.model,
        "train_dataloader": {"dataset": {"type": dataset.type}},  # where mmpose looks for keypoints
        "test_dataloader": {"dataset": {"type": dataset.type, "pipeline": dataset.pipeline}},
    }
    plain = plain_values(needed, "model and in the pipeline of test_dataloader")
    write_checkpoint(path, {"meta": meta, "config": plain, "state_dict": tensors})


@HOOKS.register_module()
class PublishModelHook(PublishHook):
    """Writes the model at the end of training with :func:`save_model`."""

    filename = "model.pth"

    def publish(self, path: Path, model: Any, runner: Runner, meta: dict[str, Any]) -> None:
        """See :class:`PublishHook`."""
        save_model(path, model.state_dict(), runner.cfg, meta)
        runner.logger.info(f"Wrote the model to {path}")
