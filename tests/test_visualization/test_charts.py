"""Inline SVG charts."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from simhand_mm.visualization.charts import Series, histogram, line_chart
from simhand_mm.visualization.results import KNOWN_METHODS, run_colors
from simhand_mm.visualization.style import NUM_COLORS, STYLE


def elements(svg, tag, css_class=None):
    return [e for e in ElementTree.fromstring(svg).iter(tag) if css_class in (None, e.get("class"))]


def chart(**lines):
    series = {name: Series(np.asarray(x), np.asarray(y), 1) for name, (x, y) in lines.items()}
    return line_chart(series, "Loss <log>", "iteration", "loss")


def test_line_chart_is_well_formed_and_escaped():
    svg = chart(a=([0, 1, 2], [3.0, 2.0, 1.0]))
    texts = [e.text for e in elements(svg, "text")]
    assert {"Loss <log>", "iteration", "loss"} <= set(texts)


def test_line_chart_draws_points_at_their_axis_values():
    svg = chart(a=([0, 10], [0.0, 4.0]))
    (path,) = elements(svg, "path")
    (x0, y0), (x1, y1) = np.array(re.findall(r"[\d.]+", path.get("d")), float).reshape(2, 2)
    grid = [float(line.get("y1")) for line in elements(svg, "line", "grid")]
    assert (y0, y1) == (max(grid), min(grid))  # 0 on the lowest tick, 4 on the highest
    assert x1 > x0


def test_line_chart_has_a_gap_at_nan():
    svg = chart(a=([0, 1, 2, 3], [1.0, np.nan, 2.0, 3.0]))
    assert elements(svg, "path")[0].get("d").count("M") == 2


def test_line_chart_legend_lists_all_of_several_lines():
    many = {f"run {i}": ([0, 1], [0, i]) for i in range(6)}
    texts = [e.text for e in elements(chart(**many), "text")]
    assert set(many) <= set(texts)


def test_line_chart_stays_inside_the_image():
    svg = chart(a=([0, 1e6], [-1e5, 1e5]), b=([5e5], [0.0]))
    for text in elements(svg, "text"):
        assert 0 <= float(text.get("x")) <= 356
        assert 0 <= float(text.get("y")) <= 250


def test_line_chart_legend_of_two_rows_stays_inside_the_image():
    names = ("scratch", "simclr", "peclr", "simhand")
    svg = chart(**{name: ([0, 1], [27.5301, 27.5302]) for name in names})
    y = {text.text: float(text.get("y")) for text in elements(svg, "text")}
    assert max(y[name] for name in names) <= 250
    assert y["iteration"] < y["scratch"] < y["simhand"]


def test_line_chart_without_points_is_refused():
    with pytest.raises(ValueError, match=r"must contain a finite point, but got none in \['a'\]"):
        chart(a=([0.0], [np.nan]))


def test_histogram_counts_each_value_once():
    values = np.random.default_rng(0).normal(size=500)
    tips = [e.text for e in elements(histogram(values, "t", "x"), "title")]
    assert sum(int(tip.split(": ")[1]) for tip in tips) == 500


@pytest.mark.parametrize("values", [[], [3], [2, 2, 2], [np.nan, 1.0], np.arange(1000)])
def test_histogram_accepts_any_values(values):
    svg = histogram(np.asarray(values), "t", "x")
    assert "nan" not in svg


def test_histogram_of_integers_has_bins_of_whole_width():
    svg = histogram(np.array([1, 2, 2, 3]), "t", "x")
    assert [e.text.split(": ")[1] for e in elements(svg, "title")] == ["1", "2", "1"]


def test_each_run_of_a_report_has_its_own_colour_in_both_themes():
    colors = run_colors((*KNOWN_METHODS, "lifter"))
    assert len(set(colors.values())) == len(KNOWN_METHODS) + 1
    for number in range(NUM_COLORS):
        assert STYLE.count(f"--c{number}:#") == 2
        assert f".c{number}{{stroke:var(--c{number})}}" in STYLE
