"""Which ops one call in the user's code ran, where it calls a function of ours that is composed of ops."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

import eagerflow.ops
from viz.facts.schema import Op
from viz.recorder.journal import Event

__all__ = ["ComposedCalls", "is_composed"]

_RUNS_CODE_OF_USERS = "control_flow"  # functions of that module call others, which are what a reader knows


class ComposedCalls:
    """Gathers the ops of each call."""

    def __init__(self, codes: Mapping[int, CodeType]) -> None:
        self._codes = codes
        self._runs: list[tuple[tuple[Any, ...], list[Op]]] = []  # thread, place and scope, and the ops

    def add(self, op: Op, event: Event) -> None:
        """An op that ran; ops that follow each other from the same call of the user's code in one scope are one's."""
        key = event.thread, event.places, event.scope
        if not event.places or not self._runs or self._runs[-1][0] != key:
            self._runs.append((key, []))
        self._runs[-1][1].append(op)

    def found(self, places_around: Callable[[Op], list[int]]) -> dict[int, tuple[str, int]]:
        """For each op of a composed function, its name and the number of the call; not where its scope was called."""
        calls: dict[int, tuple[str, int]] = {}
        number = 0
        for (_, places, _), ops in self._runs:
            name = self._codes[places[-1]].co_name if len(places) % 2 and len(ops) > 1 else ""
            if not name or places[:-1] == places_around(ops[0]):
                continue
            size = _period([op.name for op in ops])
            for at in range(0, len(ops), size) if size > 1 else ():
                calls |= dict.fromkeys([op.id for op in ops[at : at + size]], (name, number))
                number += 1
        return calls


def _period(names: list[str]) -> int:
    """How many ops each call ran, where one in a loop ran again and again."""
    sizes = [size for size in range(1, len(names)) if len(names) % size == 0]
    return next((size for size in sizes if names == names[:size] * (len(names) // size)), len(names))


@functools.cache
def is_composed(name: str) -> bool:
    """Is it a function of `eagerflow.ops` that is no op itself?"""
    function = getattr(eagerflow.ops, name, None) if name else None
    if function is None or hasattr(function, "op") or not callable(function):
        return False
    return not str(getattr(function, "__module__", "")).endswith(_RUNS_CODE_OF_USERS)
