"""A waterfall as SVG: from one number to another, step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from viz.geometry.text_sizes import text_width
from viz.picture.palette import Theme, theme_named
from viz.picture.svg_document import document

__all__ = ["waterfall"]

_ROW, _LENGTH, _TOP = 26, 420, 44


def waterfall(
    title: str, begin: tuple[str, float], steps: Sequence[tuple[str, float]], end: tuple[str, float], theme: str
) -> str:
    """Bars from zero for the two numbers, and between them a bar for each step from where the last one stopped."""
    look = theme_named(theme)
    rows = _rows(begin, steps, end)
    names = [name for name, *_ in rows]
    left = max([text_width(name, 12) for name in names]) + 24
    values = [0.0, *[x for _, start, stop, *_ in rows for x in (start, stop)]]
    low, high = min(values), max(values)
    scale = _LENGTH / (high - low) if high > low else 0.0
    width = max(left + _LENGTH + 90, text_width(title, 14) + 40)
    height = _TOP + _ROW * len(rows) + 14
    zero = left - low * scale
    lines = [
        f'<text x="14" y="24" font-size="14" fill="{look.ink}">{escape(title)}</text>',
        f'<path d="M{zero:.1f} {_TOP - 6} V{height - 8}" stroke="{look.frame}" stroke-width="1"/>',
    ]
    for i, (name, start, stop, text, kind) in enumerate(rows):
        y, ends = _TOP + _ROW * i, (zero + start * scale, zero + stop * scale)
        lines.append(_bar(name, text, ends, y, left, _fill(kind, look), look))
        if i < len(rows) - 1:
            at = zero + stop * scale
            lines.append(
                f'<path d="M{at:.1f} {y + _ROW - 6} V{y + _ROW}" stroke="{look.muted}" stroke-dasharray="2 2"/>'
            )
    return document(title, width, height, look, lines)


def _rows(
    begin: tuple[str, float], steps: Sequence[tuple[str, float]], end: tuple[str, float]
) -> list[tuple[str, float, float, str, str]]:
    """Name, where the bar starts and stops, its text, and its kind."""
    at = _drawn(begin[1])
    rows = [(begin[0], 0.0, at, f"{begin[1]:.4g}", "whole")]
    for name, value in steps:
        after = at + _drawn(value)
        rows.append((name, at, after, f"{value:+.4g}", "up" if value >= 0 else "down"))
        at = after
    return [*rows, (end[0], 0.0, _drawn(end[1]), f"{end[1]:.4g}", "whole")]


def _drawn(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _fill(kind: str, look: Theme) -> str:
    return {"whole": look.lines["data"], "down": look.lines["update"], "up": look.lines["gradient"]}[kind]


def _bar(name: str, text: str, ends: tuple[float, float], y: int, left: float, fill: str, look: Theme) -> str:
    first, last = min(ends), max(ends)
    return (
        f'<g class="bar"><title>{escape(f"{name}: {text}")}</title>'
        f'<text x="{left - 10:.1f}" y="{y + 14}" font-size="12" fill="{look.ink}" text-anchor="end">'
        f"{escape(name)}</text>"
        f'<rect x="{first:.1f}" y="{y}" width="{max(1.5, last - first):.1f}" height="{_ROW - 6}" fill="{fill}" rx="2"/>'
        f'<text x="{last + 6:.1f}" y="{y + 14}" font-size="11" fill="{look.muted}">{escape(text)}</text></g>'
    )
