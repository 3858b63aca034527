"""Random changes of the colours of a crop."""

from typing import Any

import cv2
import numpy as np

from simhand_mm.registry import TRANSFORMS

_VALUES = np.arange(256, dtype=np.float32)


@TRANSFORMS.register_module()
class ColorJitter:
    """Change brightness, contrast, saturation and hue, in random order, as mmpretrain's does.

    It takes the same random numbers and computes the same up to rounding, but without converting
    the image to PIL and back for each change, and without mmpretrain.

    Required key: ``img``, uint8, BGR. Modified: ``img``.

    Args:
        brightness: Largest change of the factor from 1.
        contrast: The same for the distance from the mean grey value.
        saturation: The same for the distance of each pixel from its grey value.
        hue: Largest change of the hue, in turns of the colour circle.
        prob: Probability that an image is changed.
        gray_prob: Probability that it becomes grey, whether changed or not.
    """

    def __init__(
        self,
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
        hue: float = 0.0,
        prob: float = 1.0,
        gray_prob: float = 0.0,
    ) -> None:
        self.changes = (
            (adjust_brightness, max(1 - brightness, 0), 1 + brightness),
            (adjust_contrast, max(1 - contrast, 0), 1 + contrast),
            (adjust_saturation, max(1 - saturation, 0), 1 + saturation),
            (adjust_hue, -hue, hue),
        )
        self.prob, self.gray_prob = prob, gray_prob

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change one crop."""
        # NumPy's global generator, because mmengine seeds it in every worker process.
        if self.prob == 1 or np.random.rand() < self.prob:  # noqa: NPY002
            order = np.random.permutation(len(self.changes))  # noqa: NPY002
            amounts = [
                np.random.uniform(low, high) if low < high else None  # noqa: NPY002
                for _, low, high in self.changes
            ]
            for index in order:
                if (amount := amounts[index]) is not None:
                    results["img"] = self.changes[index][0](results["img"], amount)
        if self.gray_prob and np.random.rand() < self.gray_prob:  # noqa: NPY002
            results["img"] = as_gray(results["img"])
        return results


def adjust_brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiply all values. ``[H, W, 3]`` uint8."""
    return cv2.LUT(image, _as_uint8(_VALUES * np.float32(factor)))


def adjust_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the distance of all values from the mean grey value. ``[H, W, 3]`` uint8, BGR."""
    mean = np.float32(int(cv2.mean(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[0] + 0.5))
    return cv2.LUT(image, _as_uint8(mean + np.float32(factor) * (_VALUES - mean)))


def adjust_saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the distance of each pixel from its grey value. ``[H, W, 3]`` uint8, BGR."""
    return cv2.addWeighted(image, factor, as_gray(image), 1 - factor, 0)


def adjust_hue(image: np.ndarray, turns: float) -> np.ndarray:
    """Turn the colour circle. ``[H, W, 3]`` uint8, BGR."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL)
    hsv[..., 0] += np.uint8(int(255 * turns) % 256)  # wraps around
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)


def as_gray(image: np.ndarray) -> np.ndarray:
    """Return the grey values in three equal channels. ``[H, W, 3]`` uint8, BGR."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return values.clip(0, 255).astype(np.uint8)
