"""Steps of several batches at the same time, in captured predictions and evaluations."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from eagerflow.capture.function import Captured
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.kernels.machine.threads import get_num_threads
from eagerflow.training.captured.steps import counted

__all__ = ["Ahead", "ahead"]


_ROUNDS = 16  # that threads do without waiting for each other, at most
_AT_ONCE = 0.02  # seconds that rounds may take together: a progress bar stands still meanwhile


class Ahead:
    """Takes some batches for each thread, and computes what is captured of their steps at the same time.

    Args:
        captured: that part of a step, a function of the model and the parts of a batch.
        model: the model.
        parts: how many parts of a batch it takes: 1 is `x` alone.
        step: makes the whole step for a batch.
        rest: makes what is left of the step, from the parts of the batch and what `captured` gave.
    """

    def __init__(
        self,
        captured: Captured[..., Any],
        model: Any,
        parts: int,
        step: Callable[[Any], Any],
        rest: Callable[[Any, Any], Any],
    ) -> None:
        self._captured, self._model, self._parts, self._step, self._rest = captured, model, parts, step, rest
        self._found = deque[Any]()
        self._rounds = 1 if get_num_threads() > 1 else 2  # one batch alone is no group to be timed

    def over(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The batches, each of which is to be given to `__call__` before the next is asked for."""
        batches = iter(batches)
        while group := list(islice(batches, get_num_threads() * self._rounds)):
            if len(group) > 1:
                self._compute(group)
            while group:
                yield group.pop(0)

    def _compute(self, group: list[Any]) -> None:
        """Compute as many of the first batches of a group as can be at the same time; the others are left for later."""
        calls = [(self._model, *unpack_x_y_sample_weight(data)[: self._parts]) for data in group]
        start = time.perf_counter()
        found = self._captured.side_by_side(calls)
        self._found.extend(found)
        if found:
            took = (time.perf_counter() - start) * get_num_threads() / len(found)
            self._rounds = min(_ROUNDS, max(1, int(_AT_ONCE / took)))

    def __call__(self, data: Any) -> Any:
        """What the step gives for a batch. At the beginning, and with too few batches left, it runs by itself."""
        return self._rest(unpack_x_y_sample_weight(data), self._found.popleft()) if self._found else self._step(data)


def ahead(model: Any, step: Callable[[Any], Any], predicts: bool, tests: bool) -> Ahead | None:
    """What takes the place of a step, None where batches are to be computed one by one.

    Args:
        model: the model.
        step: what is called for a batch.
        predicts: whether it is the step of `predict`, as we have it.
        tests: whether it is that of `evaluate`, with everything in it.
    """
    captured = None if model._compiled is None else model._compiled.captured
    if captured is None:
        return None
    if predicts:
        return Ahead(captured.predicted, model, 1, step, lambda parts, y_pred: y_pred)
    if tests:
        return Ahead(captured.tested, model, 3, step, lambda parts, found: counted(model, *parts, *found))
    return None
