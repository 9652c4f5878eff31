"""Bar charts as SVG."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from viz.geometry.text_sizes import text_width
from viz.picture.palette import Theme, theme_named
from viz.picture.svg_document import document

__all__ = ["Bar", "bars"]

_ROW, _LENGTH = 20, 360


@dataclasses.dataclass(frozen=True)
class Bar:
    """One bar: its name, its length, what is written after it, whether it is to stand out, and a tooltip."""

    name: str
    value: float
    text: str = ""
    marked: bool = False
    tooltip: str = ""


def bars(title: str, rows: Sequence[Bar], theme: str = "light") -> str:
    """Horizontal bars on a logarithmic scale, with a line for each power of ten.

    Args:
        title: what stands above.
        rows: the bars. Zero and what is not finite has no length.
        theme: `"light"` or `"dark"`.

    Raises:
        ValueError: for another theme.
    """
    look = theme_named(theme)
    left = max([text_width(row.name, 11) for row in rows], default=0) + 20
    right = max([text_width(row.text, 10) for row in rows], default=0) + 24
    low, high = _decades([row.value for row in rows])
    height = 62 + _ROW * len(rows)
    width = max(left + _LENGTH + right, text_width(title, 14) + 40)
    lines = [
        f'<text x="14" y="22" font-size="14" fill="{look.ink}">{escape(title)}</text>',
        *_scale(left, low, high, height, look),
        *[_bar(row, i, left, low, high, look) for i, row in enumerate(rows)],
    ]
    return document(title, width, height, look, lines)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around all values."""
    shown = [math.log10(value) for value in values if value > 0 and math.isfinite(value)]
    if not shown:
        return 0, 1
    low, high = math.floor(min(shown)), math.ceil(max(shown))
    return (low - 1 if low == min(shown) else low), max(high, low + 1)


def _scale(left: float, low: int, high: int, height: int, look: Theme) -> list[str]:
    step = max(1, (high - low) // 6)
    lines = []
    for power in range(low, high + 1, step):
        x = left + _LENGTH * (power - low) / (high - low)
        lines.append(f'<path d="M{x:.1f} 46 V{height - 8}" stroke="{look.frame}" stroke-width="1"/>')
        lines.append(
            f'<text x="{x:.1f}" y="42" font-size="9" fill="{look.muted}" text-anchor="middle">1e{power}</text>'
        )
    return lines


def _bar(row: Bar, number: int, left: float, low: int, high: int, look: Theme) -> str:
    y = 52 + _ROW * number
    length = 0.0
    if row.value > 0 and math.isfinite(row.value):
        length = max(2.0, _LENGTH * (math.log10(row.value) - low) / (high - low))
    fill = look.error[1] if row.marked else look.lines["gradient"]
    text_at = left + length + 6
    return (
        f'<g class="bar"><title>{escape(row.tooltip or row.name)}</title>'
        f'<text x="{left - 8:.1f}" y="{y + 12}" font-size="11" fill="{look.ink}" text-anchor="end">'
        f"{escape(row.name)}</text>"
        f'<rect x="{left:.1f}" y="{y}" width="{length:.1f}" height="{_ROW - 5}" fill="{fill}" rx="2"/>'
        f'<text x="{text_at:.1f}" y="{y + 12}" font-size="10" fill="{look.muted}">{escape(row.text)}</text></g>'
    )
