"""Compiled rendering of augmented views on a CPU (numba): one pass over each image.

Each value is that of the operators of :mod:`simhand_mm.pretraining.augmentation`, with their order
of operations and the fused multiply-adds of torch's ``grid_sample``: bit for bit on x86.

Raises:
    ImportError: If numba is not installed, or does not compile (``NUMBA_DISABLE_JIT=1``).
"""

from typing import Any

import numpy as np
from numba import config
from numba.core import types
from numba.extending import intrinsic

from simhand_mm.functional.compiled import jit

if config.DISABLE_JIT:  # pyright: ignore[reportAttributeAccessIssue]
    raise ImportError("NUMBA_DISABLE_JIT must not be set: Python has no fused multiply-add.")

_F = np.float32  # Python numbers would turn the arithmetic into float64


def _fma(context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` of float32, rounded once; numba's way to use an instruction of LLVM."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.fma(*values)

    return types.float32(types.float32, types.float32, types.float32), generate


_multiply_add: Any = intrinsic(_fma)


@jit(nogil=True, error_model="numpy")
def render(crops, along_x, along_y, colors, normalization, out):
    """Resample crops bilinearly with reflected borders, jitter their colours and normalise them.

    Args:
        crops: ``[B, H, W, 3]`` uint8 BGR.
        along_x: ``[B, 2, S]`` float32. The sum of it and ``along_y`` is the position (x, y) of each
            pixel of the view in the crop, with -1 and 1 at the first and last pixel centres.
        along_y: ``[B, 2, S]`` float32.
        colors: ``[B, 4]`` float32: factors of hue, saturation and value, and the brightness that
            is added; ``[B, 0]`` to leave colours as they are.
        normalization: ``[2, 3]`` float32: mean and standard deviation of R, G and B in [0, 1].
        out: ``[B, 3, S, S]`` float32, gets the views.
    """
    height, width, size = crops.shape[1], crops.shape[2], along_x.shape[2]
    pixels = np.empty(height * width, np.uint32)
    corner, weight = np.empty((4, size), np.uint32), np.empty((4, size), np.float32)
    rgb = np.empty((3, size), np.float32)
    for image in range(len(crops)):
        _pack(crops[image].reshape(height * width * 3), pixels)
        for row in range(size):
            x, y = along_y[image, 0, row], along_y[image, 1, row]
            _locate(along_x[image], x, y, height, width, corner, weight)
            _gather(pixels, corner)
            for channel in range(3):
                _blend(corner, weight, 8 * channel, rgb[2 - channel])
            if colors.shape[1]:
                _jitter(rgb, colors[image])
            for channel in range(3):
                mean, std = normalization[0, channel], normalization[1, channel]
                _normalize(rgb[channel], mean, std, out[image, channel, row])


# A row of a view is made in steps, because then all loops but that of _gather are vectorised.


@jit(nogil=True, error_model="numpy")
def _pack(crop, pixels):
    """Join the bytes of each pixel of a crop to one number: R, G, B from the highest."""
    for i in range(len(pixels)):
        first = np.uint32(3 * i)
        blue, green = np.uint32(crop[first]), np.uint32(crop[first + np.uint32(1)])
        red = np.uint32(crop[first + np.uint32(2)])
        pixels[i] = (red << np.uint32(16)) | (green << np.uint32(8)) | blue


@jit(nogil=True, error_model="numpy")
def _locate(along_x, of_row_x, of_row_y, height, width, corner, weight):
    """Find the four pixels around each position in the crop, and their weights."""
    one, last_x, last_y = _F(1), _F(width - 1), _F(height - 1)
    right, bottom, stride = np.int32(width - 1), np.int32(height - 1), np.int32(width)
    for i in range(along_x.shape[1]):
        x = _reflect((along_x[0, i] + of_row_x + one) * (last_x / _F(2)), last_x)
        y = _reflect((along_x[1, i] + of_row_y + one) * (last_y / _F(2)), last_y)
        x0, y0 = np.int32(x), np.int32(y)
        east, south = x - _F(x0), y - _F(y0)
        west, north = one - east, one - south
        # At the last pixel the weight of its neighbour is 0.
        x1, y1 = min(np.int32(x0 + 1), right), min(np.int32(y0 + 1), bottom)
        corner[0, i], weight[0, i] = y0 * stride + x0, west * north
        corner[1, i], weight[1, i] = y0 * stride + x1, east * north
        corner[2, i], weight[2, i] = y1 * stride + x0, west * south
        corner[3, i], weight[3, i] = y1 * stride + x1, east * south


@jit(nogil=True, error_model="numpy", forceinline=True)
def _reflect(position, last):
    """Reflect a position at the centres of the first and the last pixel, 0 and ``last``."""
    position, period = abs(position), _F(2) * last
    rest = position - _F(np.int32(position / period)) * period
    position = min(rest, period - rest)
    # NaN becomes 0, as in grid_sample: it must not become an index.
    position = position if position > _F(0) else _F(0)
    return position if position < last else last


@jit(nogil=True, error_model="numpy")
def _gather(pixels, corner):
    """Replace the positions of pixels by the pixels."""
    for k in range(4):
        for i in range(corner.shape[1]):
            corner[k, i] = pixels[corner[k, i]]


@jit(nogil=True, error_model="numpy")
def _blend(corner, weight, shift, out):
    """Interpolate one channel of the pixels, to [0, 1]."""
    a, b, c, d = corner[0], corner[1], corner[2], corner[3]
    weight_a, weight_b, weight_c, weight_d = weight[0], weight[1], weight[2], weight[3]
    for i in range(len(out)):
        value = _byte(a[i], shift) * weight_a[i]
        value = _multiply_add(_byte(b[i], shift), weight_b[i], value)
        value = _multiply_add(_byte(c[i], shift), weight_c[i], value)
        value = _multiply_add(_byte(d[i], shift), weight_d[i], value)
        out[i] = value / _F(255)


@jit(nogil=True, error_model="numpy", forceinline=True)
def _byte(pixel, shift):
    return _F(np.int32((pixel >> np.uint32(shift)) & np.uint32(255)))


@jit(nogil=True, error_model="numpy")
def _jitter(rgb, color):
    """Change the colours of a row, as ``jitter_colors``."""
    one, two, three, four, least = _F(1), _F(2), _F(3), _F(4), _F(1e-6)
    of_hue, of_saturation, of_value, brightness = color[0], color[1], color[2], color[3]
    reds, greens, blues = rgb[0], rgb[1], rgb[2]
    for i in range(rgb.shape[1]):
        red, green, blue = reds[i], greens[i], blues[i]
        value = max(max(red, green), blue)
        chroma = value - min(min(red, green), blue)
        divisor = max(chroma, least)
        of_green, of_blue = (blue - red) + divisor * two, (red - green) + divisor * four
        hue = (green - blue) if value == red else (of_green if value == green else of_blue)
        hue = _wrap(_wrap(hue / divisor) * of_hue)
        saturation = chroma / max(value, least) * of_saturation
        value = _clip(value * of_value + brightness)
        drop = value * _clip(saturation)
        reds[i] = value - _clip(two - abs(hue - three)) * drop
        greens[i] = value - _clip(abs(hue - two) - one) * drop
        blues[i] = value - _clip(abs(hue - four) - one) * drop


@jit(nogil=True, error_model="numpy", forceinline=True)
def _wrap(hue):
    """``hue % 6``, exactly."""
    rest = _multiply_add(_F(-6), _F(np.int32(hue / _F(6))), hue)
    return rest + _F(6) if rest < _F(0) else rest


@jit(nogil=True, error_model="numpy", forceinline=True)
def _clip(value):
    return min(max(value, _F(0)), _F(1))


@jit(nogil=True, error_model="numpy")
def _normalize(values, mean, std, out):
    for i in range(len(values)):
        out[i] = (values[i] - mean) / std
