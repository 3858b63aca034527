"""Frozen backbones: read their files and build them."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from simhand_mm.checkpoint import load_checkpoint
from simhand_mm.engine.checkpoint_report import compare_weights
from simhand_mm.pretraining.checkpoints import build_like, read_backbone
from simhand_mm.pretraining.publishing import PREFIX, EncoderRecipe
from simhand_mm.registry import MODELS

_REGISTERED = re.compile(r"(simhand_mm\.|mmpretrain\.)?[A-Za-z]\w*")


@dataclass(frozen=True)
class FrozenBackbone:
    """Weights of a backbone, with the recipe of its network.

    Attributes:
        weights: State dict of the backbone.
        recipe: How to build the network and its inputs.
    """

    weights: dict[str, Tensor]
    recipe: EncoderRecipe

    def build(self) -> Any:
        """Build the network with its weights, in evaluation mode.

        Raises:
            ValueError: If the weights do not fit.
        """
        network = self._network()
        report = compare_weights(self.weights, network.state_dict())
        if report.missing or report.reshaped:
            raise ValueError(
                f"backbone must fit the network of its recipe, but does not: {report}. Pass the "
                "config that it was trained with (--config)."
            )
        network.load_state_dict(self.weights, strict=False)
        network.eval()  # eval() of mmpretrain's networks returns None
        return network

    def build_random(self, seed: int = 0) -> Any:
        """Build the same network with random weights, in evaluation mode."""
        with torch.random.fork_rng(devices=[]), _without_information():
            torch.manual_seed(seed)
            network = self._network()
            network.init_weights()
        network.eval()
        return network

    def build_preprocessor(self) -> Any:
        """Build the preprocessor that turns crops into inputs, as in pre-training."""
        return _build(self.recipe.preprocessor)

    def _network(self) -> Any:
        if self.recipe.backbone is None:
            return build_like(self.weights)
        return _build(self.recipe.backbone)


def load_frozen(
    path: str | Path, config: str | Path | None = None, input_size: int | None = None
) -> FrozenBackbone:
    """Read a backbone and the recipe of its network.

    Args:
        path: A backbone file, or any checkpoint that ``simhand import-backbone`` reads.
        config: Config of its pre-training (default: the recipe in the file).
        input_size: Side of the inputs in px, for a ResNet whose file has no recipe.

    Raises:
        ValueError: If there is no recipe.
    """
    loaded = load_checkpoint(path, map_location="cpu")
    entries = loaded.get("state_dict", {}) if isinstance(loaded, dict) else {}
    meta = loaded.get("meta", {}) if isinstance(loaded, dict) else {}
    weights = {k.removeprefix(PREFIX): v for k, v in entries.items() if k.startswith(PREFIX)}
    if not weights:
        weights, _, _ = read_backbone(path)
    if config is not None:
        return FrozenBackbone(weights, EncoderRecipe.of_config(Config.fromfile(config)))
    if input_size is not None:
        preprocessor = {"type": "simhand_mm.HandPairPreprocessor", "input_size": input_size}
        return FrozenBackbone(weights, EncoderRecipe(preprocessor))
    if "recipe" in meta:
        return FrozenBackbone(weights, _trusted(meta["recipe"], path))
    raise ValueError(
        f"backbone must have a recipe of its inputs, but {path} has none. Pass the config of its "
        "pre-training (--config), or for a ResNet the side of its inputs (--input-size 128)."
    )


@contextmanager
def _without_information() -> Iterator[None]:
    """Keep mmengine from printing how each weight was initialised."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def _trusted(recipe: Any, path: str | Path) -> EncoderRecipe:
    """Check the recipe of a file from an unknown source.

    mmengine imports and calls whatever a dotted ``type`` refers to, and loads the checkpoint of
    ``init_cfg``.
    """
    is_recipe = isinstance(recipe, dict) and recipe.keys() == {
        f.name for f in fields(EncoderRecipe)
    }
    if not is_recipe or not _is_harmless(recipe):
        raise ValueError(
            f"the recipe in {path} must name registered modules of mmpretrain or simhand_mm only, "
            f"but is {str(recipe)[:200]}. Pass the config of the pre-training instead (--config)."
        )
    return EncoderRecipe(**recipe)


def _is_harmless(value: Any) -> bool:
    if isinstance(value, dict):
        if "init_cfg" in value or not _REGISTERED.fullmatch(str(value.get("type", "X"))):
            return False
        return all(map(_is_harmless, value.values()))
    if isinstance(value, list):
        return all(map(_is_harmless, value))
    return value is None or isinstance(value, (str, int, float, bool))


def _build(config: dict[str, Any]) -> Any:
    import mmpretrain.models  # noqa: F401 (registers the backbones)

    import simhand_mm.pretraining  # noqa: F401 (registers the preprocessor)

    init_default_scope("mmpretrain")
    return MODELS.build(dict(config))
