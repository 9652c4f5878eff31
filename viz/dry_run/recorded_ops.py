"""The loss of a loop without a loss object: the ops that it ran, to be run again on other tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import no_grad, ops
from eagerflow.ops.replaying import is_ours
from viz.doctor.facts.host_arrays import host, is_tensor, is_variable
from viz.doctor.user_code import Place
from viz.recorder.descriptions import flat

__all__ = ["RecordedLoss", "RecordedOp", "recorded_loss"]


class RecordedOp(NamedTuple):
    """An op that ran, and the user's line that called it, or None."""

    op: Any
    inputs: tuple[Any, ...]
    settings: tuple[Any, ...]
    made: Any
    place: Place | None = None


class RecordedLoss:
    """A loss of labels and outputs that was heard as ops; called as loss objects are.

    Other numbers of rows work as long as no op was given one.
    """

    name = "the loop's loss"

    def __init__(self, ran: Sequence[RecordedOp], inputs: Sequence[Any], result: Any) -> None:
        self._ran, self._inputs, self._result = ran, inputs, result

    @property
    def places(self) -> dict[str, Place]:
        """The line of the first op of each name, as far as lines are known."""
        return {each.op.name: each.place for each in reversed(self._ran) if each.place is not None}

    def __call__(self, y: Any, outputs: Any, sample_weight: Any = None) -> Any:
        found = [each for each in flat((outputs, y)) if each is not None]
        if len(found) != len(self._inputs):
            raise ValueError(f"the loop's loss takes {len(self._inputs)} tensors; got {len(found)}")
        values: dict[int, Any] = {id(old): new for old, new in zip(self._inputs, found)}
        for op, inputs, settings, made, _ in self._ran:
            arrays = [_replaced(each, values) for each in inputs]
            chosen = [_with_rows(op, inputs, arrays, _index(each, values)) for each in settings]
            result = op.call(**dict(zip(op.arrays, arrays)), **dict(zip(op.settings, chosen)))
            results = (result,) if is_tensor(result) else result
            values.update({id(old): new for old, new in zip(_tensors(made), results)})
        return values[id(self._result)]

    def repeats(self, y: Any, outputs: Any) -> bool:
        """Does it give the same again?"""
        with no_grad():
            again = self(y, outputs)
        before = host(self._result.data)
        near = 1e-6 * float(numpy.abs(before).max(initial=0.0))
        return again.shape == self._result.shape and numpy.allclose(
            host(again.data), before, rtol=1e-5, atol=near, equal_nan=True
        )


def recorded_loss(result: Any, outputs: Any, ran: Iterable[RecordedOp]) -> tuple[RecordedLoss, list[Any]] | None:
    """The loss that a gradient was asked of, as a function, and its labels.

    None where it is made of anything else than outputs, constants and arrays with a row for each of the outputs'.
    """
    given = [each for each in flat(outputs) if is_tensor(each)]
    if not is_tensor(result) or result.data.size != 1 or not given or not given[0].shape:
        return None
    known = {id(each) for each in given}
    taken = _leading_to(result, list(ran), known)
    if not taken:
        return None
    known |= {id(t) for each in taken for t in _tensors(each.made)}
    labels = {}
    for x in [x for each in taken for x in _leaves(each.inputs) if id(x) not in known]:
        if getattr(x, "key", None) is not None or is_variable(x):
            return None  # a penalty on weights, or another model's outputs
        if getattr(x, "shape", ())[:1] == given[0].shape[:1]:
            labels[id(x)] = x
    loss = RecordedLoss(taken, [*given, *labels.values()], result)
    found = [ops.convert_to_tensor(each) for each in labels.values()]
    return (loss, found) if loss.repeats(found, given) else None


def _leading_to(target: Any, ran: Sequence[RecordedOp], stops: Iterable[int]) -> list[RecordedOp] | None:
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


def _leaves(inputs: Any) -> list[Any]:
    """What an op was given, with the tensors of lists."""
    found: list[Any] = []
    for each in inputs:
        found += _leaves(each) if isinstance(each, (list, tuple)) else [each]
    return found


def _tensors(made: Any) -> tuple[Any, ...]:
    return (made,) if is_tensor(made) else tuple(made)


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
    return other.data if is_tensor(other) else setting if other is None else other


def _with_rows(op: Any, inputs: Sequence[Any], given: Sequence[Any], setting: Any) -> Any:
    """A setting of an op; of `reshape` the shape with as many rows as there are now, if it kept them."""
    if op.name != "reshape" or not isinstance(setting, tuple) or not setting:
        return setting
    before, now = (numpy.shape(each[0])[:1] for each in (inputs, given))
    return (*now, *setting[1:]) if before and setting[:1] == before and now != before else setting
