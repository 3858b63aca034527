"""Codes that colour the hands by the values of a column, and the legend of the codes.

Axes: N hands of the pool.
"""

from typing import Any

import numpy as np

from simhand_mm.pool import HandPool

MISSING = 255
OTHERS = 254
NUM_LEVELS = 250
"""Numbers have the codes 0 ... 249, from the 1st to the 99th percentile."""
MAX_NAMES = 20
"""The most frequent texts have the codes 0 ... 19, all others ``OTHERS``."""
_NUM_BINS = 50


def codes_of(pool: HandPool, name: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Code the values of a column by which hands can be coloured.

    Args:
        pool: The pool.
        name: A column with one text, number or truth value per hand.

    Returns:
        Codes ``[N]`` uint8, and the legend: of text ``values`` (text and number of hands each),
        and the numbers of ``others`` and ``missing``; of numbers ``low``, ``high``, ``counts``
        (a histogram between them), and ``missing``.
    """
    if (coded := pool.text_codes(name)) is not None:
        return codes_of_texts(coded[0], coded[1].tolist())
    values = pool.values(name)
    if values.dtype == bool:
        return codes_of_texts(values.astype(np.int64), ["False", "True"])
    return codes_of_numbers(values)


def codes_of_texts(indices: np.ndarray, names: list[str]) -> tuple[np.ndarray, dict[str, Any]]:
    """Code texts by their frequency.

    Args:
        indices: ``[N]`` positions in ``names``.
        names: Texts; an empty one counts as missing.

    Returns:
        Codes and legend, see :func:`codes_of`.
    """
    counts = np.bincount(indices, minlength=len(names))
    is_named = np.array([bool(name) for name in names], dtype=bool)
    frequent = np.argsort(-np.where(is_named, counts, -1), kind="stable")[:MAX_NAMES]
    frequent = [position for position in frequent if is_named[position] and counts[position]]
    if len(frequent) < MAX_NAMES:  # all values: in their own order
        frequent.sort(key=lambda position: names[position])
    code_of_name = np.where(is_named, OTHERS, MISSING).astype(np.uint8)
    code_of_name[frequent] = np.arange(len(frequent), dtype=np.uint8)
    codes = code_of_name[indices]
    values = [{"text": names[position], "count": int(counts[position])} for position in frequent]
    return codes, {
        "kind": "text",
        "values": values,
        "others": int((codes == OTHERS).sum()),
        "missing": int((codes == MISSING).sum()),
    }


def codes_of_numbers(values: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Code numbers by their place between the 1st and the 99th percentile.

    Args:
        values: ``[N]``; what is not finite is missing.

    Returns:
        Codes and legend, see :func:`codes_of`.
    """
    values = values.astype(np.float64)
    is_found = np.isfinite(values)
    found = values[is_found]
    low, high = np.quantile(found, [0.01, 0.99]) if len(found) else (0.0, 0.0)
    codes = np.full(len(values), MISSING, np.uint8)
    level = np.clip((found - low) / ((high - low) or 1.0) * NUM_LEVELS, 0, NUM_LEVELS - 1)
    codes[is_found] = level.astype(np.uint8)
    counts = np.bincount(level.astype(np.int64) * _NUM_BINS // NUM_LEVELS, minlength=_NUM_BINS)
    return codes, {
        "kind": "number",
        "low": float(low),
        "high": float(high),
        "counts": counts.tolist(),
        "missing": int((~is_found).sum()),
    }
