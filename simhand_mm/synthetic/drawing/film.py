"""Light, exposure, focus and sensor noise of an image.

Colours are RGB in linear light; ``Film.expose`` converts them to sRGB bytes.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from simhand_mm.synthetic.drawing.rendering import Light
from simhand_mm.synthetic.drawing.surfaces import unit


@dataclass(frozen=True)
class Film:
    """Exposure, blur and sensor noise of a camera.

    Attributes:
        exposure: Factor applied to the light.
        blur_px: Standard deviation of the defocus; 0 for none.
        noise: Standard deviation of the sensor noise, in units of 1/255.
    """

    exposure: float
    blur_px: float
    noise: float

    def expose(self, rng: np.random.Generator, linear: np.ndarray) -> np.ndarray:
        """Convert linear light ``[H, W, 3]`` to sRGB uint8."""
        image = np.clip(linear * np.float32(self.exposure), 0, 1) ** np.float32(1 / 2.2)
        image *= 255
        if self.blur_px > 0:
            image = cv2.GaussianBlur(image, (0, 0), self.blur_px)
        image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(self.noise)
        return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def sample_light(rng: np.random.Generator, contrast: float) -> Light:
    """Sample the light of a scene.

    Args:
        rng: Source of randomness.
        contrast: 0 to 1, largest fraction of the light that comes from the lamp.
    """
    direction = rng.normal(0, 1, 3)
    direction[2] = -abs(direction[2]) - 0.4  # in front of the hand, on the side of the camera
    direction[1] = -abs(direction[1])  # and above it
    white = 1 + rng.normal(0, (0.07, 0.0, 0.09))
    lamp = rng.uniform(0.5, 0.95) * contrast
    return Light(
        direction=unit(direction),
        color=lamp * 1.25 * white,
        ambient=(1.1 - 0.75 * lamp) * white[::-1],
        backdrop_shadow=rng.uniform(0, 0.6),
    )


def sample_any_light(rng: np.random.Generator) -> Light:
    """Sample light from any side, from dim to glaring, with a colour cast."""
    direction = rng.normal(0, 1, 3)
    direction[2] -= 0.5  # more often on the side of the camera than behind the hand
    tint = 1 + rng.normal(0, (0.12, 0.04, 0.16))
    lamp = rng.uniform(0.1, 1.1)
    return Light(
        direction=unit(direction),
        color=np.clip(lamp * 1.3 * tint, 0, None),
        ambient=np.clip((1.1 - 0.8 * min(lamp, 1.0)) * (1 + rng.normal(0, 0.1, 3)), 0.05, None),
        backdrop_shadow=rng.uniform(0, 0.7),
    )
