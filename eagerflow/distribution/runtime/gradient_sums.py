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

from eagerflow.core.device import is_device_array
from eagerflow.core.variable import Variable
from eagerflow.distribution.runtime.agreement import agree, same_values
from eagerflow.distribution.runtime.buckets import BYTES, Buckets, Helper
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.current import setting
from eagerflow.distribution.runtime.device_buckets import DeviceBuckets
from eagerflow.distribution.runtime.faults import meeting

__all__ = ["GradientSums", "ahead", "sums_of"]

_SETS = 8  # of variables, whose memory is kept


class GradientSums:
    """The sums over the ranks of a communicator.

    Args:
        communicator: of the ranks; collective.
    """

    def __init__(self, communicator: Communicator) -> None:
        self.channel = communicator.duplicate()
        self.helper = Helper("eagerflow-gradients")
        self._sets: dict[Any, Buckets] = {}
        self._last: tuple[Sequence[Any], Buckets, int] | None = None
        self._order: list[int] = []  # identities of variables, as their gradients were finished

    def _find(self, variables: Sequence[Any], owner: int = 0) -> Buckets | None:
        last = self._last
        if last is None or last[2] != owner or len(variables) != len(last[0]) or not all(map(is_, variables, last[0])):
            found = self._sets.get(_key(variables, owner))
            if found is None:
                return None
            self._last = last = (list(variables), found, owner)
        return last[1]

    def _make(self, variables: Sequence[Any], owner: int) -> Buckets:
        """Buckets for variables that are new here, in the order of rank 0."""
        agree(self.channel, {f"variable {i}": _named(v) for i, v in enumerate(variables)}, "the sum of gradients")
        same_values(self.channel, [v for v in variables if isinstance(v, Variable)])
        place = {variable.identity: i for i, variable in enumerate(variables)}
        order = [place.pop(identity) for identity in self._order if identity in place]
        order = self.channel.broadcast_object([*order, *sorted(set(range(len(variables))).difference(order))[::-1]])
        idle = [key for key, buckets in self._sets.items() if not buckets.holds]
        for key in idle[: max(0, len(idle) + 1 - _SETS)]:  # the same ones on all ranks
            self._sets.pop(key).close()
        shapes, dtypes = [tuple(v.shape) for v in variables], [v.data.dtype for v in variables]
        most = setting("bucket_bytes") or BYTES
        if self.channel.sums_on_device and all(is_device_array(v.data) for v in variables):
            made: Buckets = DeviceBuckets(self.channel, shapes, dtypes, order, most, _wire())
        else:
            made = Buckets(self.channel, self.helper, shapes, dtypes, order, most, _wire())
        self._sets[_key(variables, owner)] = made
        self._last = (list(variables), made, owner)
        return made

    def hear(
        self, variables: Sequence[Any], weight: float, scattered: bool = False, owner: int = 0
    ) -> Callable[[int, Any], None]:
        """Begin a step; returns the function to call with each finished gradient and its variable's identity."""
        found = self._find(variables, owner)
        if found is None:
            self._order = order = []
            return lambda key, gradient: order.append(key)
        found.begin(weight, scattered)
        places = {variable.identity: i for i, variable in enumerate(variables)}
        shapes, dtypes, fill = found.shapes, found.dtypes, found.fill

        def finished(key: int, gradient: Any) -> None:
            i = places.get(key)
            if i is not None and gradient.shape == shapes[i] and gradient.dtype == dtypes[i]:
                fill(i, gradient)

        return finished

    def forget(self, variables: Sequence[Any], owner: int = 0) -> None:
        """Forget a step that has begun and won't come to its sums."""
        self._order = []
        found = self._find(variables, owner)
        if found is not None and found.began:
            found.give_up()

    def hold(self, variables: Sequence[Any], weight: float, gradients: Sequence[Any], owner: int) -> None:
        """Keep `weight * gradient` here, to be a part of the next sums for these variables and this owner."""
        self._begun(variables, weight, False, owner).hold(gradients)

    def sum(self, variables: Sequence[Any], weight: float, gradients: Sequence[Any], owner: int = 0) -> list[Any]:
        """The sums of `weight * gradient`; None where no rank has a gradient.

        They may be arrays to be read only, and only until the next step.

        Args:
            variables: what the gradients belong to.
            weight: of this rank.
            gradients: its own, None for missing ones.
            owner: a number that keeps gradients held here (`hold`) apart from those of other owners.
        """
        found = self._begun(variables, weight, False, owner)
        with meeting("the all-reduce of gradients"):
            return found.finish(gradients)

    def scatter(self, variables: Sequence[Any], weight: float, gradients: Sequence[Any]) -> tuple[Buckets, list[bool]]:
        """The same sums, of which every rank has its parts, in buckets; and which gradients any rank has."""
        found = self._begun(variables, weight, True)
        with meeting("the reduce-scatter of gradients"):
            return found, found.finish_parts(gradients)

    def _begun(self, variables: Sequence[Any], weight: float, scattered: bool, owner: int = 0) -> Buckets:
        found = self._find(variables, owner) or self._make(variables, owner)
        if not found.began:
            found.begin(weight, scattered)
        return found


def _named(variable: Any) -> str:
    return f"{getattr(variable, 'path', '')} {tuple(variable.shape)} {variable.data.dtype}"


def _key(variables: Sequence[Any], owner: int) -> Any:
    return (*[variable.identity for variable in variables], owner, setting("bucket_bytes"), _wire())


def _wire() -> str | None:
    found: str | None = setting("gradient_dtype")
    return found


_found: weakref.WeakKeyDictionary[Communicator, GradientSums] = weakref.WeakKeyDictionary()


def sums_of(communicator: Communicator) -> GradientSums:
    """The sums of a communicator's ranks. Collective when it is first asked for."""
    if communicator not in _found:
        _found[communicator] = GradientSums(communicator)
    return _found[communicator]


@contextlib.contextmanager
def ahead(
    shard: Any, variables: Sequence[Any], scattered: bool = False, owner: int = 0
) -> Iterator[Callable[[int, Any], None]]:
    """A block inside which gradients are sent as soon as the function that it yields is called with them.

    What is summed there is what the next call of `sum` for these variables gives (of `scatter`, if `scattered`),
    whatever gradients it gets: so they mustn't change in between.
    """
    sums = sums_of(shard.communicator)
    finished = sums.hear(variables, shard.weight, scattered, owner)
    try:
        yield finished
    finally:
        sums.forget(variables, owner)
