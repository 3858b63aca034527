"""Ticks and number formats."""

import numpy as np
import pytest

from simhand_mm.visualization.number_format import fixed, short, significant, ticks


@pytest.mark.parametrize(
    "low, high", [(0, 1), (0.13, 0.87), (-3, 7), (99.9, 100.1), (0, 123456), (5, 5), (1e-7, 3e-7)]
)
def test_ticks_are_even_and_cover_the_range(low, high):
    values = np.array(ticks(low, high))
    assert values[0] <= low + 1e-12
    assert values[-1] >= high - 1e-12
    assert 3 <= len(values) <= 8
    np.testing.assert_allclose(np.diff(values), values[1] - values[0], rtol=1e-6)


@pytest.mark.parametrize("high", [1, 3, 12, 999])
def test_ticks_of_counts_are_integers(high):
    assert all(tick == int(tick) for tick in ticks(0, high, is_whole=True))


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (0.25, "0.25"), (1234, "1234"), (12000, "12k"), (3.5e6, "3.5M"), (-2e4, "-20k")],
)
def test_short(value, text):
    assert short(value) == text


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0.00"),
        (44, "44.0"),
        (0.01234, "0.0123"),
        (123.4, "123"),
        (1234.5, "1,234"),
        (float("inf"), "–"),
        (float("nan"), "–"),
    ],
)
def test_significant(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    "value, expected", [(37.48, "37.5"), (None, "–"), (float("nan"), "–"), (float("inf"), "–")]
)
def test_fixed_shows_a_dash_for_missing_values(value, expected):
    assert fixed(value, 1) == expected
