"""Bar charts as SVG."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from viz.geometry.text_sizes import text_width
from viz.picture.palette import Theme, theme_named
from viz.picture.svg_document import document, text_at

__all__ = ["Bar", "bars"]

_ROW, _LENGTH = 20, 360
_MUCH = 30  # times as large: on an even scale, the smaller would be a dot


@dataclasses.dataclass(frozen=True)
class Bar:
    """One bar: its name, its length, what is written after it, whether it is to stand out, and a tooltip."""

    name: str
    value: float
    text: str = ""
    marked: bool = False
    tooltip: str = ""


class _Scale(NamedTuple):
    """How long bars are, as parts of the width, and where lines with numbers are drawn."""

    part: Callable[[float], float]
    marks: list[tuple[float, str]]


def bars(title: str, rows: Sequence[Bar], theme: str = "light", linear: bool | None = False) -> str:
    """Horizontal bars on a logarithmic scale, with a line for each power of ten.

    Args:
        title: what stands above.
        rows: the bars. Zero and what is not finite has no length.
        theme: `"light"` or `"dark"`.
        linear: whether the scale is an even one that begins at 0; None: where no bar is 30 times as long as another.

    Raises:
        ValueError: for another theme.
    """
    look = theme_named(theme)
    left = max([text_width(row.name, 11) for row in rows], default=0) + 20
    right = max([text_width(row.text, 10) for row in rows], default=0) + 24
    sizes = [v for row in rows if math.isfinite(v := row.value) and v > 0]
    if linear is None:
        linear = max(sizes, default=1.0) <= _MUCH * min(sizes, default=1.0)
    scale = (_even if linear else _logarithmic)(sizes)
    height = 62 + _ROW * len(rows)
    width = max(left + _LENGTH + right, text_width(title, 14) + 40)
    lines = [
        text_at(14, 22, title, look.ink, 14),
        *_lines(left, scale, height, look),
        *[_bar(row, i, left, scale, look) for i, row in enumerate(rows)],
    ]
    return document(title, width, height, look, lines)


def _logarithmic(values: Sequence[float]) -> _Scale:
    """From a power of ten below all values to one above."""
    shown = [math.log10(value) for value in values] or [0.0, 1.0]
    low, high = math.floor(min(shown)), math.ceil(max(shown))
    low, high = (low - 1 if low == min(shown) else low), max(high, low + 1)
    powers = range(low, high + 1, max(1, (high - low) // 6))
    names = {power: f"{10.0**power:,.4g}" if -3 <= power <= 4 else f"1e{power}" for power in powers}
    return _Scale(
        lambda value: (math.log10(value) - low) / (high - low),
        [((power - low) / (high - low), name) for power, name in names.items()],
    )


def _even(values: Sequence[float]) -> _Scale:
    """From 0 to the largest value, with lines at round numbers."""
    high = max(values, default=1.0)
    rough = high / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * part for part in (1, 2, 5, 10) if unit * part >= rough)
    numbers = [step * i for i in range(int(high / step + 1e-9) + 1)]
    return _Scale(lambda value: value / high, [(number / high, f"{number:,.4g}") for number in numbers])


def _lines(left: float, scale: _Scale, height: int, look: Theme) -> list[str]:
    lines = []
    for part, name in scale.marks:
        x = left + _LENGTH * part
        lines.append(f'<path d="M{x:.1f} 46 V{height - 8}" stroke="{look.frame}" stroke-width="1"/>')
        lines.append(text_at(x, 42, name, look.muted, 9, "middle"))
    return lines


def _bar(row: Bar, number: int, left: float, scale: _Scale, look: Theme) -> str:
    y = 52 + _ROW * number
    length = 0.0
    if row.value > 0 and math.isfinite(row.value):
        length = max(2.0, _LENGTH * scale.part(row.value))
    fill = look.error[1] if row.marked else look.lines["gradient"]
    return (
        f'<g class="bar"><title>{escape(row.tooltip or row.name)}</title>'
        f"{text_at(left - 8, y + 12, row.name, look.ink, 11, 'end')}"
        f'<rect x="{left:.1f}" y="{y}" width="{length:.1f}" height="{_ROW - 5}" fill="{fill}" rx="2"/>'
        f"{text_at(left + length + 6, y + 12, row.text, look.muted, 10)}</g>"
    )
