"""Numbers as readers want them: round ticks, short labels, stated precision."""

import math

import numpy as np


def ticks(low: float, high: float, count: int = 5, is_whole: bool = False) -> list[float]:
    """Round numbers in equal steps that cover ``low`` to ``high``, about ``count`` of them.

    Args:
        low: Where the data begin.
        high: Where they end.
        count: How many steps to aim at.
        is_whole: Only integers, as for counts.
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
    """A number for an axis: ``12k`` and ``3.5M`` for large ones, at most four digits."""
    value = float(value)
    for unit, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= max(unit, 1e4):
            return f"{value / unit:.3g}{suffix}"
    return f"{value:.4g}"


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, zeros at the end included, never ``1e+03``."""
    return f"{value:,.{decimals(value, digits)}f}" if math.isfinite(value) else "–"


def decimals(value: float | np.floating, digits: int = 3) -> int:
    """Decimal places that show so many significant digits of a finite number."""
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    return max(digits - 1 - magnitude, 0)
