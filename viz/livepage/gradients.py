"""How large the gradients of training steps are, measured as often as that is cheap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from viz.frameworks.objects import is_variable
from viz.livepage.server.messages import PACE

__all__ = ["GradientNorm"]

_EVERY = PACE / 2  # seconds between two measured steps, at least; less in the first half second
_SHARE = 0.005  # of the time that measuring may take


class GradientNorm:
    """Measures the L2 norm of all gradients of a step together, or of each network where several learn in one step.

    What counts is the last gradient of each variable: a gradient with respect to the data, as in a gradient penalty,
    isn't one that the weights get. Gradients on a GPU are left alone: reading them would make training wait.

    What measuring costs is counted in the time of this thread's processor: on a machine that is busy with something
    else, a thread may stand still for long, and a norm that seems dear would be followed by none for seconds.

    Args:
        point: called with the name of a network, the step and the norm.

    Attributes:
        measures: whether there has been a norm yet.
    """

    def __init__(self, point: Callable[[str, int, float], None]) -> None:
        self.measures = False
        self._point = point
        self._next = self._cost = 0.0
        self._first: float | None = None  # when the first norm was known
        self._measured_now = False  # whether this step is
        self._more = 0  # steps that are measured with the last one, as they are of one round
        self._squares: dict[int, float] | None = None  # of this step, by the ids of variables; before it begins None
        self._passes: list[dict[int, Any]] = []  # the variables of each network in this step, by their ids

    def hear(self, sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over; where a step has several, all are measured or none."""
        if self._squares is None:
            self._squares = {}
            self._measured_now = self._more > 0 or time.perf_counter() >= self._next
        if not self._measured_now:
            return
        began = time.thread_time()
        measured = dict[int, Any]()
        with numpy.errstate(all="ignore"):
            for source, result in zip(sources, results, strict=True):
                array = getattr(result, "data", None)
                is_array = isinstance(array, (numpy.ndarray, numpy.generic)) and array.dtype.kind == "f"
                if is_array and is_variable(source):
                    self._squares[id(source)] = _square(array)
                    measured[id(source)] = source
        for other in [each for each in self._passes if not measured.keys().isdisjoint(each)]:
            self._passes.remove(other)
            measured = other | measured
        self._passes += [measured] if measured else []
        self._cost += time.thread_time() - began

    def end_step(self, step: int, name_of: Callable[[Any], str], in_round: int = 1) -> None:
        """A step ends: its norms are told, where they were measured.

        Args:
            step: its number.
            name_of: gives the name of the network that a variable belongs to, "" where it isn't known.
            in_round: how many steps have a pass of each network, where some learn less often than others. They are
                measured one after the other: steps at equal intervals might always be those of the same network.
        """
        passes, squares = self._passes, self._squares or {}
        self.forget_step()
        if not passes:
            return
        self._more = self._more - 1 if self._more > 0 else in_round - 1
        sums = dict[str, float]()  # of squares, by network
        for variables in passes:
            name = name_of(next(iter(variables.values())))
            sums[name] = sums.get(name, 0.0) + sum([squares[number] for number in variables])
        for name, found in sums.items():
            self._point(name, step, math.sqrt(found))
        now = time.perf_counter()
        if self._first is None:
            self._first = now
        self._next = now + max(min(_EVERY, (now - self._first) / 5), self._cost / _SHARE)
        self._cost, self.measures = 0.0, True

    @property
    def networks(self) -> int:
        """How many networks this step's passes were of."""
        return len(self._passes)

    def forget_step(self) -> None:
        """What was heard so far belongs to no step that goes on."""
        self._squares, self._passes = None, []


def _square(array: Any) -> float:
    flat = array.ravel()
    return float(numpy.dot(flat, flat)) if array.itemsize > 2 else float(numpy.square(flat, dtype=numpy.float32).sum())
