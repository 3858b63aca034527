"""Noise and colour for skin, cloth, objects and backgrounds."""

import cv2
import numpy as np

_LATTICE = 24
# Of skin, from fair to dark, sRGB.
SKIN_TONES = np.array(
    [
        (244, 214, 192),
        (232, 190, 160),
        (214, 166, 130),
        (188, 134, 98),
        (148, 98, 68),
        (104, 68, 48),
        (72, 48, 38),
    ]
)


def linear_rgb(srgb: np.ndarray) -> np.ndarray:
    """Convert sRGB values 0 to 255 to linear light 0 to 1 (gamma 2.2)."""
    return (np.clip(srgb, 0, 255) / 255.0) ** 2.2


def lattice_noise(rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
    """Return smooth noise ``[N]`` at points ``[N, 3]``, with unit scale and amplitude about 1."""
    values = rng.standard_normal((_LATTICE,) * 3)
    cell = np.floor(points).astype(np.int64)
    part = points - cell
    part = part * part * (3 - 2 * part)
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, part, 1 - part).prod(axis=1)
        total += weight * values[tuple(((cell + corner) % _LATTICE).T)]
    return total


def cloud_noise(
    rng: np.random.Generator, height: int, width: int, cell_px: float, octaves: int = 3
) -> np.ndarray:
    """Return float32 noise ``[H, W]`` with amplitude about 1; largest spots ``cell_px`` wide."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(cell_px / 2**octave, 1.0)
        shape = (int(height / cell) + 2, int(width / cell) + 2)
        coarse = rng.standard_normal(shape).astype(np.float32)
        fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        total += fine / 2**octave
    return total / 1.2
