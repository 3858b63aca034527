"""Changes of crops that rendered images lack and real ones have: occlusion, blur, noise, JPEG."""

import random
from typing import Any

import cv2
import numpy as np

from simhand_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CameraEffects:
    """Degrade a crop as cameras and files do; cover a part of it. Keypoints stay as they are.

    The order is that of a real image: occluders, light, blur or motion, resolution, sensor noise,
    compression. Each effect is applied with a probability, with a random strength.

    Required key: ``img``, uint8. Modified: ``img``.

    Args:
        occlusion: Largest side of an occluder, relative to the crop; 0 for none.
        gamma: Largest change of the contrast curve, as a factor.
        blur: Largest blur, and half the largest motion, in px.
        downscale: Largest factor by which the resolution is reduced.
        noise: Largest standard deviation of the noise, in units of 1/255.
        jpeg_quality: Lowest quality of JPEG.
        prob: Probability of each of these effects.
    """

    def __init__(
        self,
        occlusion: float = 0.4,
        gamma: float = 2.0,
        blur: float = 2.0,
        downscale: float = 3.0,
        noise: float = 12.0,
        jpeg_quality: int = 30,
        prob: float = 0.4,
    ) -> None:
        self.occlusion, self.gamma, self.blur = occlusion, gamma, blur
        self.downscale, self.noise, self.jpeg_quality = downscale, noise, jpeg_quality
        self.prob = prob

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Degrade one crop."""
        # Seeded by Python's generator, because mmengine seeds it in every worker process.
        rng = np.random.default_rng(random.getrandbits(63))
        image = results["img"]
        for effect in (
            self._cover, self._expose, self._blur, self._shrink, self._add_noise, self._compress
        ):  # fmt: skip
            if rng.random() < self.prob:
                image = effect(rng, image)
        results["img"] = image
        return results

    def _cover(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """Paste a rotated box or ellipse of one colour, or with a piece of the image itself."""
        size = len(image)
        sides = rng.uniform(0.05, self.occlusion + 0.05, 2) * size
        shape = (tuple(rng.uniform(0, size, 2)), tuple(sides), rng.uniform(0, 180))
        mask = np.zeros(image.shape[:2], np.uint8)
        if rng.random() < 0.5:
            cv2.ellipse(mask, shape, (255,), -1)
        else:
            cv2.fillPoly(mask, [np.rint(cv2.boxPoints(shape)).astype(np.int32)], (255,))
        if rng.random() < 0.5:
            filling = np.empty_like(image)
            filling[:] = rng.integers(0, 256, 3, np.uint8)
        else:
            filling = np.roll(image, rng.integers(size // 4, size, 2), axis=(0, 1))
        return cv2.copyTo(filling, mask, image.copy())

    def _expose(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """Bend the curve of each channel: exposure and white balance."""
        gamma = self.gamma ** rng.uniform(-1, 1) * 1.2 ** rng.uniform(-1, 1, 3)
        curves = 255 * np.linspace(0, 1, 256)[:, None] ** gamma
        return cv2.LUT(image, np.rint(curves).astype(np.uint8)[None])

    def _blur(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """Defocus, or move along a line."""
        strength = rng.uniform(0.3, self.blur)
        if rng.random() < 0.5:
            return cv2.GaussianBlur(image, (0, 0), strength)
        reach = int(np.ceil(strength))
        kernel = np.zeros((2 * reach + 1,) * 2, np.float32)
        angle = rng.uniform(0, np.pi)
        step = strength * np.array([np.cos(angle), np.sin(angle)])
        ends = [tuple(np.rint(reach + sign * step).astype(int).tolist()) for sign in (-1, 1)]
        cv2.line(kernel, *ends, color=(1.0,))
        return cv2.filter2D(image, -1, kernel / kernel.sum())

    def _shrink(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """Lose resolution."""
        size = max(round(len(image) / rng.uniform(1, self.downscale)), 1)
        small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    def _add_noise(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """Add noise of single pixels, or of spots of two pixels, as left by denoising."""
        shape = image.shape if rng.random() < 0.5 else (len(image) // 2, len(image[0]) // 2, 3)
        # OpenCV's generator is three times as fast as NumPy's.
        cv2.setRNGSeed(int(rng.integers(2**31)))
        deviation = np.full(3, rng.uniform(0, self.noise))
        noise = cv2.randn(np.empty(shape, np.float32), np.zeros(3), deviation)
        if shape != image.shape:
            noise = cv2.resize(noise, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return cv2.add(image, noise, dtype=cv2.CV_8U)

    def _compress(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """Write and read a JPEG."""
        quality = int(rng.integers(self.jpeg_quality, 96))
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return cv2.imdecode(data, cv2.IMREAD_COLOR)
