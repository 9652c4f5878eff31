"""Which ops one call in the user's code ran, where it calls a function of ours that is composed of ops."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import CodeType
from typing import Any

from eagerflow import ops
from viz.facts.schema import Op
from viz.recorder.journal import Event

__all__ = ["ComposedCalls", "is_composed"]

_RUNS_CODE_OF_USERS = "control_flow"  # functions of that module call others, which are what a reader knows


class ComposedCalls:
    """Gathers the ops of each call."""

    def __init__(self, codes: Mapping[int, CodeType]) -> None:
        self._codes = codes
        self._last: dict[int, tuple[list[int], int | None, list[str]]] = {}  # by thread: place, scope, names of ops
        self._runs: list[tuple[list[int], list[int], list[str]]] = []  # place, ops and their names

    def add(self, op: Op, event: Event) -> None:
        """An op that ran; ops that follow each other from the same call of the user's code in one scope are one's."""
        known = self._last.get(event.thread)
        if known is not None and known[:2] == (event.places, event.scope) and event.places:
            run = self._runs[-1] if self._runs[-1][2] is known[2] else None
            if run is not None:
                run[1].append(op.id)
                run[2].append(op.name)
                return
        self._runs.append((event.places, [op.id], [op.name]))
        self._last[event.thread] = event.places, event.scope, self._runs[-1][2]

    def found(self, taken: Any) -> dict[int, tuple[str, int]]:
        """For each op of a composed function, its name and the number of the call."""
        calls: dict[int, tuple[str, int]] = {}
        number = 0
        for places, ids, names in self._runs:
            name = self._codes[places[-1]].co_name if len(places) % 2 and len(ids) > 1 else ""
            if not name or taken(ids[0], places[:-1]):
                continue
            size = _period(names)
            for at in range(0, len(ids), size) if size > 1 else ():
                calls |= dict.fromkeys(ids[at : at + size], (name, number))
                number += 1
        return calls


def _period(names: list[str]) -> int:
    """How many ops each call ran, where one in a loop ran again and again."""
    sizes = [size for size in range(1, len(names)) if len(names) % size == 0]
    return next((size for size in sizes if names == names[:size] * (len(names) // size)), len(names))


@functools.cache
def is_composed(name: str) -> bool:
    """Is it a function of `eagerflow.ops` that is no op itself?"""
    function = getattr(ops, name, None) if name else None
    if function is None or hasattr(function, "op") or not callable(function):
        return False
    return not str(getattr(function, "__module__", "")).endswith(_RUNS_CODE_OF_USERS)
