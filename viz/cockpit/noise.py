"""The gradient noise scale: from which batch size on larger batches hardly help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

__all__ = ["Noise", "NoiseMean", "mean_of", "noise_of", "product"]


class Noise(NamedTuple):
    """What the gradients of parts of one batch tell."""

    variance: float  # the trace of the covariance of a single row's gradient
    squared: float  # the squared length of the gradient over all data


def product(a: Sequence[Any], b: Sequence[Any]) -> float:
    """The scalar product of two gradients (or steps), each given as one array per weight."""
    return float(sum([numpy.vdot(x, y) for x, y in zip(a, b, strict=True)]))


def mean_of(gradients: Sequence[Sequence[Any]]) -> list[Any]:
    """The mean of several gradients."""
    return [sum(arrays[1:], start=arrays[0]) / len(arrays) for arrays in zip(*gradients, strict=True)]


def noise_of(gradients: Sequence[Sequence[Any]], rows: int) -> Noise:
    """Unbiased estimates from the mean gradients of equal parts of a batch.

    Args:
        gradients: two or more, each the mean over `rows` other rows.
        rows: of each part.

    Source: McCandlish, Kaplan and Amodei, "An empirical model of large-batch training", 2018, appendix A.1, for any
    number of parts.

    >>> noise_of([[numpy.array([3.0])], [numpy.array([1.0])]], rows=4)
    Noise(variance=8.0, squared=3.0)
    """
    parts = len(gradients)
    whole = mean_of(gradients)
    squared = product(whole, whole)
    spread = sum(product(g, g) for g in gradients) - parts * squared
    variance = max(0.0, rows * spread / (parts - 1))
    return Noise(variance, squared - variance / (parts * rows))


class NoiseMean:
    """Means of both estimates over time, since their ratio in a single step says little."""

    def __init__(self, keeps: float = 0.9) -> None:
        self._keeps = keeps
        self._weight = self._variance = self._squared = 0.0

    def add(self, noise: Noise) -> None:
        """Take in the estimates of a step."""
        if not (math.isfinite(noise.variance) and math.isfinite(noise.squared)):
            return
        keeps = self._keeps
        self._weight = keeps * self._weight + 1 - keeps
        self._variance = keeps * self._variance + (1 - keeps) * noise.variance
        self._squared = keeps * self._squared + (1 - keeps) * noise.squared

    @property
    def scale(self) -> float:
        """The noise scale, in rows; infinite where no gradient stands out from the noise, NaN before anything came."""
        if not self._weight:
            return math.nan
        return self._variance / self._squared if self._squared > 0 else math.inf
