"""Line charts as SVG, on logarithmic scales: how one quantity grows with another."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from html import escape

from viz.picture.charts.curves import MARGINS, WIDTH
from viz.picture.palette import Theme, theme_named
from viz.picture.svg_document import document, text_at

__all__ = ["Chart", "Line", "line_charts"]

_HEIGHT, _LINE = 280, 14  # of one chart, and of a line of its legend
_LEFT, _RIGHT, _TOP, _BOTTOM = MARGINS


@dataclasses.dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        name: what the legend calls it.
        points: what is not positive is left out.
        slope: the power of `x` with which it should grow: a dashed line through the last point, over the larger half of
            the points; None for no such line.
    """

    name: str
    points: Sequence[tuple[float, float]]
    slope: float | None = None

    def shown(self) -> list[tuple[float, float]]:
        """The points that a logarithmic scale has a place for, as powers of ten."""
        return [(math.log10(x), math.log10(y)) for x, y in self.points if 0 < x < math.inf and 0 < y < math.inf]


@dataclasses.dataclass(frozen=True)
class Chart:
    """One chart: a title, what its scales show, and its lines."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]


def line_charts(title: str, charts: Sequence[Chart], columns: int = 2, theme: str = "light") -> str:
    """Charts in rows, as an SVG document.

    Args:
        title: what stands above all of them.
        charts: one chart per place.
        columns: charts side by side.
        theme: `"light"` or `"dark"`.

    Raises:
        ValueError: for another theme.

    >>> svg = line_charts("growth", [Chart("adding", "numbers", "s", [Line("time", [(1, 1e-6), (10, 1e-5)])])])
    >>> svg.count("<polyline")
    1
    """
    look = theme_named(theme)
    width = WIDTH * max(1, min(columns, len(charts)))
    height = 36 + _HEIGHT * -(-len(charts) // columns)
    lines = [text_at(14, 24, title, look.ink, size=14)]
    for i, chart in enumerate(charts):
        place = f"translate({WIDTH * (i % columns)} {36 + _HEIGHT * (i // columns)})"
        lines += [f'<g transform="{place}">', *_drawn(chart, look), "</g>"]
    return document(title, width, height, look, lines)


class _Scale:
    """Powers of ten around some logarithms, along a stretch of pixels."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low = math.floor(min(values, default=0.0))
        self.high = max(math.ceil(max(values, default=1.0)), self.low + 1)
        self.start, self.end = start, end

    def place(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def ticks(self) -> range:
        return range(self.low, self.high + 1, -(-(self.high - self.low) // 6))


def _drawn(chart: Chart, look: Theme) -> Iterator[str]:
    points = [point for line in chart.lines for point in line.shown()]
    across = _Scale([x for x, _ in points], _LEFT, WIDTH - _RIGHT)
    up = _Scale([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    yield text_at(_LEFT, 18, chart.title, look.ink, size=12)
    for power in across.ticks():
        x = across.place(power)
        yield f'<path d="M{x:.1f} {_TOP} V{_HEIGHT - _BOTTOM}" stroke="{look.frame}"/>'
        yield text_at(x, _HEIGHT - _BOTTOM + 14, _power(power), look.muted, 9, anchor="middle")
    for power in up.ticks():
        y = up.place(power)
        yield f'<path d="M{_LEFT} {y:.1f} H{WIDTH - _RIGHT}" stroke="{look.frame}"/>'
        yield text_at(_LEFT - 6, y + 3, _power(power), look.muted, 9, anchor="end")
    yield text_at((_LEFT + WIDTH - _RIGHT) / 2, _HEIGHT - 8, chart.x, look.muted, 9, anchor="middle")
    yield text_at(_LEFT, _TOP - 6, chart.y, look.muted, 9)
    for number, line in enumerate(chart.lines):
        color = list(look.lines.values())[number % len(look.lines)]
        yield from _traced(line, across, up, color)
        yield text_at(_LEFT + 8, _TOP + _LINE * (number + 1), line.name, color, size=10, halo=look.page)


def _traced(line: Line, across: _Scale, up: _Scale, color: str) -> Iterator[str]:
    places = [(across.place(x), up.place(y)) for x, y in line.shown()]
    yield (
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" stroke="{color}" '
        'stroke-width="1.5"/>'
    )
    yield from _expected(line, across, up, color)
    real = [(10**x, 10**y) for x, y in line.shown()]
    for (x, y), (real_x, real_y) in zip(places, real):
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}">'
            f"<title>{escape(line.name)}: {real_x:g}, {real_y:g}</title></circle>"
        )


def _expected(line: Line, across: _Scale, up: _Scale, color: str) -> Iterator[str]:
    points = line.shown()
    if line.slope is None or len(points) < 2:
        return
    (x, y), (end_x, end_y) = points[len(points) // 2 - 1], points[-1]
    x = max(x, end_x - (end_y - up.low) / line.slope) if line.slope > 0 else x
    y = end_y - line.slope * (end_x - x)
    places = [(across.place(x), up.place(y)), (across.place(end_x), up.place(end_y))]
    (x1, y1), (x2, y2) = places
    yield (
        f'<path d="M{x1:.1f} {y1:.1f} L{x2:.1f} {y2:.1f}" stroke="{color}" stroke-width="1" stroke-dasharray="2 3" '
        'opacity="0.8"/>'
    )


def _power(power: int) -> str:
    return f"{10**power:,}" if 0 <= power <= 6 else f"{10.0**power:g}" if -4 <= power < 0 else f"1e{power}"
