"""What ranks do together, announced to those who observe: the one place where collective calls become events.

All calls of a communicator announce themselves: `Communicator` sees to it for each of its kinds. While nobody observes,
that costs one attribute test for each call.

Who reduces in a thread of its own, where no observers are known, notes what it did, and lets the thread that trains
announce it when the step has it:

    notes = Notes(communicator.size)
    # in the helper thread, around each sum
    with notes.noting("all_reduce", "gradients", array.nbytes):
        channel.all_reduce(array)
    # in the thread that trains, once it has waited for the helper
    with blocked("gradients", communicator.size):
        helper.finish()
    notes.announce()
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.core.observe import clock, current, state, unobserved

__all__ = ["COLLECTIVE", "Notes", "announce", "announcing", "blocked"]

COLLECTIVE = {
    "all_reduce": "all_reduce",
    "reduce_scatter": "reduce_scatter",
    "all_gather": "all_gather",
    "broadcast": "broadcast",
    "gather_objects": "all_gather",
    "broadcast_object": "broadcast",
    "barrier": "barrier",
}
"""The methods of a communicator that are announced, and the kind that each of them is."""


def announce(
    kind: str,
    name: str,
    nbytes: int,
    started: int,
    ended: int,
    ranks: int,
    waited: int | None = None,
    overlapped: bool = False,
) -> None:
    """Tell observers of something that ranks did together; see `Observer.on_collective` for the arguments."""
    for observer in current():
        observer.on_collective(kind, name, nbytes, started, ended, waited, ranks, overlapped)


def announcing(method: Callable[..., Any]) -> Callable[..., Any]:
    """A collective method of a communicator that announces its calls."""
    kind = COLLECTIVE[method.__name__]

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not state.on or self.size == 1 or self.announces or not current():
            return method(self, *args, **kwargs)
        started = clock()
        self.announces = True  # what it calls of its own is a part of it
        try:
            return method(self, *args, **kwargs)
        finally:
            self.announces = False
            announce(kind, "", getattr(args[0], "nbytes", 0) if args else 0, started, clock(), self.size)

    return call


class blocked:
    """Announces, as a `"wait"`, how long the thread that trains stood still for what a helper does."""

    __slots__ = ("_name", "_ranks", "_started")

    def __init__(self, name: str, ranks: int) -> None:
        self._name, self._ranks = name, ranks

    def __enter__(self) -> None:
        self._started = clock() if state.on else 0

    def __exit__(self, *error: object) -> None:
        if state.on and self._started:
            announce("wait", self._name, 0, self._started, clock(), self._ranks)


class Notes:
    """What a helper thread did together with those of other ranks, until it is announced."""

    def __init__(self, ranks: int) -> None:
        self.ranks = ranks
        self._noted: list[tuple[str, str, int, int, int]] = []

    @contextlib.contextmanager
    def noting(self, kind: str, name: str, nbytes: int) -> Iterator[None]:
        """Note what happens inside the block, while anybody observes."""
        if not state.on:
            yield
            return
        started = clock()
        try:
            with unobserved():  # also where it is the thread that trains which does it
                yield
        finally:
            self._noted.append((kind, name, nbytes, started, clock()))

    def announce(self) -> None:
        """Announce everything that was noted, in its order, from the thread that trains."""
        noted, self._noted = self._noted, []
        for kind, name, nbytes, started, ended in noted:
            announce(kind, name, nbytes, started, ended, self.ranks, overlapped=True)
