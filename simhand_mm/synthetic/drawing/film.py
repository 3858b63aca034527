"""What lamps and cameras do to a picture: light, exposure, focus, noise.

Colours are RGB in linear light until ``Film.expose`` makes bytes of them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from simhand_mm.synthetic.drawing.rendering import Light
from simhand_mm.synthetic.drawing.surfaces import unit


@dataclass(frozen=True)
class Film:
    """A camera's habits.

    Args:
        exposure: Factor on the light.
        blur_px: Standard deviation of the defocus; 0 for none.
        noise: Standard deviation of the sensor noise, of 255.
    """

    exposure: float
    blur_px: float
    noise: float

    def expose(self, rng: np.random.Generator, linear: np.ndarray) -> np.ndarray:
        """Turn linear light ``[H, W, 3]`` into sRGB bytes."""
        picture = np.clip(linear * np.float32(self.exposure), 0, 1) ** np.float32(1 / 2.2)
        picture *= 255
        if self.blur_px > 0:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur_px)
        picture += rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(self.noise)
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def sample_light(rng: np.random.Generator, contrast: float) -> Light:
    """Draw the light of a scene.

    Args:
        rng: Source of randomness.
        contrast: 0 to 1; how much of the light comes from the lamp at most.
    """
    direction = rng.normal(0, 1, 3)
    direction[2] = -abs(direction[2]) - 0.4  # before the hand, on the camera's side
    direction[1] = -abs(direction[1])  # and above it
    white = 1 + rng.normal(0, (0.07, 0.0, 0.09))
    lamp = rng.uniform(0.5, 0.95) * contrast
    return Light(
        direction=unit(direction),
        color=lamp * 1.25 * white,
        ambient=(1.1 - 0.75 * lamp) * white[::-1],
        backdrop_shadow=rng.uniform(0, 0.6),
    )
