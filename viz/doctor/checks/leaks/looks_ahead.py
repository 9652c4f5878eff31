"""`label_leak` along time: a network that is to predict the next step, and whose answers depend on that step."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, Variable, no_grad, tree
from eagerflow.core import random
from eagerflow.core.observe import unobserved
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.program import layer_label
from viz.doctor.variable_owners import layers_in

__all__ = ["LooksAhead", "sees_no_later_step"]


class LooksAhead(Check):
    """Runs a few rows again with another value in one time step, where labels are the inputs one step later.

    What a network gives for the step before must stay as it was: the label there is the value that was changed.
    """

    begins = ("loss",)
    ends = ("model", "layer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._called: Any = None
        self._told: set[int] = set()

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if self.watch.step not in limits.AHEAD_STEPS or not self.watch.outermost():
            return
        trained = error is None and isinstance(outputs, Tensor) and outputs.key is not None and outputs.data.ndim > 1
        self._called = (opened.owner, opened.scope.inputs) if trained else None

    def on_scope_begin(self, opened: Any) -> None:
        called, given = self._called, opened.scope.inputs
        if called is None or id(called[0]) in self._told or not isinstance(given, tuple) or len(given) != 2:
            return
        labels = host(given[0].data if isinstance(given[0], Tensor) else numpy.asarray(given[0]))
        for x in tensors(called[1]):
            if not isinstance(x, Variable) and labels.dtype.kind in "fiu" and _is_shifted(host(x.data), labels):
                self._ask(called[0], called[1], x)
                return

    def on_step_end(self) -> None:
        self._called = None

    def _ask(self, model: Any, given: Any, x: Any) -> None:
        values = host(x.data)
        other = numpy.roll(values[: limits.AHEAD_ROWS], 1, axis=0)
        differs = (other != values[: len(other)]).reshape(*other.shape[:2], -1).any(axis=2)
        at = 1 + int(differs.sum(axis=0)[1:].argmax())
        if not differs[:, at].any() or not _may_run_again(model):
            return
        changed = values[: len(other)].copy()
        changed[:, at] = other[:, at]
        plain, moved = _answers(model, given, [(x, None), (x, changed)])
        if plain.shape[:2] != changed.shape[:2] or not numpy.isfinite(plain).all():
            return
        size = float(numpy.abs(plain[:, at - 1]).max())
        apart = float(numpy.abs(moved - plain)[:, at - 1].max())
        if apart > limits.AHEAD_CHANGED * size:
            self._tell(model, at, apart / size, values.shape[1])

    def _tell(self, model: Any, at: int, apart: float, steps: int) -> None:
        self._told.add(id(model))
        self.watch.report(
            "label_leak.ahead",
            "warning",
            f"{layer_label(model)!r} is to predict the next of {steps} steps, and sees it: the labels are its inputs "
            f"one step later, and another value in step {at} changes its answers for step {at - 1} by {apart:.2g} "
            "times their size",
            place=self.watch.called_at(),
            key=("label_leak.ahead", id(model)),
            evidence={"step": at, "changed": apart},
        )


def _is_shifted(x: numpy.ndarray, labels: numpy.ndarray) -> bool:
    """Are labels the inputs one step later, wherever these change from one step to the next?"""
    if x.ndim < 2 or x.shape[1] < limits.AHEAD_LENGTH or labels.ndim < 2 or len(labels) != len(x):
        return False
    steps = x.shape[1] - 1
    if labels.shape[1] < steps:
        return False
    if x.ndim == 2 and labels.ndim == 3 and labels.shape[2] > 1:  # one-hot rows
        labels = labels.argmax(axis=2)
    if labels.size != len(labels) * labels.shape[1] * int(numpy.prod(x.shape[2:])):
        return False
    now, later = x[:, :-1], x[:, 1:]
    moves = now != later
    same = labels[:, :steps].reshape(later.shape) == later
    return bool(moves.sum() >= limits.AHEAD_MOVES and same[moves].mean() >= limits.AHEAD_SHARE)


def sees_no_later_step(model: Any, given: Any, x: Tensor) -> bool:
    """Do a model's answers for all steps but the last stay as they are when an input's last step changes, and its not?

    Args:
        model: the model.
        given: what it was called with.
        x: one of its inputs, with steps on axis 1.
    """
    values = host(x.data)[: limits.AHEAD_ROWS]
    changed = values.copy()
    changed[:, -1] = numpy.roll(values, 1, axis=0)[:, -1]
    if not (changed != values).any() or not _may_run_again(model):
        return False
    plain, moved = _answers(model, given, [(x, None), (x, changed)])
    if plain.shape[:2] != values.shape[:2] or not numpy.isfinite(plain).all():
        return False
    apart, size = numpy.abs(moved - plain), float(numpy.abs(plain).max())
    return bool(apart[:, :-1].max() <= limits.AHEAD_CHANGED * size < apart[:, -1].max())


def _may_run_again(model: Any) -> bool:
    """Not where a call leaves something behind: states, added losses."""
    return not any(
        getattr(each, "stateful", False) or each._ef_state.losses or each.activity_regularizer is not None
        for each in layers_in(model)
    )


def _answers(model: Any, given: Any, runs: list[tuple[Any, numpy.ndarray | None]]) -> list[numpy.ndarray]:
    """What a model gives for the first rows, with other values for one of its inputs; its variables stay as they are.

    Args:
        model: the model.
        given: what it was called with.
        runs: an input, and its values in this run; None for its own.
    """
    found, kept = [], [(v, v.data) for layer in layers_in(model) for v in layer.variables]  # replaced where it changes
    for x, values in runs:

        def cut(each: Any, x: Any = x, values: Any = values) -> Any:
            if not isinstance(each, Tensor):
                return each
            return Tensor(values) if each is x and values is not None else Tensor(each.data[: limits.AHEAD_ROWS])

        inputs = [each for each in given if not isinstance(each, bool)]
        with unobserved(), no_grad(), random.frozen():
            made = model(*tree.map_structure(cut, inputs), training=False)
        found.append(host(made.data).astype("float64"))
    for variable, array in kept:
        if variable.data is not array:
            variable.data = array
    return found
