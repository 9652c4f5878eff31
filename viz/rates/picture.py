"""The picture of `find_lr`: losses over learning rates, the rates on a logarithmic scale."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from viz.picture.palette import Theme, theme_named
from viz.picture.svg_document import document, text_at

__all__ = ["drawn"]

_WIDTH, _HEIGHT = 560, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 18, 62, 44


def drawn(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    chosen: float | None,
    reason: str,
    theme: str,
) -> str:
    """An SVG document."""
    look = theme_named(theme)
    points = [(math.log10(r), v) for r, v in zip(rates, losses) if math.isfinite(v)]
    means = [(x, v) for (x, _), v in zip(points, smoothed)]
    scale = _Scale([x for x, _ in points] or [0.0], [v for _, v in means] or [0.0])
    title = "learning rate" if chosen is None else f"learning rate {chosen:.1e}"
    curve = " ".join([f"{scale.x(x):.1f},{scale.y(v):.1f}" for x, v in means])
    colors = list(look.lines.values())
    lines = [
        text_at(14, 20, title, look.ink, 13),
        *[text_at(14, 36 + 13 * i, line, look.muted, 10) for i, line in enumerate(textwrap.wrap(reason, 92)[:2])],
        *_scales(scale, look),
        *[f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(v):.1f}" r="2" fill="{look.muted}"/>' for x, v in points],
        f'<polyline points="{curve}" fill="none" stroke="{colors[0]}" stroke-width="2"/>',
    ]
    if chosen is not None:
        x = scale.x(math.log10(chosen))
        lines.append(f'<path d="M{x:.1f} {_TOP} V{_HEIGHT - _BOTTOM}" stroke="{colors[1]}" stroke-dasharray="4 3"/>')
    return document(title, _WIDTH, _HEIGHT, look, lines)


class _Scale:
    """Places of rates (their logarithms) and losses in the picture. Single losses above the scale stay at its top."""

    def __init__(self, rates: Sequence[float], losses: Sequence[float]) -> None:
        self.left, self.right = math.floor(min(rates) + 1e-9), math.ceil(max(rates) - 1e-9)
        self.right = max(self.right, self.left + 1)
        low, high = min(losses), min(max(losses), losses[0] + 1.5 * (losses[0] - min(losses)) + 1e-12)
        room = 0.08 * ((high - low) or 1.0)
        self.low, self.high = low - room, high + room

    def x(self, rate: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (rate - self.left) / (self.right - self.left)

    def y(self, loss: float) -> float:
        part = min(1.0, max(0.0, (loss - self.low) / (self.high - self.low)))
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * part


def _scales(scale: _Scale, look: Theme) -> list[str]:
    lines = []
    for power in range(scale.left, scale.right + 1):
        x = scale.x(power)
        lines.append(f'<path d="M{x:.1f} {_TOP} V{_HEIGHT - _BOTTOM}" stroke="{look.frame}"/>')
        lines.append(text_at(x, _HEIGHT - _BOTTOM + 14, f"{10.0**power:g}", look.muted, 9, "middle"))
    for i in range(5):
        value = scale.low + (scale.high - scale.low) * i / 4
        y = scale.y(value)
        lines.append(f'<path d="M{_LEFT} {y:.1f} H{_WIDTH - _RIGHT}" stroke="{look.frame}"/>')
        lines.append(text_at(_LEFT - 6, y + 3, f"{value:.3g}", look.muted, 9, "end"))
    lines.append(text_at((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, "learning rate", look.muted, 10, "middle"))
    return lines
