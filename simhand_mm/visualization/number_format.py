"""Number formats for reports: round ticks, short labels, significant digits."""

import math

import numpy as np


def ticks(low: float, high: float, count: int = 5, is_whole: bool = False) -> list[float]:
    """Return about ``count`` round, equally spaced numbers that cover ``low`` to ``high``.

    Args:
        low: Smallest value of the data.
        high: Largest value of the data.
        count: Target number of steps.
        is_whole: Use integers only, as for counts.
    """
    if not high > low:
        high = low + 1
    raw = max((high - low) / count, 1.0 if is_whole else 0.0)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    digits = (1.0, 2.0, 5.0, 10.0) if is_whole else (1.0, 2.0, 2.5, 5.0, 10.0)
    step = next(digit * magnitude for digit in digits if digit * magnitude >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def short(value: float) -> str:
    """Format a number for an axis with at most four digits; large ones as ``12k``, ``3.5M``."""
    value = float(value)
    for unit, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= max(unit, 1e4):
            return f"{value / unit:.3g}{suffix}"
    return f"{value:.4g}"


def significant(value: float, digits: int = 3) -> str:
    """Format a number with ``digits`` significant digits, with trailing zeros, never ``1e+03``."""
    return f"{value:,.{decimals(value, digits)}f}" if math.isfinite(value) else "–"


def fixed(value: float | None, num_decimals: int) -> str:
    """Format a number with fixed decimals; a dash if it is None (NaN in JSON) or not finite."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{num_decimals}f}"


def decimals(value: float | np.floating, digits: int = 3) -> int:
    """Return the decimal places for ``digits`` significant digits of a finite number."""
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    return max(digits - 1 - magnitude, 0)
