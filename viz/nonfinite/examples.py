"""Elements that aren't finite, with what an op was given for each of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

from eagerflow.ops.replaying import op_named
from viz.recorder.finite_check import nonfinite

__all__ = ["EXAMPLES", "Example", "examples_of", "given_by_place"]

EXAMPLES = 3  # that are told
# Modules of ops that make each element of the ones at its place, or mostly so. A product's are of whole rows.
_BY_PLACE = (".elementwise.", ".activations", ".softmax", ".normalization", ".crossentropy", ".dropout", ".group_norm")


@dataclasses.dataclass(slots=True)
class Example:
    """One element that isn't finite: its position, its value, and what the op was given for it."""

    index: tuple[int, ...]
    value: float
    inputs: dict[str, float]


def given_by_place(op: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The arrays that an op was given, if an element of its result is made of those at the same place; else none.

    Args:
        op: its name. Of an op of the user's own, shapes that fit tell enough.
        inputs: the arrays by name.
    """
    known = op_named(op)
    told = known is None or any(part in f"{known.mathematics.__module__}." for part in _BY_PLACE)
    return inputs if told else {}


def examples_of(array: Any, inputs: dict[str, Any]) -> list[Example]:
    """The first elements that aren't finite, with the elements of the inputs that stand at the same place."""
    if array.dtype.kind not in "fc" or not nonfinite(array)[2]:
        return []
    flat = numpy.flatnonzero(~numpy.isfinite(array))[:EXAMPLES]
    found = []
    for position in flat:
        index = tuple([int(i) for i in numpy.unravel_index(position, array.shape)])
        given = {name: _element(other, index, array.shape) for name, other in inputs.items()}
        value = array[index]
        found.append(Example(index, _real(value), {name: each for name, each in given.items() if each is not None}))
    return found


def _element(array: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> float | None:
    """The element that broadcasting puts at `index` of `shape`; None when shapes don't fit or it is no number."""
    array = numpy.asarray(array)
    if array.dtype.kind not in "biufc" or array.ndim > len(index):
        return None
    own, lengths = index[len(index) - array.ndim :], shape[len(index) - array.ndim :]
    if any(n not in (1, length) for n, length in zip(array.shape, lengths)):
        return None
    return _real(array[tuple([0 if n == 1 else i for n, i in zip(array.shape, own)])])


def _real(value: Any) -> float:
    return float(abs(value) if numpy.iscomplexobj(value) else value)
