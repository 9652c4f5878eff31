"""Curves of numbers over epochs or steps, as SVG, or as HTML on a light or a dark ground."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from viz.geometry.text_sizes import BOLD, text_width
from viz.picture.notebook_theme import on_any_ground
from viz.picture.palette import theme_named

__all__ = ["MARGINS", "WIDTH", "Border", "Curve", "Panel", "charts_on_any_ground", "curve_charts"]

WIDTH, _HEIGHT = 400, 236  # of one panel
_KEY = 28  # the dot before a name in the legend, and the room around it
_MARGIN = 8  # at the sides of a legend that is as wide as its panel
_LEFT, _RIGHT, _TOP, _BOTTOM = MARGINS = 58, 22, 46, 36  # around its scales; the legend stands above them
_FONTS = "system-ui,-apple-system,'Segoe UI','DejaVu Sans',Verdana,sans-serif"
_COLORS = {  # each at least 3 to 1 against white and against black
    "train": "#2b82c9",
    "validation": "#d4691a",
    "epoch": "#2c9a6f",
    "other": "#9468bd",
}
_FLAW = "#d63a30"
_MOST_POINTS = 600
_MARKED = 40  # points, up to which each is marked
_FEW = 3  # points after the first places of a training, for a scale that leaves those places out
_LEAST_STRETCH = 3  # points between two restarts of a curve, on average, for it to be parted there
_FORMER = 0.45  # how strong the lines are of runs before the last one
_LOGARITHMIC = 1000.0  # times from the least to the greatest value


@dataclasses.dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
        name: what the legend calls it.
        points: pairs of x and y; y may be NaN or infinite.
        role: `"train"`, `"validation"`, `"epoch"` or `"other"`, which have their colours.
        restarts: places after which it begins anew: no line leads over them, unless it would consist of little else.
    """

    name: str
    points: Sequence[tuple[float, float]]
    role: str = "other"
    restarts: Sequence[float] = ()


class Border(NamedTuple):
    """A place on the scale, after which something else begins, and what it is."""

    x: float
    words: str


@dataclasses.dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        title: stands above it.
        curves: what it shows.
        x: what lies along its scale.
        breaks: where something else begins: a line stands there, and no curve crosses it.
        span: the least and the greatest place that the scale shows; None: those of the curves.
        least: the least height of its scale, as a share of the greatest value: smaller changes don't fill the chart.
        settling: how many places after the beginning, and after each break, its scale is not for: what lies beyond it
            is a mark at its edge.
    """

    title: str
    curves: Sequence[Curve]
    x: str = "epoch"
    breaks: Sequence[Border] = ()
    span: tuple[float, float] | None = None
    least: float = 0.0
    settling: float = 0.0


def charts_on_any_ground(panels: Sequence[Panel]) -> str:
    """The charts as HTML, in the colours of the notebook around them: side by side where there is room."""
    charts = [on_any_ground(curve_charts([each]), curve_charts([each], theme="dark"), fits=True) for each in panels]
    return (
        f'<div style="display:flex;flex-wrap:wrap;line-height:0;max-width:{2 * WIDTH + 20}px">{"".join(charts)}</div>'
    )


def curve_charts(panels: Sequence[Panel], columns: int = 2, theme: str = "light") -> str:
    """Charts in rows, as an SVG element.

    Args:
        panels: one chart per place.
        columns: charts side by side.
        theme: `"light"` or `"dark"`.

    Raises:
        ValueError: for another theme.

    >>> svg = curve_charts([Panel("loss", [Curve("train", [(1, 0.5), (2, 0.25)], "train")])])
    >>> svg.count("<polyline")
    1
    """
    across = max(1, min(columns, len(panels)))
    width, height = WIDTH * across, _HEIGHT * max(1, -(-len(panels) // across))
    told = "; ".join([f"{p.title}: {', '.join([f'{c.name} {_last(c)}' for c in p.curves])}" for p in panels])
    look = theme_named(theme)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" viewBox="0 0 {width} {height}" role="img"',
        f'  aria-label={quoteattr(told)} font-family="{_FONTS}" fill="{look.ink}"',
        f'  style="max-width:100%;height:auto;color:{look.ink};background:{look.page}">',
    ]
    for i, panel in enumerate(panels):
        place = f"translate({WIDTH * (i % across)} {_HEIGHT * (i // across)})"
        lines += [f'<g transform="{place}">', *_drawn(panel), "</g>"]
    return "\n".join([*lines, "</svg>"])


def _last(curve: Curve) -> str:
    return _number(curve.points[-1][1]) if curve.points else ""


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else str(value)


class _Scale:
    """Round numbers around some values, along a stretch of pixels."""

    def __init__(
        self, values: Sequence[float], start: float, end: float, whole: bool, room: float, height: float = 0.0
    ) -> None:
        self.start, self.end = start, end
        least = min(values, default=0.0)
        self.logarithmic = room > 0 and least > 0 and max(values) / least >= _LOGARITHMIC
        scaled = [math.log10(v) for v in values] if self.logarithmic else values
        low, high = min(scaled, default=0.0), max(scaled, default=1.0)
        self.only = None  # a value that never changes: the scale names no other
        if high - low <= 1e-9 * max(abs(low), abs(high)):
            half = 0.5 if whole else 0.1 * (abs(low) or 1)
            self.only = None if whole or not values else values[0]
            low, high = low - half, high + half
        elif not self.logarithmic:
            half = max(0.0, height * abs(high) - (high - low)) / 2
            low, high = low - half, high + half
        spare = room * (high - low)
        self.low = 0.0 if not self.logarithmic and 0 <= low < spare else low - spare
        self.high = high + spare
        self.step = self._step(whole or self.logarithmic)

    def _step(self, whole: bool) -> float:
        rough = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(rough))
        step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
        return max(1.0, round(step)) if whole else step

    def place(self, value: float) -> float:
        at = math.log10(value) if self.logarithmic else value
        return self.start + (self.end - self.start) * (at - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Whether there is a place for this value."""
        if not math.isfinite(value) or (self.logarithmic and value <= 0):
            return False
        return self.low <= (math.log10(value) if self.logarithmic else value) <= self.high

    def ticks(self) -> Iterator[tuple[float, str]]:
        if self.only is not None:
            yield self.only, _number(self.only)
            return
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        for i in range(first, last + 1):
            at = i * self.step
            if self.logarithmic:
                yield 10**at, f"{10.0**at:g}"
            else:
                small = 0 < self.step < 1e-4 or abs(self.high) >= 1e6
                yield at, f"{at:g}" if small else f"{at:,.{digits}f}"


def _drawn(panel: Panel) -> Iterator[str]:
    curves = [dataclasses.replace(curve, points=_thinned(curve.points)) for curve in panel.curves]
    places = panel.span or [x for c in curves for x, _ in c.points]
    across = _Scale(places, _LEFT, WIDTH - _RIGHT, whole=True, room=0.0)
    counted = [y for curve in curves for _, y in _counted(curve, panel) if math.isfinite(y)]
    up = _Scale(counted, _HEIGHT - _BOTTOM, _TOP, whole=False, room=0.06, height=panel.least)
    note = " (logarithmic)" if up.logarithmic else ""
    title = panel.title + note
    size = min(13.0, (WIDTH - _LEFT) / (BOLD * text_width(title or " ", 1)))
    yield f'<text x="{_LEFT}" y="17" font-size="{size:.3g}" font-weight="600">{escape(title)}</text>'
    yield _legend(panel.curves, panel.title)
    for value, name in up.ticks():
        y = up.place(value)
        yield f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="currentColor" opacity="0.18"/>'
        size = min(11.0, 11.0 * (_LEFT - 6) / text_width(name, 11))
        yield _text(_LEFT - 6, y + 3.5, name, "end", size)
    for value, name in across.ticks():
        yield _text(across.place(value), _HEIGHT - _BOTTOM + 15, name, "middle")
    yield _text((_LEFT + WIDTH - _RIGHT) / 2, _HEIGHT - 7, panel.x, "middle")
    for x, words in panel.breaks:
        place = f"M{across.place(x):.1f} {_TOP}V{_HEIGHT - _BOTTOM}"
        yield f'<path d="{place}" stroke="currentColor" opacity="0.6"><title>{escape(words)}</title></path>'
    parts = [border.x for border in panel.breaks]
    last = max([x for x in parts if x < max(places, default=0.0)], default=-math.inf)
    for curve in curves:
        restarts = curve.restarts if _LEAST_STRETCH * len(curve.restarts) <= len(curve.points) else ()
        yield from _traced(curve, across, up, [*restarts, *parts], last)
    yield from _numbered(parts, across)


def _numbered(parts: Sequence[float], across: _Scale) -> Iterator[str]:
    """Which of several runs each part of a chart is, above it; the number alone where there is no room for more."""
    places = [across.start, *[across.place(x) for x in parts], across.end]
    for i, (start, end) in enumerate(itertools.pairwise(places) if parts else (), 1):
        names = [name for name in (f"run {i}", str(i)) if text_width(name, 10) + 4 <= end - start]
        for name in names[:1]:
            yield _text((start + end) / 2, _TOP - 1, name, "middle", 10)


def _counted(curve: Curve, panel: Panel) -> Sequence[tuple[float, float]]:
    """The points of a curve that its scale is for; where training hasn't settled yet, all but the first."""
    if not panel.settling or len(curve.points) < 2:
        return curve.points
    begins = [curve.points[0][0], *[each.x + 1 for each in panel.breaks]]
    found = [(x, y) for x, y in curve.points if x - max([at for at in begins if at <= x]) >= panel.settling]
    return found if len(found) >= _FEW else curve.points[1:]


def _legend(curves: Sequence[Curve], title: str) -> str:
    """Names and last values; where there is no room for all, the latter of the last curves alone."""
    names = ["" if len(curves) == 1 and title.startswith(curve.name) else curve.name for curve in curves]
    values = [_last(curve) for curve in curves]
    for i in range(len(curves)):
        if _legend_width(names, values) > WIDTH - 2 * _MARGIN:
            values[i] = ""
    start = max(_MARGIN, min(_LEFT, WIDTH - _MARGIN - _legend_width(names, values)))
    keys = [
        f'<tspan fill="{_COLORS[curve.role]}" dx="{12 if i else 0}">●</tspan><tspan dx="4">{escape(name)}</tspan>'
        f'<tspan dx="5" font-weight="600">{value}</tspan>'
        for i, (curve, name, value) in enumerate(zip(curves, names, values))
    ]
    return f'<text x="{start:.0f}" y="35" font-size="11">{"".join(keys)}</text>'


def _legend_width(names: Sequence[str], values: Sequence[str]) -> float:
    words = sum([text_width(name, 11) for name in names]) + BOLD * sum([text_width(value, 11) for value in values])
    return words + _KEY * len(names)


def _traced(curve: Curve, across: _Scale, up: _Scale, breaks: Sequence[float], last: float) -> Iterator[str]:
    """The lines and points of a curve; those up to `last`, of runs before the last one, are fainter."""
    color = _COLORS[curve.role]
    stretches: list[tuple[bool, list[str]]] = [(False, [])]  # is it of a run before the last one?
    before = -math.inf
    for x, y in curve.points:
        if any([before <= each < x for each in breaks]):
            stretches.append((x <= last, []))
        before = x
        if up.holds(y):
            if not stretches[-1][1]:
                stretches[-1] = x <= last, []
            stretches[-1][1].append(f"{across.place(x):.1f},{up.place(y):.1f}")
        elif stretches[-1][1]:
            stretches.append((x <= last, []))
    for is_former, stretch in stretches:
        if len(stretch) > 1:
            shape = f'fill="none" stroke="{color}" stroke-width="1.8" stroke-linejoin="round"'
            faint = f' opacity="{_FORMER}"' if is_former else ""
            yield f'<polyline points="{" ".join(stretch)}" {shape}{faint}/>'
    for x, y in curve.points:
        place, faint = f"{across.place(x):.1f}", f' opacity="{_FORMER}"' if x <= last else ""
        said = f"<title>{escape(curve.name)} {_number(y)} at {x:g}</title>"
        if not math.isfinite(y):
            yield f'<path d="M{place} {_TOP}l-4 -7h8z" fill="{_FLAW}">{said}</path>'
        elif not up.holds(y):
            is_above = y > 0 and up.place(y) < _TOP
            edge = f"{_TOP}l-3 5h6z" if is_above else f"{_HEIGHT - _BOTTOM}l-3 -5h6z"
            yield f'<path d="M{place} {edge}" fill="{color}">{said}</path>'
        elif len(curve.points) <= _MARKED:
            yield f'<circle cx="{place}" cy="{up.place(y):.1f}" r="2.6" fill="{color}"{faint}>{said}</circle>'


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Of many points, the least and the greatest of each stretch, whatever isn't finite, and the last."""
    if len(points) <= _MOST_POINTS:
        return points
    each = -(-2 * len(points) // _MOST_POINTS)
    found: dict[int, None] = {}
    for start in range(0, len(points), each):
        indices = range(start, min(start + each, len(points)))
        finite = [i for i in indices if math.isfinite(points[i][1])]
        if finite:
            extremes = {min(finite, key=lambda i: points[i][1]), max(finite, key=lambda i: points[i][1])}
            found |= dict.fromkeys(sorted(extremes))
        if len(finite) < len(indices):
            found[next(i for i in indices if not math.isfinite(points[i][1]))] = None
    return [points[i] for i in sorted({*found, len(points) - 1})]


def _text(x: float, y: float, text: str, anchor: str, size: float = 11.0) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:.3g}"'
    return f'<text {place} opacity="0.75">{escape(text)}</text>'
