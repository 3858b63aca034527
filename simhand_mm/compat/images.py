"""mmcv's image functions under NumPy 2."""

import sys
from typing import Any


class _Turn(float):
    """A factor whose product is the uint8 that NumPy 1 made of it."""

    def __mul__(self, other: Any) -> int:
        return int(float(self) * other) % 256


def turn_hues_both_ways(module: Any) -> None:
    """Let ``adjust_hue`` accept negative factors."""
    adjust_hue = module.adjust_hue

    def adjust_hue_both_ways(img: Any, hue_factor: float, backend: str | None = None) -> Any:
        return adjust_hue(img, _Turn(hue_factor), backend)

    for name in (module.__name__, "mmcv.image", "mmcv"):  # which may have copied the name by now
        if hasattr(sys.modules.get(name), "adjust_hue"):
            vars(sys.modules[name])["adjust_hue"] = adjust_hue_both_ways
