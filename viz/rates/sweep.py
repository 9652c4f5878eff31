"""`LearningRates`: the loss at each of many learning rates, one number made of them, and its reason."""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy

from viz.picture.notebook_theme import on_any_ground
from viz.picture.rendering.raster import check_picture_name, write_picture
from viz.rates.picture import drawn

__all__ = ["LearningRates", "judged"]

_WINDOW = 7  # batches that are averaged
_SMALL = 0.2  # of the batches, at the beginning, have rates that are too small to matter
_NOISE = 3.0  # times the noise of a mean that a fall must have
_FALL = 0.01  # of the loss that a fall must have
_BELOW = 0.25  # of the rate at which the loss is lowest: the largest that is chosen
_SLOPE = 0.5  # decades of rates over which a slope is taken


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
        return drawn(self.rates, self.losses, self.smoothed, self.rate, self.reason, "light")

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
        made = drawn(self.rates, self.losses, self.smoothed, self.rate, self.reason, theme)
        return write_picture(path, made)

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain data that fits into JSON."""
        return dataclasses.asdict(self)

    def __repr__(self) -> str:
        found = "no rate" if self.rate is None else f"learning rate {self.rate:.1e}"
        return f"<{found}: {self.reason}>"

    def _repr_html_(self) -> str:
        """For notebooks: the picture, in which the reason stands."""
        dark = drawn(self.rates, self.losses, self.smoothed, self.rate, self.reason, "dark")
        return on_any_ground(self.svg, dark)


def judged(rates: Sequence[float], losses: Sequence[float], diverged: bool) -> LearningRates:
    """Choose a rate."""
    values = numpy.array(losses, "float64")
    finite = numpy.isfinite(values)
    kept = values[finite]
    tried = numpy.array(rates, "float64")[finite]
    smooth = _smoothed(kept)
    away = float(rates[-1]) if diverged else None
    if len(kept) < _WINDOW:
        reason = f"the loss exploded after {len(kept)} batches: begin at a lower rate (low=...)"
        return _made(None, reason, rates, losses, smooth, float(rates[0]), away)
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
        return _made(None, reason, rates, losses, smooth, float(tried[lowest]), away)
    slopes = _slopes(numpy.log10(tried[: lowest + 1]), smooth[: lowest + 1])
    steepest = int(slopes.argmin())
    chosen = float(tried[steepest])
    words = f"the loss falls fastest at {chosen:.1e}"
    if chosen > _BELOW * tried[lowest]:  # so near to where it turns, the next steps would go over it
        chosen = _BELOW * float(tried[lowest])
        words = f"a quarter of the rate at which the loss is lowest: {chosen:.1e}"
    end = f", and from {away:.1e} on it explodes" if away is not None else ""
    reason = f"{words}; it falls from {base:.4g} to {smooth[lowest]:.4g}, its lowest, at {tried[lowest]:.1e}{end}"
    return _made(chosen, reason, rates, losses, smooth, float(tried[lowest]), away)


def _made(
    rate: float | None, reason: str, rates: Any, losses: Any, smooth: Any, lowest: float, away: float | None
) -> LearningRates:
    given = [tuple([float(v) for v in each]) for each in (rates, losses, smooth)]
    return LearningRates(rate, reason, given[0], given[1], given[2], lowest, away)


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
        near = numpy.abs(places - place) <= _SLOPE
        if near.sum() >= 3:
            found[i] = numpy.polyfit(places[near], values[near], 1)[0]
    return found
