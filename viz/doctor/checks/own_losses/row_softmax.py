"""`softmax_axis` in a loss written by hand, or divided by hand: the classes are on the other axis."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, tensors
from viz.doctor.facts.loss_questions import own_loss

__all__ = ["SOFTMAX_AXIS", "RowSoftmax"]

_LOGITS = ("softmax_crossentropy", "sparse_softmax_crossentropy")
_SHIFTS = ("log", "add", "maximum", "clip", "cast", "divide", "negative")  # as in log(p + 1e-9)
_COMPARED = ("multiply", "subtract", "squared_difference")

SOFTMAX_AXIS = Rule(
    "error",
    "{whose}{by} of the predictions {shaped} goes over {along}, not over the {classes} classes (the last axis)",
    "Take the softmax over the classes: axis=-1; by hand: e = ops.exp(z - ops.max(z, axis=-1, keepdims=True)), and e / "
    "ops.sum(e, axis=-1, keepdims=True).",
)


class RowSoftmax(Check):
    """A softmax over the rows of a batch, in a loss written by hand, or divided by hand.

    What shows that the classes are on the other axis: the logarithm is taken of what a model answers, or the loss
    compares it with rows of labels that each sum to 1, or picks one number of each row, as a crossentropy of class
    numbers does.
    """

    rules = {"softmax_axis": SOFTMAX_AXIS}

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._answers: set[int] = set()  # what models and layers called by the program gave
        self._over_rows: dict[int, tuple[Any, tuple[int, ...], int, int]] = {}
        self._source: dict[Any, int] = {}  # of which tensor exponentials were taken, but for what was subtracted

    def on_answer(self, opened: Any, outputs: Any) -> None:
        self._answers.update(x.key for x in tensors(outputs) if x.key is not None)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        x: Any = inputs[0] if inputs else None
        tracked = isinstance(x, Tensor) and isinstance(outputs, Tensor) and x.key and outputs.key
        if op.name in ("softmax", "log_softmax"):
            # A square is a table of similarities, which has two axes of rows.
            rows = tracked and len(x.shape) == 2 and settings[0] in (0, -2) and x.shape[1] > 1
            if rows and x.shape[0] != x.shape[1]:
                self._over_rows[outputs.key] = self.watch.place(), tuple(x.shape), x.key, outputs.key
                if op.name == "log_softmax":
                    self._judge(outputs.key)
            return
        if tracked and op.name == "divide" and self.watch.made_by(x) == "exp" and self._sums_rows(x, inputs[1]):
            source: Any = self._source.get(x.key) or x.key
            self._over_rows[outputs.key] = self.watch.place(), tuple(x.shape), source, outputs.key
            return
        if tracked and op.name in ("exp", "subtract"):
            self._source[outputs.key] = self._source.get(x.key, x.key)
        for i, given in enumerate(inputs) if self._over_rows else ():
            key = given.key if isinstance(given, Tensor) else None
            if key in self._over_rows:
                self._follow(key, op.name, [*inputs[:i], *inputs[i + 1 :]], settings, outputs)

    def _sums_rows(self, x: Tensor, total: Any) -> bool:
        """Are exponentials divided by their sums over the rows, one for each class, or by one sum of them all?"""
        if not isinstance(total, Tensor) or self.watch.made_by(total) != "sum" or x.data.ndim != 2:
            return False
        rows, classes = x.data.shape
        return classes > 1 and rows not in (1, classes) and total.data.shape in ((), (1, 1), (classes,), (1, classes))

    def _follow(self, key: int, name: str, others: list[Any], settings: Any, outputs: Any) -> None:
        """What is done with such a softmax, or with what was made of it."""
        shape = self._over_rows[key][1]
        if name == "log":
            self._judge(key)
        compared = name in _COMPARED and any(_one_hot(x, shape) for x in others)
        if compared or name in (*_LOGITS, "of_class") or (name == "take_index" and _one_of_each(settings, shape)):
            self._tell(key)
        made = outputs.key if isinstance(outputs, Tensor) and outputs.data.shape == shape else None
        if name in _SHIFTS and made is not None:
            self._over_rows[made] = self._over_rows[key]

    def _judge(self, key: int) -> None:
        if not self._answers.isdisjoint(self._over_rows[key][2:]):
            self._tell(key)

    def _tell(self, key: int) -> None:
        place, shape, *_ = self._over_rows[key]
        if self.watch.inside("layer", "model") or (self.watch.inside("loss") and own_loss(self.watch) is None):
            return
        along = "the rows of the batch, which then depend on each other"
        about = {"whose": "", "by": "softmax", "along": along, "classes": shape[1], "shaped": str(shape)}
        self.tell("softmax_axis", op="softmax", place=place, axis=0, shape=list(shape), **about)

    def on_step_end(self) -> None:
        self._answers.clear()
        self._over_rows.clear()
        self._source.clear()


def _one_hot(x: Any, shape: tuple[int, ...]) -> bool:
    """Are these labels whose rows, not their columns, are shares of classes?"""
    values = host(x.data) if isinstance(x, Tensor) and x.key is None else x
    if not isinstance(values, numpy.ndarray) or values.shape != shape or values.dtype.kind not in "fiub":
        return False
    rows, columns = (values.astype("float64").sum(axis=axis) for axis in (1, 0))
    off = [float(abs(sums - 1).max()) for sums in (rows, columns)]
    return bool(values.min() >= 0) and off[0] <= limits.ROW_SUM < off[1]


def _one_of_each(settings: Any, shape: tuple[int, ...]) -> bool:
    """Does an index pick one number of each row, as the chance of the right class?"""
    index = settings[0] if settings else None
    if not isinstance(index, tuple) or len(index) != 2 or any(getattr(i, "dtype", None) is None for i in index):
        return False
    rows = host(index[0]).reshape(-1)
    return numpy.array_equal(rows, numpy.arange(shape[0])) and host(index[1]).size == shape[0]
