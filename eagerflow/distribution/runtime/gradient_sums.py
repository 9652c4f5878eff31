"""`GradientSums`: the sums of gradients over ranks, for whichever sets of variables a program trains.

The first step of a set shows the order in which its gradients are finished; rank 0's order is that of all. From the
second step on they are summed while the backward pass goes on, if the step lets them (`ahead`).
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from operator import is_
from typing import Any

import numpy

from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.distribution.report import note
from eagerflow.distribution.runtime.agreement import agree, same_values
from eagerflow.distribution.runtime.buckets import BYTES, Buckets, Helper
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.current import setting

__all__ = ["GradientSums", "ahead", "reduce_gradients", "sums_of"]

_SETS = 8  # of variables, whose memory is kept


class GradientSums:
    """The sums over the ranks of a communicator."""

    def __init__(self, communicator: Communicator) -> None:
        self.channel = communicator.duplicate()
        self.helper = Helper("eagerflow-gradients")
        self._sets: dict[Any, Buckets] = {}
        self._last: tuple[Sequence[Any], Buckets] | None = None
        self._order: list[int] = []  # identities of variables, as their gradients were finished

    def _find(self, variables: Sequence[Any]) -> Buckets | None:
        last = self._last
        if last is None or len(variables) != len(last[0]) or not all(map(is_, variables, last[0])):
            found = self._sets.get(_key(variables))
            if found is None:
                return None
            self._last = last = (list(variables), found)
        return last[1]

    def _make(self, variables: Sequence[Any]) -> Buckets:
        """Buckets for variables that are new here, in the order of rank 0."""
        agree(self.channel, {f"variable {i}": _named(v) for i, v in enumerate(variables)}, "the sum of gradients")
        same_values(self.channel, [v for v in variables if isinstance(v, Variable)])
        places = {variable.identity: i for i, variable in enumerate(variables)}
        order = [places.pop(identity) for identity in self._order if identity in places]
        order = self.channel.broadcast_object([*order, *sorted(set(range(len(variables))).difference(order))[::-1]])
        if len(self._sets) == _SETS:
            self._sets.pop(next(iter(self._sets))).close()  # the same one on all ranks
        shapes, dtypes = [tuple(v.shape) for v in variables], [v.data.dtype for v in variables]
        made = Buckets(self.channel, self.helper, shapes, dtypes, order, setting("bucket_bytes") or BYTES)
        self._sets[_key(variables)] = made
        self._last = (list(variables), made)
        return made

    def begin(self, variables: Sequence[Any], weight: float) -> Callable[[int, Any], None]:
        """Begin a step; returns the function to call with each finished gradient and its variable's identity."""
        found = self._find(variables)
        if found is None:
            self._order = order = []
            return lambda key, gradient: order.append(key)
        found.begin(weight)
        places = {variable.identity: i for i, variable in enumerate(variables)}
        shapes, dtypes, fill = found.shapes, found.dtypes, found.fill

        def finished(key: int, gradient: Any) -> None:
            i = places.get(key)
            if i is not None and gradient.shape == shapes[i] and gradient.dtype == dtypes[i]:
                fill(i, gradient)

        return finished

    def forget(self, variables: Sequence[Any]) -> None:
        """Forget a step that has begun and won't come to its sums."""
        self._order = []
        found = self._find(variables)
        if found is not None and found.began:
            found.give_up()

    def sum(self, variables: Sequence[Any], weight: float, gradients: Sequence[Any]) -> list[Any]:
        """The sums of `weight * gradient`; None where no rank has a gradient.

        They may be arrays to be read only, and only until the next step.
        """
        found = self._find(variables) or self._make(variables)
        if not found.began:
            found.begin(weight)
        return found.finish(gradients)


def _named(variable: Any) -> str:
    return f"{getattr(variable, 'path', '')} {tuple(variable.shape)} {variable.data.dtype}"


def _key(variables: Sequence[Any]) -> Any:
    return (*[variable.identity for variable in variables], setting("bucket_bytes"))


_found: weakref.WeakKeyDictionary[Communicator, GradientSums] = weakref.WeakKeyDictionary()


def sums_of(communicator: Communicator) -> GradientSums:
    """The sums of a communicator's ranks. Collective when it is first asked for."""
    if communicator not in _found:
        _found[communicator] = GradientSums(communicator)
    return _found[communicator]


@contextlib.contextmanager
def ahead(shard: Any, variables: Sequence[Any]) -> Iterator[Callable[[int, Any], None]]:
    """A block inside which gradients are sent as soon as the function that it yields is called with them.

    What is summed there is what the next call of `sum` for these variables returns, whatever gradients it gets: so they
    mustn't change in between.
    """
    sums = sums_of(shard.communicator)
    finished = sums.begin(variables, shard.weight)
    try:
        yield finished
    finally:
        sums.forget(variables)


def reduce_gradients(shard: Any, variables: Sequence[Any], gradients: Sequence[Any], kept: bool = True) -> list[Any]:
    """The gradients of the global loss: the sum over ranks of `weight * gradient`, the same bits on all.

    Where some ranks have no gradient for a variable, they count 0; where none has one, it stays None. Of variables
    whose "gradient" is their new value (`overwrite_with_gradient`), the largest is taken, as of one batch.

    Args:
        shard: of the running step.
        variables: what the gradients belong to, the same on all ranks.
        gradients: tensors, arrays or None.
        kept: whether anybody may keep a gradient, or change it; False: they are read before the next step, and then
            forgotten.
    """
    arrays = _arrays_of(gradients)
    replaced = [i for i, v in enumerate(variables) if getattr(v, "overwrite_with_gradient", False)]
    if replaced:
        return _with_replaced(shard, variables, arrays, kept, replaced)
    found = sums_of(shard.communicator).sum(variables, shard.weight, arrays)
    return [g if g is None else Tensor(_handed(g, v, kept), None, None) for g, v in zip(found, variables)]


def _arrays_of(gradients: Sequence[Any]) -> list[Any]:
    """Raw arrays, None for missing ones."""
    return [g if g is None else g.data if isinstance(g, Tensor) else convert_to_tensor(g).data for g in gradients]


def _handed(array: Any, variable: Any, kept: bool) -> Any:
    if type(variable.data) is not type(array):
        return place(array, device_of(variable.data))  # of a rank that had no gradient itself
    return array.copy() if kept else array


def _with_replaced(
    shard: Any, variables: Sequence[Any], arrays: list[Any], kept: bool, replaced: list[int]
) -> list[Any]:
    """The same, where some gradients are their variables' new values."""
    note(f"{variables[replaced[0]].path} and others like it: the largest of all ranks', each of its own rows")
    others = [i for i in range(len(arrays)) if i not in replaced]
    summed = reduce_gradients(shard, [variables[i] for i in others], [arrays[i] for i in others], kept)
    there = numpy.array([arrays[i] is not None for i in replaced], "int64")
    shard.communicator.all_reduce(there)
    found: dict[int, Any] = dict(zip(others, summed))
    for i, count in zip(replaced, there):
        now = variables[i].data
        array = numpy.array(to_host(now if arrays[i] is None else arrays[i]), now.dtype, order="C")  # a copy
        if count:
            shard.communicator.all_reduce(array, "max")
        found[i] = Tensor(place(array, device_of(now)), None, None) if count else None
    return [found[i] for i in range(len(arrays))]
