"""`loss_mismatch.squared_mean`: mean(p - y) ** 2, where mean((p - y) ** 2) is meant."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first, host, number, total
from viz.doctor.user_code import Place

__all__ = ["SquaredMeans"]

_OF_ELEMENTS = ("square", "absolute", "power", "multiply")


class _Mean(NamedTuple):
    of: numpy.ndarray  # differences
    place: Place | None  # of what was made of their mean: its square


class SquaredMeans(Check):
    """Follows answers minus labels to their mean, and that to its square, which is all of the loss.

    Where differences are squared one by one, too, as in the variance of errors, the square of the mean is a part of
    something else, and so it is where labels are all alike.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._differences: dict[int, numpy.ndarray] = {}
        self._means: dict[int, numpy.ndarray] = {}
        self._squares: dict[Any, _Mean] = {}
        self._is_part = False  # whether this step uses single differences, too
        self._times = 0

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        made = outputs.key if isinstance(outputs, Tensor) else None
        if made is None or self.watch.inside("metric"):
            return
        given = getattr(inputs[0], "key", None) if inputs else None
        if op.name == "subtract":
            if outputs.data.size >= limits.LIKELIHOOD_ROWS and _is_error(inputs, outputs):
                self._differences[made] = host(outputs.data)
        elif op.name in ("mean", "sum") and given in self._differences and outputs.data.size == 1:
            self._means[made] = self._differences[given]
        elif op.name in _OF_ELEMENTS and _squares(op.name, inputs):
            self._is_part = self._is_part or given in self._differences
            if given in self._means:
                self._squares[made] = _Mean(self._means[given], self.watch.place())
        elif given in self._differences and op.name not in ("mean", "sum"):
            self._is_part = True
        elif given in self._squares and outputs.data.size == 1 and op.name in ("mean", "sum", "reshape", "cast"):
            self._squares[made] = self._squares[given]  # as losses of `compile` are averaged

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        found = self._squares.get(getattr(first(targets), "key", None)) if len(targets) == 1 else None
        if found is not None and not self._is_part and len(self._squares) <= 2:
            self._times += 1
            self._judge(found, total(targets))
        for each in (self._differences, self._means, self._squares):
            each.clear()  # and not as a step ends, which may be as late as the next one's gradients
        self._is_part = False

    def _judge(self, found: _Mean, loss: float) -> None:
        differences = found.of.astype("float64")
        mean, spread = float(differences.mean()), float(numpy.sqrt(numpy.square(differences).mean()))
        cancels = abs(mean) <= limits.CANCELS * spread
        if self._times < limits.WINDOW or not cancels or not numpy.isfinite(loss):
            return
        self.watch.report(
            "loss_mismatch.squared_mean",
            "error",
            "the loss is made of the mean of all differences between answers and labels, which is "
            f"{number(mean)}, while they are {number(spread)} large (root mean square): those above 0 cancel those "
            "below before the mean is squared, so all that can be learnt is one offset for all rows",
            place=found.place,
            key=("loss_mismatch", "squared_mean"),
            evidence={"loss": loss, "mean": mean, "root_mean_square": spread},
        )


def _is_error(inputs: Any, outputs: Tensor) -> bool:
    """Is it answers minus labels, or the other way round: rows of data that differ, against what was computed?"""
    known = [isinstance(x, Tensor) and x.key is not None for x in inputs[:2]]
    if len(known) < 2 or known[0] == known[1] or any(isinstance(x, Variable) for x in inputs[:2]):
        return False
    answers, data = (inputs[0], inputs[1]) if known[0] else (inputs[1], inputs[0])
    labels = host(data.data if isinstance(data, Tensor) else numpy.asarray(data))
    same = labels.shape == answers.data.shape == outputs.data.shape
    return same and labels.dtype.kind in "fiu" and bool((labels != labels.reshape(-1)[0]).any())


def _squares(name: str, inputs: Any) -> bool:
    """Is a number multiplied by itself, or its sign taken away?"""
    if name == "multiply":
        return len(inputs) > 1 and inputs[0] is inputs[1]
    return name != "power" or (len(inputs) > 1 and numpy.ndim(inputs[1]) == 0 and inputs[1] == 2)
