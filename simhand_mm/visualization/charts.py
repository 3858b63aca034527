"""Line charts and histograms as inline SVG, without a plotting library or a script.

Colours come from the style sheet of the page (classes ``c0`` … ``c5``), so that charts follow the
light or dark theme. The same input gives the same text.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from simhand_mm.visualization.number_format import short, ticks

_CHARACTER_WIDTH = 6.1  # px, width of a digit at the font size of the charts


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        x: ``[P]``.
        y: ``[P]``; the line has a gap at NaN.
        color: Index of the colour class, 0 to 5.
        is_dashed: Whether the line is dashed.
    """

    x: np.ndarray | Sequence[float]
    y: np.ndarray | Sequence[float]
    color: int
    is_dashed: bool = False


@dataclass(frozen=True)
class _Frame:
    """The plotting area in px and its data range."""

    left: float
    top: float
    right: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)


def line_chart(
    series: Mapping[str, Series],
    title: str,
    x_label: str,
    y_label: str,
    size: tuple[int, int] = (356, 250),
    y_range: tuple[float, float] | None = None,
    x_names: Mapping[float, str] | None = None,
) -> str:
    """Draw a line chart with a legend in the order of ``series``.

    Args:
        series: Name -> line. Empty lines appear only in the legend.
        title: Title of the chart.
        x_label: Quantity and unit of the x axis.
        y_label: Quantity and unit of the y axis.
        size: Width and height in px.
        y_range: Limits of the y axis; by default those of the data.
        x_names: x value -> tick label; numbers by default.

    Returns:
        An ``<svg>`` element.

    Raises:
        ValueError: If no line has a finite point.
    """
    points = [np.stack([line.x, line.y], axis=1) for line in series.values() if len(line.x)]
    finite = np.concatenate(points) if points else np.empty((0, 2))
    finite = finite[np.isfinite(finite).all(axis=1)].astype(float)
    if not len(finite):
        raise ValueError(
            f"series must contain a finite point, but got none in {list(series)}. "
            "Leave out the chart."
        )
    is_whole = all(np.issubdtype(np.asarray(line.x).dtype, np.integer) for line in series.values())
    x_ticks = x_names or _named(ticks(*_limits(finite[:, 0]), is_whole=is_whole))
    y_ticks = ticks(*(y_range or _limits(finite[:, 1])))
    y_range = y_range or (y_ticks[0], y_ticks[-1])
    frame = _frame(size, _limits(finite[:, 0]), y_range, y_ticks, names=list(series))
    body = [_axes(frame, x_ticks, y_ticks), _titles(frame, size, title, x_label, y_label)]
    for name, line in series.items():
        dash = ' stroke-dasharray="5 3"' if line.is_dashed else ""
        body.append(f'<path class="line c{line.color}" d="{_path(frame, line)}"{dash}>')
        body.append(f"<title>{escape(name)}</title></path>")
    body.append(_legend(frame, series))
    return _svg(size, title, body)


def histogram(
    values: np.ndarray,
    title: str,
    x_label: str,
    num_bins: int = 24,
    size: tuple[int, int] = (244, 180),
    y_label: str = "hands",
) -> str:
    """Draw a histogram with bins of equal width; the width is an integer for integer values.

    Args:
        values: ``[N]``; values that are not finite are ignored.
        title: Title of the chart.
        x_label: Quantity and unit.
        num_bins: Maximum number of bins.
        size: Width and height in px.
        y_label: Label of the counts.

    Returns:
        An ``<svg>`` element.
    """
    values = np.asarray(values)
    values = values[np.isfinite(values)]
    counts, edges = np.histogram(values, _bin_edges(values, num_bins))
    y_ticks = ticks(0, max(counts.max(initial=0), 1), is_whole=True)
    x_range = (float(edges[0]), float(edges[-1]))
    frame = _frame(size, x_range, (0.0, y_ticks[-1]), y_ticks)
    x_ticks = _named(ticks(*x_range, is_whole=np.issubdtype(values.dtype, np.integer)))
    body = [_axes(frame, x_ticks, y_ticks), _titles(frame, size, title, x_label, y_label)]
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            x, y, gap = frame.x(low), frame.y(count), 0.6
            box = f'x="{x + gap / 2:.1f}" y="{y:.1f}" height="{frame.bottom - y:.1f}"'
            width = max(frame.x(high) - x - gap, 0.5)
            tip = f"{short(low)} to {short(high)}: {count:,}"
            body.append(f'<rect class="bar" {box} width="{width:.1f}"><title>{tip}</title></rect>')
    return _svg(size, title, body)


def _limits(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _bin_edges(values: np.ndarray, num_bins: int) -> np.ndarray:
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    if np.issubdtype(values.dtype, np.integer):
        width = max(1, math.ceil((high - low + 1) / num_bins))
        return np.arange(low - 0.5, high + 0.5 + width, width)
    return np.linspace(*_limits(values), num_bins + 1)


def _frame(
    size: tuple[int, int],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    y_ticks: Sequence[float],
    names: Sequence[str] = (),
) -> _Frame:
    widest = max(len(short(tick)) for tick in y_ticks)
    left, right = 26 + widest * _CHARACTER_WIDTH, size[0] - 14
    legend_rows = max(
        (row + 1 for row, _ in _legend_places(names, left, right).values()), default=0
    )
    return _Frame(left, 24, right, size[1] - 38 - 17 * legend_rows, x_range, y_range)


def _named(positions: Sequence[float]) -> dict[float, str]:
    return {position: short(position) for position in positions}


def _axes(frame: _Frame, x_ticks: Mapping[float, str], y_ticks: Sequence[float]) -> str:
    parts = []
    for tick in y_ticks:
        if frame.y_range[0] - 1e-9 <= tick <= frame.y_range[1] + 1e-9:
            y = frame.y(tick)
            ends = f'x1="{frame.left:.1f}" x2="{frame.right:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
            parts.append(f'<line class="grid" {ends}/>')
            parts.append(_text(frame.left - 5, y + 3.5, short(tick), "end"))
    for tick, name in x_ticks.items():
        if frame.x_range[0] - 1e-9 <= tick <= frame.x_range[1] + 1e-9:
            parts.append(_text(frame.x(tick), frame.bottom + 15, name, "middle"))
            x = f'x1="{frame.x(tick):.1f}" x2="{frame.x(tick):.1f}"'
            ends = f'{x} y1="{frame.bottom:.1f}" y2="{frame.bottom + 3:.1f}"'
            parts.append(f'<line class="axis" {ends}/>')
    ends = f'x1="{frame.left:.1f}" x2="{frame.right:.1f}" y1="{frame.bottom:.1f}"'
    parts.append(f'<line class="axis" {ends} y2="{frame.bottom:.1f}"/>')
    return "".join(parts)


def _titles(frame: _Frame, size: tuple[int, int], title: str, x_label: str, y_label: str) -> str:
    middle = (frame.top + frame.bottom) / 2
    turned = f'transform="rotate(-90 11 {middle:.1f})" '
    return (
        _text(frame.left, 13, title, "start", 'class="title" ')
        + _text((frame.left + frame.right) / 2, frame.bottom + 31, x_label, "middle")
        + _text(11, middle, y_label, "middle", turned)
    )


def _path(frame: _Frame, line: Series) -> str:
    """Return the path of a line, with a gap at each point that is not finite."""
    commands, command = [], "M"
    for x, y in zip(line.x, line.y, strict=True):
        if not (np.isfinite(x) and np.isfinite(y)):
            command = "M"
            continue
        clipped = min(max(float(y), frame.y_range[0]), frame.y_range[1])
        commands.append(f"{command}{frame.x(float(x)):.1f} {frame.y(clipped):.1f}")
        command = "L"
    return "".join(commands)


def _legend_places(names: Sequence[str], left: float, right: float) -> dict[str, tuple[int, float]]:
    """Return name -> row and x; a chart of a single line has no legend."""
    places: dict[str, tuple[int, float]] = {}
    row, x = 0, left
    for name in names if len(names) > 1 else ():
        width = 30 + len(name) * _CHARACTER_WIDTH
        if x + width > right and x > left:
            row, x = row + 1, left
        places[name] = row, x
        x += width + 8
    return places


def _legend(frame: _Frame, series: Mapping[str, Series]) -> str:
    parts = []
    for name, (row, x) in _legend_places(list(series), frame.left, frame.right).items():
        line, y = series[name], frame.bottom + 50 + 17 * row
        dash = ' stroke-dasharray="5 3"' if line.is_dashed else ""
        ends = f'x1="{x:.1f}" x2="{x + 16:.1f}" y1="{y - 4:.1f}" y2="{y - 4:.1f}"'
        parts.append(f'<line class="line c{line.color}" {ends}{dash}/>')
        parts.append(_text(x + 20, y, name, "start"))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str, attributes: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text {attributes}{place}>{escape(text)}</text>"


def _svg(size: tuple[int, int], title: str, body: list[str]) -> str:
    width, height = size
    view = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return (
        f'<svg class="chart" role="img" aria-label="{escape(title)}" {view}>{"".join(body)}</svg>'
    )
