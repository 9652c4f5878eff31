"""What a loop computes without a model or a loss object: the ops that it ran, to be run again on other tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy

from eagerflow import Layer, Tensor, Variable, no_grad, ops, optimizers
from eagerflow.ops.replaying import is_ours
from viz.doctor.facts.host_arrays import host
from viz.doctor.user_code import Place
from viz.recorder.descriptions import flat

__all__ = ["RecordedLoss", "RecordedModel", "RecordedOp", "rate_by_hand", "recorded_function", "recorded_loss"]

_LOOKED = 4_000_000  # numbers of variables that are compared before and after an update
_EXACT = 0.01  # of an update may be rounding


class RecordedOp(NamedTuple):
    """An op that ran, and the user's line that called it, or None."""

    op: Any
    inputs: tuple[Any, ...]
    settings: tuple[Any, ...]
    made: Any
    place: Place | None = None


class _Function:
    """Ops that made a tensor of some others. Other numbers of rows work as long as no op was given one."""

    def __init__(self, ran: Sequence[RecordedOp], inputs: Sequence[Any], result: Any) -> None:
        self.ran, self.inputs, self.result = ran, inputs, result

    @property
    def places(self) -> dict[str, Place]:
        """The line of the first op of each name, as far as lines are known."""
        return {each.op.name: each.place for each in reversed(self.ran) if each.place is not None}

    def __call__(self, *given: Any) -> Any:
        found = [each for each in flat(given) if each is not None]
        if len(found) != len(self.inputs):
            raise ValueError(f"what the loop computes takes {len(self.inputs)} tensors; got {len(found)}")
        values: dict[int, Any] = {id(old): new for old, new in zip(self.inputs, found)}
        for op, inputs, settings, made, _ in self.ran:
            arrays = [_replaced(each, values) for each in inputs]
            chosen = [_with_rows(op, inputs, arrays, _index(each, values)) for each in settings]
            result = op.call(**dict(zip(op.arrays, arrays)), **dict(zip(op.settings, chosen)))
            results = (result,) if isinstance(result, Tensor) else result
            values.update({id(old): new for old, new in zip(_tensors(made), results)})
        return values[id(self.result)]

    def repeats(self, *given: Any) -> bool:
        """Does it give the same again?"""
        with no_grad():
            again = self(*given)
        before = host(self.result.data)
        near = 1e-6 * float(numpy.abs(before).max(initial=0.0))
        return again.shape == self.result.shape and numpy.allclose(
            host(again.data), before, rtol=1e-5, atol=near, equal_nan=True
        )


class RecordedLoss:
    """A loss of labels and outputs that was heard as ops; called as loss objects are."""

    name = "the loop's loss"

    def __init__(self, function: _Function) -> None:
        self._function, self.places = function, function.places

    def __call__(self, y: Any, outputs: Any, sample_weight: Any = None) -> Any:
        return self._function(outputs, y)


class RecordedModel(Layer):
    """A function of a loop's data, which computes with the loop's own variables."""

    def __init__(self, function: _Function, variables: Sequence[Variable]) -> None:
        super().__init__(name="loop", autocast=False)
        self.held = list(variables)  # its weights
        self._heard = SimpleNamespace(function=function)  # in which a layer looks for no weights
        place = function.ran[-1].place
        if place is not None:
            self.created_at = (place.file, place.line)
        self.built = True

    @property
    def places(self) -> dict[str, Place]:
        """The line of the first op of each name."""
        found: dict[str, Place] = self._heard.function.places
        return found

    @property
    def input_shape(self) -> Any:
        """The shape of the data, with the number of rows where an op has it as a setting, and so takes no other."""
        first = self._heard.function.inputs[0]
        fixed = any(first.shape[0] in _numbers(each.settings) for each in self._heard.function.ran)
        return (first.shape[0] if fixed else None, *first.shape[1:])

    def call(self, inputs: Any) -> Any:
        """The outputs for some data."""
        return self._heard.function(inputs)


def recorded_loss(result: Any, outputs: Any, ran: Iterable[RecordedOp]) -> tuple[RecordedLoss, list[Any]] | None:
    """The loss that a gradient was asked of, as a function, and its labels.

    Returns:
        None where it is made of anything else than outputs, constants and arrays with a row for each of the outputs'.
    """
    given = [each for each in flat(outputs) if isinstance(each, Tensor)]
    if not isinstance(result, Tensor) or result.data.size != 1 or not given or not given[0].shape:
        return None
    known = {id(each) for each in given}
    taken = _leading_to(result, list(ran), known)
    if not taken:
        return None
    known |= {id(t) for each in taken for t in _tensors(each.made)}
    labels = {}
    for x in [x for each in taken for x in _leaves(each.inputs) if id(x) not in known]:
        if not _is_constant(x):
            return None  # a penalty on weights, or another model's outputs
        if getattr(x, "shape", ())[:1] == given[0].shape[:1]:
            labels[id(x)] = x
    function = _Function(taken, [*given, *labels.values()], result)
    found = [ops.convert_to_tensor(each) for each in labels.values()]
    return (RecordedLoss(function), found) if function.repeats(given, found) else None


def recorded_function(
    target: Any, ran: Iterable[RecordedOp], variables: Sequence[Variable], predicted: Any = None
) -> tuple[RecordedModel, Any, RecordedLoss | None, Any] | None:
    """The function of data and variables that a loop without layers minimizes, as a model and a loss.

    The outputs are what the loss compares with labels: the last tensor, with a row for each of the data's, that meets
    an array of as many rows.

    Returns:
        The model, its data, the loss and its labels (None for both where `predicted` is given); None where it can't be
        found.
    """
    every = list(ran)
    taken = _leading_to(target if predicted is None else predicted, every)
    rows = _rows(taken) if taken else None
    if not taken or rows is None:
        return None
    outputs = _compared(taken, rows) if predicted is None else predicted
    if not isinstance(outputs, Tensor) or outputs.key is None or outputs.shape[:1] != (rows,):
        return None
    forward = _leading_to(outputs, every) or []
    made = {id(t) for each in forward for t in flat(each.made)}
    data: dict[int, Any] = {}
    for x in [x for each in forward for x in _used(each) if id(x) not in made]:
        if getattr(x, "key", None) is not None and not isinstance(x, Variable):
            return None  # made by what wasn't heard
        if _is_data(x, rows):
            data[id(x)] = x
    if not data:
        return None
    function = _Function(forward, list(data.values()), outputs)
    tensors = [ops.convert_to_tensor(x) for x in data.values()]
    if not function.repeats(tensors):
        return None
    model, given = RecordedModel(function, variables), tensors if len(tensors) > 1 else tensors[0]
    if predicted is not None:
        return model, given, None, None
    heard = recorded_loss(target, outputs, every)
    return None if heard is None else (model, given, *heard)


def _leading_to(target: Any, ran: Sequence[RecordedOp], stops: Iterable[int] = ()) -> list[RecordedOp] | None:
    """The ops that made a tensor of those in `stops`, in order; None where one of them can't be run again."""
    wanted, taken = {id(target)}, []
    for each in reversed(ran):
        if each.made is None or wanted.isdisjoint({id(t) for t in flat(each.made)}):
            continue
        if not is_ours(each.op):
            return None
        taken.append(each)
        wanted |= {id(x) for x in _leaves(each.inputs)}.difference(stops)
    return taken[::-1]


def _rows(taken: Sequence[RecordedOp]) -> int | None:
    """How many rows the data have that meet the first variable."""
    for each in taken:
        given = _used(each)
        data = [x for x in given if _is_data(x)]
        if data and any(isinstance(x, Variable) for x in given):
            return int(data[0].shape[0])
    return None


def _compared(taken: Sequence[RecordedOp], rows: int) -> Any:
    """The last tensor that is computed together with an array of as many rows; else the last one with rows."""
    last = None
    for each in taken:
        given = _leaves(each.inputs)
        own = [x for x in given if not _is_constant(x) and not isinstance(x, Variable) and x.shape[:1] == (rows,)]
        if own and any(_is_data(x, rows) for x in given):
            last = own[0]
    if last is None:
        made = [t for each in taken for t in flat(each.made) if isinstance(t, Tensor) and t.shape[:1] == (rows,)]
        last = made[-1] if made else None
    return last


def _used(ran: RecordedOp) -> list[Any]:
    """What an op was given, and the numbers by which it picked rows of a table, as those of words."""
    index = ran.settings[0] if ran.op.name == "take_index" and ran.settings else None
    parts = index if isinstance(index, tuple) else (index,)
    return _leaves(ran.inputs) + [each for each in parts if getattr(each, "dtype", None) is not None]


def _is_constant(x: Any) -> bool:
    """Was no variable used for it?"""
    return getattr(x, "key", None) is None and not isinstance(x, Variable)


def _is_data(x: Any, rows: int | None = None) -> bool:
    """An array, with this many rows, that no variable was used for."""
    shape = tuple(getattr(x, "shape", ()))
    return _is_constant(x) and bool(shape) and rows in (None, shape[0])


def _numbers(settings: Any) -> list[int]:
    """The whole numbers in nested settings."""
    if isinstance(settings, (list, tuple)):
        return [n for each in settings for n in _numbers(each)]
    return [settings] if isinstance(settings, int) and not isinstance(settings, bool) else []


def _leaves(inputs: Any) -> list[Any]:
    """What an op was given, with the tensors of lists."""
    found: list[Any] = []
    for each in inputs:
        found += _leaves(each) if isinstance(each, (list, tuple)) else [each]
    return found


def _tensors(made: Any) -> tuple[Any, ...]:
    return (made,) if isinstance(made, Tensor) else tuple(made)


# ---------------------------------------------------------------------- other tensors in the place of those of then


def _replaced(value: Any, values: dict[int, Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_replaced(each, values) for each in value]
    return values.get(id(value), value)


def _index(setting: Any, values: dict[int, Any]) -> Any:
    """A setting, in which arrays, as those of an index, may stand for others."""
    if isinstance(setting, tuple):
        return tuple(_index(each, values) for each in setting)
    other = values.get(id(setting))
    return other.data if isinstance(other, Tensor) else setting if other is None else other


def _with_rows(op: Any, inputs: Sequence[Any], given: Sequence[Any], setting: Any) -> Any:
    """A setting of an op; of `reshape` the shape with as many rows as there are now, if it kept them."""
    if op.name != "reshape" or not isinstance(setting, tuple) or not setting:
        return setting
    before, now = (numpy.shape(each[0])[:1] for each in (inputs, given))
    return (*now, *setting[1:]) if before and setting[:1] == before and now != before else setting


def rate_by_hand(variables: Sequence[Variable], before: Sequence[Any], gradients: Sequence[Any]) -> Any:
    """The `SGD` that does what a loop did by hand, `variable - rate * gradient`; None where it did something else."""
    known = [(host(v.data), old, host(g.data)) for v, old, g in zip(variables, before, gradients) if g is not None]
    if not known or sum(old.size for _, old, _ in known) > _LOOKED:
        return None
    moved = numpy.concatenate([(old.astype("float64") - now).reshape(-1) for now, old, _ in known])
    slopes = numpy.concatenate([g.astype("float64").reshape(-1) for _, _, g in known])
    size = float(slopes @ slopes)
    rate = float(moved @ slopes) / size if size and numpy.isfinite(size) else 0.0
    rest = numpy.linalg.norm(moved - rate * slopes)
    return optimizers.SGD(rate) if rate > 0 and rest <= _EXACT * numpy.linalg.norm(moved) else None
