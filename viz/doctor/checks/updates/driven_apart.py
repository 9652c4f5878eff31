"""`loss_sign.apart`: a loss written by hand that grows smaller the further the answers are from the labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first, first_gradient, host, number
from viz.doctor.user_code import Place

__all__ = ["DrivenApart", "means_of_the_ends"]

_ERRORS = ("square", "absolute", "power", "multiply", "squared_difference")  # what is made of a difference


class _Error(NamedTuple):
    """How far answers are from labels, element by element; and on which line it was computed."""

    size: float
    place: Place | None


class DrivenApart(Check):
    """Follows differences of answers and labels: does the loss ask for larger ones everywhere, and do they grow?

    Labels are what no weights were used for. Both facts together prove it where all weights that the answers come from
    are trained so: an adversary, or a search for inputs that mislead, asks for larger errors of weights that stay.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._differences: dict[int, float] = {}  # by the keys of tensors: how large they are
        self._errors: dict[int, _Error] = {}
        self._sizes: list[float] = []  # of the errors that the loss wants larger, in each step
        self._now: list[_Error] = []
        self._used: set[int] = set()  # the weights that ops were given since the last gradients
        self._always = True
        self._place: Place | None = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if not self._always or error is not None:
            return
        self._used.update(x.identity for x in inputs if isinstance(x, Variable) and x.trainable)
        key = outputs.key if isinstance(outputs, Tensor) else None
        if key is None or not outputs.size or self.watch.inside("layer", "metric"):
            return
        if op.name in ("subtract", "squared_difference") and len(inputs) >= 2 and _are_labels_and_answers(inputs[:2]):
            size = float(numpy.abs(host(outputs.data)).mean())
            if op.name == "subtract":
                self._differences[key] = size
            else:
                self._errors[key] = _Error(size, self.watch.own_line() or self.watch.place())
        elif self._differences and op.name in _ERRORS:
            given = {x.key for x in inputs if isinstance(x, Tensor)}
            source = given.pop() if len(given) == 1 else None
            if source in self._differences and _is_even(op.name, inputs):
                self._errors[key] = _Error(self._differences[source], self.watch.own_line() or self.watch.place())

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        found = self._errors.pop(first(out_keys), None)
        if found is None:
            return
        values = first_gradient(gradients)
        if values.size and values.max() < 0:
            self._now.append(found)
        else:
            self._always = False  # a loss with several terms, or weights of either sign: who knows what is meant

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        asked = {source.identity for source in sources if isinstance(source, Variable)}
        self._always = self._always and self._used <= asked
        self._used.clear()  # and not as a step ends, which may be as late as the next one's gradients

    def on_step_end(self) -> None:
        if self._now:
            self._sizes.append(max(each.size for each in self._now))
            self._place = self._now[0].place
        for each in (self._differences, self._errors, self._now):
            each.clear()

    def finish(self) -> None:
        """Judge by how the errors went."""
        sizes = numpy.array(self._sizes)
        if not self._always or len(sizes) < limits.APART_STEPS or not numpy.isfinite(sizes).all():
            return
        first, last = means_of_the_ends(sizes)
        if last < limits.APART_GROWS * first or self.watch.has("loss_sign"):
            return
        self.watch.report(
            "loss_sign.apart",
            "error",
            f"the loss falls as the answers get further from the labels, and they do: {number(first)} apart on average "
            f"at first, {number(last)} in the end",
            place=self._place,
            key=("loss_sign", "apart"),
            evidence={"perfect": first, "now": last},
        )


def _are_labels_and_answers(pair: Any) -> bool:
    """Does one of two arrays of the same shape depend on weights, and the other on none?"""
    shapes = [tuple(getattr(x, "shape", ())) for x in pair]
    known = [isinstance(x, Tensor) and x.key is not None for x in pair]
    weights = any(isinstance(x, Variable) for x in pair)
    return bool(shapes[0]) and shapes[0] == shapes[1] and known[0] != known[1] and not weights


def _is_even(name: str, inputs: Any) -> bool:
    """Is what an op makes of a difference the same for both signs, so a measure of its size?"""
    if name == "power":
        return len(inputs) > 1 and isinstance(inputs[1], (int, float)) and inputs[1] % 2 == 0
    return name != "multiply" or (len(inputs) == 2 and inputs[0] is inputs[1])


def means_of_the_ends(values: numpy.ndarray) -> tuple[float, float]:
    """The means of the first and of the last quarter."""
    part = len(values) // 4
    return float(values[:part].mean()), float(values[-part:].mean())
