"""An optimizer's state spread over ranks: each keeps its parts of the slots, and updates its parts of the weights.

Sums of gradients arrive part by part anyway (`runtime/buckets.py`): a rank gets the sums of its parts of all buckets,
lets the rule work on them, and hands the new weights out. Elementwise rules give the same bits however their arrays
are cut, so the weights are those of a state that is whole.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.core.in_place import Writing, stored
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.distribution.runtime.buckets import Buckets
from eagerflow.optimizers.entry import Entry
from eagerflow.optimizers.updates.passes import Part

__all__ = ["Spread", "away"]


class _Overlap(NamedTuple):
    """What a rank's part of a bucket has of one variable: elements of the variable, flat, and of the part."""

    entry: int
    of_variable: slice
    of_part: slice


class _Piece:
    """This rank's part of one bucket.

    Attributes:
        total: where sums arrive, and new weights leave.
        weights: the weights while the rule works on them.
        slots: the rule's state, by kind.
        overlaps: with each of the variables.
    """

    def __init__(self, buckets: Buckets, number: int, kinds: int) -> None:
        bucket = buckets.buckets[number]
        start, stop = buckets.part(number)
        size = bucket.dtype.itemsize
        self.total = buckets.window.total[start:stop].view(bucket.dtype)
        self.weights = numpy.zeros(len(self.total), bucket.dtype)
        self.slots = [numpy.zeros(len(self.total), bucket.dtype) for _ in range(kinds)]
        self.overlaps = []
        for i, place in zip(bucket.members, bucket.places):
            begin = max(start, place)
            end = min(stop, place + math.prod(buckets.shapes[i]) * size)
            if begin < end:
                of_variable = slice((begin - place) // size, (end - place) // size)
                self.overlaps.append(_Overlap(i, of_variable, slice((begin - start) // size, (end - start) // size)))


class Spread:
    """The state of an optimizer for one set of variables.

    Args:
        buckets: of the variables' gradients.
        entries: the variables with their slots, in the order of the gradients.
        decays: which of them shrink.
    """

    def __init__(self, buckets: Buckets, entries: Sequence[Entry], decays: Sequence[bool]) -> None:
        self.buckets, self.entries, self.decays = buckets, list(entries), list(decays)
        self.kinds = len(self.entries[0].slots)
        self.pieces = [_Piece(buckets, number, self.kinds) for number in range(len(buckets.buckets))]
        self.variables = [entry.variable for entry in self.entries]

    @property
    def nbytes(self) -> int:
        """Bytes of the state that this rank keeps."""
        return sum(slot.nbytes for piece in self.pieces for slot in piece.slots)

    def take_in(self) -> None:
        """Take this rank's parts of slots that are whole (at first, and after somebody put one there)."""
        for kind in range(self.kinds):
            whole = [i for i, entry in enumerate(self.entries) if not isinstance(entry.slots[kind], _Away)]
            if not whole:
                continue
            for piece in self.pieces:
                for i, of_variable, of_part in piece.overlaps:
                    if i in whole:
                        piece.slots[kind][of_part] = self.entries[i].slots[kind].data.reshape(-1)[of_variable]
            for i in whole:
                _send_away(self.entries[i].slots[kind])

    def parts(self, known: Sequence[bool]) -> Iterator[Part]:
        """The inputs of a rule: weights, sums of gradients and slots, in one piece where they are treated the same way.

        Args:
            known: which variables have gradients; others stay as they are.
        """
        for piece in self.pieces:
            for i, of_variable, of_part in piece.overlaps:
                piece.weights[of_part] = self.variables[i].data.reshape(-1)[of_variable]
            for cut, decays in _joined(piece.overlaps, known, self.decays):
                slots = [slot[cut] for slot in piece.slots]
                yield Part(piece.weights[cut], piece.total[cut], slots, decays)

    def show(self) -> None:
        """Let the variables of all ranks have the new weights."""
        for piece in self.pieces:
            piece.total[...] = piece.weights
        self.buckets.gather()
        with Writing(self.variables) as arrays:
            for array, total in zip(arrays, self.buckets.total):
                array[...] = total

    def gather(self) -> None:
        """Let all slots be whole on all ranks, which call this together."""
        for kind in range(self.kinds):
            gone = [isinstance(entry.slots[kind], _Away) for entry in self.entries]
            if not any(gone):
                continue
            self.buckets.clear()
            for piece in self.pieces:
                piece.total[...] = piece.slots[kind]
            self.buckets.gather()
            for entry, total, is_gone in zip(self.entries, self.buckets.total, gone):
                if is_gone:
                    entry.slots[kind].data = total.copy()


def _joined(
    overlaps: Sequence[_Overlap], known: Sequence[bool], decays: Sequence[bool]
) -> Iterator[tuple[slice, bool]]:
    """Stretches of a part that a rule treats the same way, with whether their weights shrink."""
    begin = end = 0
    shrink = False
    for i, _, of_part in overlaps:
        if begin < end and (not known[i] or decays[i] is not shrink):
            yield slice(begin, end), shrink
            begin = end
        if known[i]:
            if begin == end:
                begin, shrink = of_part.start, decays[i]
            end = of_part.stop
    if begin < end:
        yield slice(begin, end), shrink


class _Away:
    """A variable whose values are spread over ranks."""

    __slots__ = ()


def _spread_values(variable: Any) -> Any:
    raise RuntimeError(
        f"{variable.path}: its values are spread over the ranks (shard_optimizer). Let all ranks call "
        "optimizer.gather() before they are read, or use DataParallel(shard_optimizer=False)."
    )


def _put_values(variable: Any, array: Any) -> None:
    """Assigning values makes it an ordinary variable again."""
    variable.__class__ = type(variable).__mro__[2]
    variable.data = array


def _assign(variable: Any, value: Any) -> Any:
    """The values elsewhere are replaced as a whole."""
    shape = numpy.shape(value.data if isinstance(value, Tensor) else value)
    if shape != variable.shape:
        raise ValueError(f"Variable {variable.path!r}.assign(value): expected shape {variable.shape}; got {shape}.")
    _put_values(variable, numpy.zeros(variable.shape, variable.dtype))
    return variable.assign(value)


def _of_shape(name: str) -> property:
    return property(lambda variable: getattr(stored(variable), name))


@functools.cache
def away(kind: Any) -> type:
    """The class of variables of a class while their values are elsewhere; shape and type are known all the same."""
    told: dict[str, Any] = {name: _of_shape(name) for name in ("shape", "dtype", "ndim", "size", "nbytes")}
    told |= {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__}
    told["assign"] = _assign
    return type(kind.__name__, (_Away, kind), {**told, "data": property(_spread_values, _put_values)})


def _send_away(variable: Variable) -> None:
    """Give a variable's memory back."""
    nothing = numpy.zeros((), variable.data.dtype)
    variable.data = numpy.broadcast_to(nothing, variable.data.shape)
    kind: Any = type(variable)
    variable.__class__ = away(kind)
