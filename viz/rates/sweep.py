"""`LearningRates`: the loss at each of many learning rates, one number made of them, and its reason."""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy

from viz.picture.notebook_theme import on_any_ground
from viz.picture.palette import Theme, theme_named
from viz.picture.rendering.raster import check_picture_name, write_picture
from viz.picture.svg_document import document, text_at

__all__ = ["LearningRates", "judged"]

_WINDOW = 7  # batches that are averaged
_SMALL = 0.2  # of the batches, at the beginning, have rates that are too small to matter
_NOISE = 3.0  # times the noise of a mean that a fall must have
_FALL = 0.01  # of the loss that a fall must have


_WIDTH, _HEIGHT, _MARGIN = 560, 330, 60


@dataclasses.dataclass(frozen=True)
class LearningRates:
    """The loss at each of many learning rates, as `viz.find_lr` returns it; notebooks show its picture.

    Attributes:
        rate: the suggested learning rate; None if the loss didn't fall at any rate.
        reason: why it is this one, with the numbers.
        rates: the rates that were tried, in increasing order.
        losses: the loss of one batch at each rate.
        smoothed: the losses, averaged over neighbours.
        lowest_at: the rate with the lowest smoothed loss.
        diverged_at: the rate at which the loss diverged and training was stopped; None if it didn't.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> import viz
    >>> x = np.random.default_rng(1).normal(size=(256, 4))
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> found = viz.find_lr(model, x, x @ [1.0, 2.0, 3.0, 4.0], steps=50)
    >>> found.rate < found.lowest_at, len(found.rates) == len(found.losses)
    (True, True)
    """

    rate: float | None
    reason: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    lowest_at: float
    diverged_at: float | None

    @property
    def svg(self) -> str:
        """The picture as SVG text: losses by rate, and the suggested rate."""
        return _drawn(self, "light")

    def draw(self, path: str | os.PathLike[str], theme: str = "light") -> pathlib.Path:
        """Writes the picture to a file.

        Args:
            path: the path of the file, which ends in `.svg`, `.png` or `.pdf`; PDF needs CairoSVG or librsvg.
            theme: `"light"` or `"dark"`.

        Raises:
            ValueError: for another ending or theme.
            RendererMissing: when no PNG can be made here.
        """
        check_picture_name(path)
        return write_picture(path, _drawn(self, theme))

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain data that fits into JSON."""
        return dataclasses.asdict(self)

    def __repr__(self) -> str:
        found = "no rate" if self.rate is None else f"learning rate {self.rate:.1e}"
        return f"<{found}: {self.reason}>"

    def _repr_html_(self) -> str:
        """For notebooks: the picture, in which the reason stands."""
        return on_any_ground(self.svg, _drawn(self, "dark"))


def judged(rates: Sequence[float], losses: Sequence[float], diverged: bool) -> LearningRates:
    """Choose a rate."""
    values = numpy.array(losses, "float64")
    finite = numpy.isfinite(values)
    kept = values[finite]
    tried = numpy.array(rates, "float64")[finite]
    smooth = _smoothed(kept)
    away = float(rates[-1]) if diverged else None

    def found(rate: float | None, reason: str, lowest: float) -> LearningRates:
        given = [tuple(map(float, each)) for each in (rates, losses, smooth)]
        return LearningRates(rate, reason, given[0], given[1], given[2], float(lowest), away)

    if len(kept) < _WINDOW:
        reason = f"the loss exploded after {len(kept)} batches: begin at a lower rate (low=...)"
        return found(None, reason, rates[0])
    small = max(3, int(_SMALL * len(kept)))
    base, noise = float(numpy.median(kept[:small])), _noise(kept[:small])
    lowest = int(smooth.argmin())
    fall = base - float(smooth[lowest])
    least = max(_NOISE * noise / math.sqrt(_WINDOW), _FALL * abs(base))
    if fall < least:
        reason = (
            f"the loss fell at no rate: {base:.4g} at the beginning, {smooth[lowest]:.4g} at best, and single batches "
            f"differ by {noise:.2g}"
        )
        return found(None, reason, tried[lowest])
    slopes = _slopes(numpy.log10(tried[: lowest + 1]), smooth[: lowest + 1])
    steepest = int(slopes.argmin())
    chosen = float(tried[steepest])
    words = f"the loss falls fastest at {chosen:.1e}"
    if chosen > tried[lowest] / 4:  # so near to where it turns, the next steps would go over it
        chosen = float(tried[lowest]) / 4
        words = f"a quarter of the rate at which the loss is lowest: {chosen:.1e}"
    end = f", and from {away:.1e} on it explodes" if away is not None else ""
    reason = f"{words}; it falls from {base:.4g} to {smooth[lowest]:.4g}, its lowest, at {tried[lowest]:.1e}{end}"
    return found(chosen, reason, tried[lowest])


def _smoothed(values: numpy.ndarray) -> numpy.ndarray:
    """Means over neighbours; fewer at the ends."""
    half = _WINDOW // 2
    means = [values[max(0, i - half) : i + half + 1].mean() for i in range(len(values))]
    return numpy.array(means)


def _noise(values: numpy.ndarray) -> float:
    """How much neighbours differ, as a standard deviation; a trend doesn't count."""
    return float(numpy.median(numpy.abs(numpy.diff(values)))) / (0.6745 * math.sqrt(2))


def _slopes(places: numpy.ndarray, values: numpy.ndarray) -> numpy.ndarray:
    """The slope of a line through what lies within half a decade around each place."""
    found = numpy.zeros(len(places))
    for i, place in enumerate(places):
        near = numpy.abs(places - place) <= 0.5
        if near.sum() >= 3:
            found[i] = numpy.polyfit(places[near], values[near], 1)[0]
    return found


def _drawn(found: LearningRates, theme: str) -> str:
    """An SVG document."""
    look, chosen = theme_named(theme), found.rate
    points = [(math.log10(r), v) for r, v in zip(found.rates, found.losses) if math.isfinite(v)]
    means = [(x, v) for (x, _), v in zip(points, found.smoothed)]
    scale = _Scale([x for x, _ in points] or [0.0], [v for _, v in means] or [0.0])
    title = "learning rate" if chosen is None else f"learning rate {chosen:.1e}"
    curve = " ".join([f"{scale.x(x):.1f},{scale.y(v):.1f}" for x, v in means])
    colors, reason = list(look.lines.values()), textwrap.wrap(found.reason, 92)[:2]
    lines = [
        text_at(14, 20, title, look.ink, 13),
        *[text_at(14, 36 + 13 * i, line, look.muted, 10) for i, line in enumerate(reason)],
        *_scales(scale, look),
        *[f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(v):.1f}" r="2" fill="{look.muted}"/>' for x, v in points],
        f'<polyline points="{curve}" fill="none" stroke="{colors[0]}" stroke-width="2"/>',
    ]
    if chosen is not None:
        x = scale.x(math.log10(chosen))
        lines.append(f'<path d="M{x:.1f} {_MARGIN} V{_HEIGHT - _MARGIN}" stroke="{colors[1]}" stroke-dasharray="4 3"/>')
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
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * (rate - self.left) / (self.right - self.left)

    def y(self, loss: float) -> float:
        part = min(1.0, max(0.0, (loss - self.low) / (self.high - self.low)))
        return _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * part


def _scales(scale: _Scale, look: Theme) -> list[str]:
    lines = []
    for power in range(scale.left, scale.right + 1):
        x = scale.x(power)
        lines.append(f'<path d="M{x:.1f} {_MARGIN} V{_HEIGHT - _MARGIN}" stroke="{look.frame}"/>')
        lines.append(text_at(x, _HEIGHT - _MARGIN + 14, f"{10.0**power:g}", look.muted, 9, "middle"))
    for i in range(5):
        value = scale.low + (scale.high - scale.low) * i / 4
        y = scale.y(value)
        lines.append(f'<path d="M{_MARGIN} {y:.1f} H{_WIDTH - _MARGIN}" stroke="{look.frame}"/>')
        lines.append(text_at(_MARGIN - 6, y + 3, f"{value:.3g}", look.muted, 9, "end"))
    lines.append(text_at(_WIDTH / 2, _HEIGHT - _MARGIN + 34, "learning rate", look.muted, 10, "middle"))
    return lines
