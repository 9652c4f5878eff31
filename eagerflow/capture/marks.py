"""What is announced between the instructions of a captured step: scopes, and the ends of backward passes.

A replay needs none of it; one that is observed announces it where the captured run did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from eagerflow.capture.places import Places
from eagerflow.capture.programs.instructions import Const, Group, Made, Ref, Slot
from eagerflow.core.variable import Variable

__all__ = ["Begins", "Differentiated", "Ends", "Mark", "OwnTape", "announced_ref"]


class OwnTape(NamedTuple):
    """Stands for a tape that the step makes each time."""

    number: int


class Mark:
    """Something that is announced after `at` instructions; `places` led to it."""

    by_user = False
    at: int
    places: Places


@dataclass(eq=False)
class Begins(Mark):
    """A scope begins; `owner` gives whose it is, None once that is gone. `by_user`: the user's code opened it."""

    kind: str
    name: str
    owner: Any
    inputs: Ref
    by_user: bool


@dataclass(eq=False)
class Ends(Mark):
    """The innermost scope ends."""

    outputs: Ref


@dataclass(eq=False)
class Differentiated(Mark):
    """A backward pass is over."""

    targets: Ref
    sources: Ref
    results: Ref


def announced_ref(ref: Ref) -> Ref:
    """A reference for an announcement: tensors by their slots, and nothing held that only this run has."""
    if isinstance(ref, Made):
        return Slot(ref.number)
    if isinstance(ref, Group):
        return Group(ref.kind, list(map(announced_ref, ref.parts)), ref.keys)
    if not isinstance(ref, Const):
        return ref
    value = ref.constant
    if isinstance(value, (list, tuple)):
        return Group(list if isinstance(value, list) else tuple, [announced_ref(Const(part)) for part in value])
    return ref if isinstance(value, (Variable, int, float, str)) else Const(None)
