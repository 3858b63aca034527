"""Codes and legends of columns."""

import numpy as np
import pytest

from simhand_mm.explorer.colors import (
    MISSING,
    NUM_LEVELS,
    OTHERS,
    codes_of,
    codes_of_numbers,
    codes_of_texts,
)
from tests.test_explorer.pools import explored_pool


def test_texts_are_coded_in_their_order_and_counted():
    codes, legend = codes_of_texts(np.array([0, 1, 2, 0, 2]), ["b", "a", ""])
    assert codes.tolist() == [1, 0, MISSING, 1, MISSING]
    assert legend["values"] == [{"text": "a", "count": 1}, {"text": "b", "count": 2}]
    assert (legend["others"], legend["missing"]) == (0, 2)


def test_rare_texts_are_others():
    names = [f"v{k}" for k in range(30)]
    indices = np.repeat(np.arange(30), np.arange(30, 0, -1))
    codes, legend = codes_of_texts(indices, names)
    assert [value["text"] for value in legend["values"]] == names[:20]
    assert (codes[indices < 20] == indices[indices < 20]).all()
    assert (codes[indices >= 20] == OTHERS).all()
    assert legend["others"] == (indices >= 20).sum()


def test_texts_that_no_hand_has_are_not_in_the_legend():
    assert codes_of_texts(np.array([2]), ["a", "b", "c"])[1]["values"] == [
        {"text": "c", "count": 1}
    ]


def test_columns_of_a_pool(tmp_path):
    pool = explored_pool(tmp_path / "pool")
    codes, legend = codes_of(pool, "is_mirrored")
    assert codes.tolist() == pool.is_mirrored.tolist()
    assert legend["values"] == [{"text": "False", "count": 16}, {"text": "True", "count": 8}]
    assert codes_of(pool, "video_id")[0].tolist() == [0] * 12 + [1] * 12
    assert codes_of(pool, "sharpness")[1]["kind"] == "number"
    assert (codes_of(pool, "brightness")[0] == MISSING).all()


@pytest.mark.filterwarnings("error")
def test_numbers_are_coded_between_percentiles():
    values = np.append(np.arange(1001, dtype=np.float32), [np.nan, np.inf, 1e6])
    codes, legend = codes_of_numbers(values)
    assert (codes[1001:] == [MISSING, MISSING, NUM_LEVELS - 1]).all()
    assert codes[0] == 0 and (np.diff(codes[:1001].astype(int)) >= 0).all()
    assert legend["low"] == pytest.approx(np.quantile(values[[*range(1001), 1003]], 0.01))
    assert sum(legend["counts"]) == 1002 and legend["missing"] == 2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[], [7.0, 7.0], [np.nan]])
def test_columns_without_different_numbers(values):
    codes, legend = codes_of_numbers(np.array(values))
    assert len(codes) == len(values) and set(codes.tolist()) <= {0, MISSING}
    assert legend["low"] == legend["high"]
