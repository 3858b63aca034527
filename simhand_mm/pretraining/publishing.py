"""Publish the result of pre-training: a backbone file with plain weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.runner import Runner
from torch import Tensor

from simhand_mm.engine.publishing import PublishHook, plain_values
from simhand_mm.pool.array_files import write_checkpoint
from simhand_mm.registry import HOOKS

PREFIX = "backbone."


@dataclass(frozen=True)
class EncoderRecipe:
    """How to build a backbone and its inputs.

    Attributes:
        preprocessor: Config of the preprocessor that turns crops into inputs.
        backbone: Config of the backbone; None for the ResNet that fits the weights.
        reduce: Crops are decoded at 1/``reduce`` of their size (1, 2, 4 or 8).
    """

    preprocessor: dict[str, Any]
    backbone: dict[str, Any] | None = None
    reduce: int = 1

    @classmethod
    def of_config(cls, config: Any) -> "EncoderRecipe":
        """Extract the recipe from a pre-training config.

        Raises:
            ValueError: If it is not a pre-training config, or the recipe has values other than
                plain Python types.
        """
        model = config.get("model", {})
        if not isinstance(model, Mapping) or not {"backbone", "data_preprocessor"} <= set(model):
            raise ValueError(
                "config must be a pre-training config with model.backbone and "
                f"model.data_preprocessor, but its model is {str(model)[:200]}. Choose another "
                "config."
            )
        backbone = {k: v for k, v in model["backbone"].items() if k != "init_cfg"}
        dataset = config.get("train_dataloader", {}).get("dataset", {})
        where = "model.backbone and model.data_preprocessor"
        return cls(
            plain_values(model["data_preprocessor"], where),
            plain_values(backbone, where),
            dataset.get("reduce", 1),
        )


def save_backbone(
    path: str | Path,
    state_dict: dict[str, Tensor],
    meta: dict[str, Any],
    head: dict[str, Tensor] | None = None,
) -> None:
    """Write a backbone with keys ``backbone.*``, loadable by ``torch.load(weights_only=True)``.

    Args:
        path: File to write; written under a temporary name, then renamed.
        state_dict: Weights of the backbone, without prefix.
        meta: Plain values that describe the training run.
        head: Weights of a head that fine-tuning may start from, stored as ``head.*``.
    """
    tensors = {PREFIX + key: value.detach().cpu() for key, value in state_dict.items()}
    tensors |= {f"head.{key}": value.detach().cpu() for key, value in (head or {}).items()}
    write_checkpoint(path, {"meta": meta, "state_dict": tensors})


@HOOKS.register_module()
class PublishBackboneHook(PublishHook):
    """Writes the backbone at the end of training, with the layers in ``head.published``, if any."""

    filename = "backbone.pth"

    def publish(self, path: Path, model: Any, runner: Runner, meta: dict[str, Any]) -> None:
        """See :class:`PublishHook`."""
        layers = getattr(model.head, "published", ())
        head = {k: v for k, v in model.head.state_dict().items() if k.split(".")[0] in layers}
        try:
            meta["recipe"] = asdict(EncoderRecipe.of_config(runner.cfg))
        except ValueError as error:
            runner.logger.warning(f"{path} is written without a recipe of its inputs: {error}")
        save_backbone(path, model.backbone.state_dict(), meta, head)
        runner.logger.info(f"Wrote the backbone to {path}")
