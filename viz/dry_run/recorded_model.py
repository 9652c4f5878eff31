"""The model of a loop that has none: the ops that made its answers of variables and data, to be run again on others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy

from eagerflow import Layer, Tensor, Variable, no_grad, ops, optimizers
from eagerflow.ops.replaying import is_ours
from viz.doctor.check_base import host
from viz.doctor.user_code import Place
from viz.dry_run.recorded_loss import RecordedLoss, leaves_of, recorded_loss, run_again
from viz.recorder.descriptions import flat

__all__ = ["Heard", "RecordedModel", "recorded_function", "rate_by_hand"]

_LOOKED = 4_000_000  # numbers of variables that are compared before and after an update
_EXACT = 0.01  # of an update may be rounding


class Heard(NamedTuple):
    """An op that ran.

    Attributes:
        op: the op.
        inputs: its inputs.
        settings: its settings.
        made: its outputs.
        place: the user's line that called it, or None.
    """

    op: Any
    inputs: tuple[Any, ...]
    settings: tuple[Any, ...]
    made: Any
    place: Place | None = None


class RecordedModel(Layer):
    """A function of a loop's data, which computes with the loop's own variables.

    Args:
        ran: the ops that it consists of.
        inputs: the tensors that stood for the data.
        answers: what came out.
        variables: the variables that the loop trains.
    """

    def __init__(self, ran: Sequence[Heard], inputs: list[Any], answers: Tensor, variables: Sequence[Variable]) -> None:
        super().__init__(name="loop", autocast=False)
        self.held = list(variables)  # its weights
        # In an object of their own, in which a layer looks for no weights.
        self._heard = SimpleNamespace(ran=tuple(ran), inputs=tuple(inputs), answers=answers)
        place = ran[-1].place
        if place is not None:
            self.created_at = (place.file, place.line)
        self.built = True

    @property
    def places(self) -> dict[str, Place]:
        """The line of the first op of each name."""
        return {each.op.name: each.place for each in reversed(self._heard.ran) if each.place is not None}

    @property
    def input_shape(self) -> Any:
        """The shape of the data, with the number of rows where an op was told it, and so takes no other."""
        first = self._heard.inputs[0]
        fixed = any(first.shape[0] in _numbers(each.settings) for each in self._heard.ran)
        return (first.shape[0] if fixed else None, *first.shape[1:])

    def call(self, inputs: Any) -> Any:
        """The answers for some data."""
        found = [each for each in flat(inputs) if each is not None]
        values = {id(old): new for old, new in zip(self._heard.inputs, found)}
        return run_again(self._heard.ran, values, self._heard.answers)


def recorded_function(
    target: Any, ran: Iterable[Heard], variables: Sequence[Variable], predicted: Any = None
) -> tuple[RecordedModel, Any, RecordedLoss | None, Any] | None:
    """The function of data and variables that a loop without layers minimizes, taken apart into answers and a loss.

    The answers are what the loss compares with labels: the last tensor, with a row for each of the data's, that meets
    an array of as many rows.

    Args:
        target: what the loop asked the gradient of.
        ran: the ops that ran, in order.
        variables: what it asked the gradients for.
        predicted: what a loss object was given as answers, where there was one.

    Returns:
        The model, its data, the loss and its labels (None for both where `predicted` is given); None where it can't be
        told.
    """
    every = list(ran)
    taken = _leading_to(target if predicted is None else predicted, every)
    rows = _rows(taken) if taken else None
    if not taken or rows is None:
        return None
    answers = _compared(taken, rows) if predicted is None else predicted
    if not isinstance(answers, Tensor) or answers.key is None or answers.shape[:1] != (rows,):
        return None
    forward = _leading_to(answers, every)
    made = {id(t) for each in forward or () for t in flat(each.made)}
    data: dict[int, Any] = {}
    for x in [x for each in forward or () for x in _used(each) if id(x) not in made]:
        if getattr(x, "key", None) is not None and not isinstance(x, Variable):
            return None  # made by what wasn't heard
        if _is_data(x, rows):
            data[id(x)] = x
    if not forward or not data:
        return None
    model = RecordedModel(forward, list(data.values()), answers, variables)
    tensors = [ops.convert_to_tensor(x) for x in data.values()]
    given: Any = tensors if len(tensors) > 1 else tensors[0]
    if not _same(model, given, answers):
        return None
    if predicted is not None:
        return model, given, None, None
    heard = recorded_loss(target, answers, every)
    return None if heard is None else (model, given, *heard)


def _leading_to(target: Any, ran: Sequence[Heard]) -> list[Heard] | None:
    """The ops that a tensor was made by, in order; None where one of them can't be run again."""
    wanted, taken = {id(target)}, []
    for each in reversed(ran):
        if each.made is None or wanted.isdisjoint({id(t) for t in flat(each.made)}):
            continue
        if not is_ours(each.op):
            return None
        taken.append(each)
        wanted |= {id(x) for x in leaves_of(each.inputs)}
    return taken[::-1]


def _rows(taken: Sequence[Heard]) -> int | None:
    """How many rows the data have that meet the first variable."""
    for each in taken:
        given = _used(each)
        data = [x for x in given if _is_data(x)]
        if data and any(isinstance(x, Variable) for x in given):
            return int(data[0].shape[0])
    return None


def _compared(taken: Sequence[Heard], rows: int) -> Any:
    """The last tensor that is computed together with an array of as many rows; else the last one with rows."""
    last = None
    for each in taken:
        given = leaves_of(each.inputs)
        own = [x for x in given if getattr(x, "key", None) is not None and x.shape[:1] == (rows,)]
        own = [x for x in own if not isinstance(x, Variable)]
        if own and any(_is_data(x, rows) for x in given):
            last = own[0]
    if last is None:
        made = [t for each in taken for t in flat(each.made) if isinstance(t, Tensor) and t.shape[:1] == (rows,)]
        last = made[-1] if made else None
    return last


def _used(ran: Heard) -> list[Any]:
    """What an op was given, and the numbers by which it picked rows of a table, as those of words."""
    index = ran.settings[0] if ran.op.name == "take_index" and ran.settings else None
    parts = index if isinstance(index, tuple) else (index,)
    return leaves_of(ran.inputs) + [each for each in parts if getattr(each, "dtype", None) is not None]


def _is_data(x: Any, rows: int | None = None) -> bool:
    """An array, with so many rows, that no variable was used for."""
    shape = tuple(getattr(x, "shape", ()))
    plain = getattr(x, "key", None) is None and not isinstance(x, Variable)
    return plain and bool(shape) and rows in (None, shape[0])


def _numbers(settings: Any) -> list[int]:
    """The whole numbers in nested settings."""
    if isinstance(settings, (list, tuple)):
        return [n for each in settings for n in _numbers(each)]
    return [settings] if isinstance(settings, int) and not isinstance(settings, bool) else []


def _same(model: RecordedModel, given: Any, answers: Tensor) -> bool:
    """Does it give the same again?"""
    with no_grad():
        again = model(given)
    return again.shape == answers.shape and numpy.allclose(
        host(again.data), host(answers.data), rtol=1e-5, atol=1e-6, equal_nan=True
    )


def rate_by_hand(variables: Sequence[Variable], before: Sequence[Any], gradients: Sequence[Any]) -> Any:
    """The `SGD` that does what a loop did by hand, `variable - rate * gradient`; None where it did something else.

    Args:
        variables: as they are now.
        before: their values before the update.
        gradients: the gradients, with which it was made.
    """
    known = [(host(v.data), old, host(g.data)) for v, old, g in zip(variables, before, gradients) if g is not None]
    if not known or sum(old.size for _, old, _ in known) > _LOOKED:
        return None
    moved = numpy.concatenate([(old.astype("float64") - now).reshape(-1) for now, old, _ in known])
    slopes = numpy.concatenate([g.astype("float64").reshape(-1) for _, _, g in known])
    size = float(slopes @ slopes)
    rate = float(moved @ slopes) / size if size and numpy.isfinite(size) else 0.0
    rest = numpy.linalg.norm(moved - rate * slopes)
    return optimizers.SGD(rate) if rate > 0 and rest <= _EXACT * numpy.linalg.norm(moved) else None
