"""The loss of a loop that is no loss object: the ops that made it of the outputs, to be run again on others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from eagerflow import Tensor, Variable, no_grad, ops
from eagerflow.ops.replaying import is_ours
from viz.recorder.descriptions import flat

__all__ = ["RecordedLoss", "leaves_of", "recorded_loss", "run_again"]

_SAME = 1e-6  # of the loss, when it is run again at once
_RAN = Any  # an op, its inputs, settings and outputs, and the line that called it


class RecordedLoss:
    """A function of labels and outputs that was heard as ops.

    Batches of other sizes work as long as no op was given a size, as `reshape` may be.

    Args:
        ran: the ops that it consists of.
        outputs: the tensors that stood for the model's outputs.
        labels: those that stood for the labels.
        result: the tensor that came out.
    """

    name = "the loop's loss"

    def __init__(self, ran: Sequence[_RAN], outputs: Sequence[Any], labels: Sequence[Any], result: Any) -> None:
        self._ran, self._outputs, self._labels, self._result = ran, outputs, labels, result

    @property
    def places(self) -> dict[str, Any]:
        """The line of the first op of each name, as far as lines are known."""
        return {op.name: rest[0] for op, _, _, _, *rest in reversed(self._ran) if rest and rest[0] is not None}

    def __call__(self, y: Any, outputs: Any, sample_weight: Any = None) -> Any:
        """The loss of some labels and outputs.

        Raises:
            ValueError: when these aren't as many as the loop had.
        """
        values: dict[int, Any] = {}
        for known, given in ((self._outputs, outputs), (self._labels, y)):
            found = [each for each in flat(given) if each is not None]
            if len(found) != len(known):
                raise ValueError(f"{self.name} takes {len(known)} tensors here; got {len(found)}")
            values.update({id(old): new for old, new in zip(known, found)})
        return run_again(self._ran, values, self._result)


def run_again(ran: Iterable[_RAN], values: dict[int, Any], wanted: Any) -> Any:
    """What ops give for other tensors.

    Args:
        ran: the ops, in order.
        values: the other tensors, by the identities of those that they stand for.
        wanted: the tensor in whose place the result comes.
    """
    for op, inputs, settings, made, *_ in ran:
        given = [_replaced(each, values) for each in inputs]
        chosen = [_with_rows(op, inputs, given, _index(each, values)) for each in settings]
        result = op.call(**dict(zip(op.arrays, given)), **dict(zip(op.settings, chosen)))
        results = (result,) if isinstance(result, Tensor) else result
        values.update({id(old): new for old, new in zip(_tensors(made), results)})
    return values[id(wanted)]


def _with_rows(op: Any, inputs: Sequence[Any], given: Sequence[Any], setting: Any) -> Any:
    """A setting of an op; the shape that `reshape` was told, with as many rows as there are now, if it kept them."""
    if op.name != "reshape" or not isinstance(setting, tuple) or not setting:
        return setting
    before, now = (numpy.shape(each[0])[:1] for each in (inputs, given))
    return (*now, *setting[1:]) if before and setting[:1] == before and now != before else setting


def _index(setting: Any, values: dict[int, Any]) -> Any:
    """A setting, in which arrays, as those of an index, may stand for others."""
    if isinstance(setting, tuple):
        return tuple(_index(each, values) for each in setting)
    other = values.get(id(setting))
    return other.data if isinstance(other, Tensor) else setting if other is None else other


def _replaced(value: Any, values: dict[int, Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_replaced(each, values) for each in value]
    return values.get(id(value), value)


def _tensors(made: Any) -> tuple[Any, ...]:
    return (made,) if isinstance(made, Tensor) else tuple(made)


def recorded_loss(result: Any, outputs: Any, ran: Iterable[_RAN]) -> tuple[RecordedLoss, list[Any]] | None:
    """The loss that a gradient was asked of, as a function, and the labels that it was given.

    Args:
        result: what was differentiated.
        outputs: what the model gave.
        ran: the ops that ran since then, in order.

    Returns:
        None where it is made of anything else than outputs, constants and arrays with a row for each of the outputs'.
    """
    given = [each for each in flat(outputs) if isinstance(each, Tensor)]
    if not isinstance(result, Tensor) or result.data.size != 1 or not given or not given[0].shape:
        return None
    stops, wanted, taken = {id(each) for each in given}, {id(result)}, []
    for each in reversed(list(ran)):
        op, inputs, _, made, *_ = each
        if made is None or wanted.isdisjoint({id(t) for t in _tensors(made)}):
            continue
        if not is_ours(op):
            return None
        taken.append(each)
        wanted |= {id(x) for x in leaves_of(inputs)} - stops
    taken.reverse()
    made_here = {id(t) for _, _, _, made, *_ in taken for t in _tensors(made)}
    rows, labels = given[0].shape[0], {}
    for x in [x for _, inputs, *_ in taken for x in leaves_of(inputs) if id(x) not in made_here | stops]:
        if isinstance(x, Variable) or getattr(x, "key", None) is not None:
            return None  # a penalty on weights, or another model's outputs
        if getattr(x, "shape", ())[:1] == (rows,):
            labels[id(x)] = x
    loss = RecordedLoss(taken, given, list(labels.values()), result)
    found = [ops.convert_to_tensor(each) for each in labels.values()]
    return (loss, found) if id(result) in made_here and _same(loss, found, given, result) else None


def leaves_of(inputs: Any) -> list[Any]:
    """What an op was given, lists of tensors taken apart."""
    found: list[Any] = []
    for each in inputs:
        found += leaves_of(each) if isinstance(each, (list, tuple)) else [each]
    return found


def _same(loss: RecordedLoss, labels: list[Any], outputs: list[Any], result: Any) -> bool:
    """Does it give the same again?"""
    with no_grad():
        again = loss(labels, outputs)
    one, other = [numpy.asarray(t.numpy()).reshape(()) for t in (again, result)]
    return bool(abs(one - other) <= _SAME * abs(other)) or bool(one != one and other != other)
