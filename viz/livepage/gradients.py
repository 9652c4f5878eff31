"""How large the gradients of training steps are, measured as often as that is cheap."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import Variable

__all__ = ["GradientNorm"]

_EVERY = 0.1  # seconds between two measured steps, at least; less in the first half second
_SHARE = 0.005  # of the time that measuring may take


class GradientNorm:
    """Measures the L2 norm of all gradients of a step together.

    What counts is the last gradient of each variable: a gradient with respect to the data, as in a gradient penalty,
    isn't one that the weights get. Gradients on a GPU are left alone: reading them would make training wait.

    Attributes:
        measures: whether there has been a norm yet.
    """

    def __init__(self) -> None:
        self.measures = False
        self._next = self._cost = 0.0
        self._first: float | None = None  # when the first norm was known
        self._squares: dict[int, float] = {}

    def hear(self, sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over; where a step has several, all are measured or none."""
        began = time.perf_counter()
        if began < self._next and not self._squares:
            return
        with numpy.errstate(all="ignore"):
            for source, result in zip(sources, results, strict=True):
                array = getattr(result, "data", None)
                if (
                    isinstance(source, Variable)
                    and isinstance(array, (numpy.ndarray, numpy.generic))
                    and array.dtype.kind == "f"
                ):
                    self._squares[id(source)] = _square(array)
        self._cost += time.perf_counter() - began

    def end_step(self) -> float | None:
        """The norm in the step that ends here; None where it wasn't measured."""
        if not self._squares:
            return None
        norm = math.sqrt(sum(self._squares.values()))
        now = time.perf_counter()
        if self._first is None:
            self._first = now
        self._next = now + max(min(_EVERY, (now - self._first) / 5), self._cost / _SHARE)
        self._squares, self._cost, self.measures = {}, 0.0, True
        return norm


def _square(array: Any) -> float:
    flat = array.ravel()
    return float(numpy.dot(flat, flat)) if array.itemsize > 2 else float(numpy.square(flat, dtype=numpy.float32).sum())
