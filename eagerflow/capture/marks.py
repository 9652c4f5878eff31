"""What is announced beside the instructions of a captured step: scopes, and the ends of backward passes.

A replay needs none of it; one that is observed announces it where the captured run did.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from eagerflow.capture.instructions import Const, Group, Made, Ref, Slot
from eagerflow.capture.places import Places
from eagerflow.core.primitive import Op
from eagerflow.core.variable import Variable

__all__ = ["Begins", "Ends", "Differentiated", "Mark", "OwnTape", "WentBack", "announced_ref"]


class OwnTape(NamedTuple):
    """Stands for a tape that the step makes each time."""

    number: int


class Mark:
    """Something that is announced.

    Attributes:
        at: how many instructions came before.
        places: what led to it.
    """

    __slots__ = ("at", "places")
    by_user = False

    at: int
    places: Places


class Begins(Mark):
    """A scope begins.

    Args:
        kind, name: of the scope.
        owner: gives whose scope it is; None once that is gone.
        inputs: what it is given.
        by_user: whether the user's code opened it.

    Attributes:
        by_position: how many of the inputs a layer was given by their positions.
    """

    __slots__ = ("by_position", "by_user", "inputs", "kind", "name", "owner")

    by_position: int

    def __init__(self, kind: str, name: str, owner: Any, inputs: Ref, by_user: bool) -> None:
        self.kind, self.name, self.owner, self.inputs = kind, name, owner, inputs
        self.by_user = by_user


class Ends(Mark):
    """The innermost scope ends.

    Args:
        outputs: what it gives.
    """

    __slots__ = ("outputs",)

    def __init__(self, outputs: Ref) -> None:
        self.outputs = outputs


class Differentiated(Mark):
    """A backward pass is over."""

    __slots__ = ("results", "sources", "targets")

    def __init__(self, targets: Ref, sources: Ref, results: Ref) -> None:
        self.targets, self.sources, self.results = targets, sources, results


class WentBack(Mark):
    """A rule ran on tensors, because a tape around it recorded; what it computed with are instructions.

    Args:
        op: whose rule.
        since: the first of those instructions.
        made: slots of the op's outputs, None for those without gradients.
        read: slots of its inputs.
        gradients: of the outputs.
        results: the gradients of the inputs.
    """

    __slots__ = ("gradients", "made", "op", "read", "results", "since")

    def __init__(
        self, op: Op, since: int, made: list[int | None], read: list[int | None], gradients: Ref, results: Ref
    ) -> None:
        self.op, self.since, self.made, self.read = op, since, made, read
        self.gradients, self.results = gradients, results


def announced_ref(ref: Ref) -> Ref:
    """A reference for an announcement: tensors by their slots, and nothing held that only this run has."""
    if isinstance(ref, Made):
        return Slot(ref.number)
    if isinstance(ref, Group):
        return Group(ref.kind, [announced_ref(part) for part in ref.parts], ref.keys)
    if not isinstance(ref, Const):
        return ref
    value = ref.constant
    if isinstance(value, (list, tuple)):
        return Group(list if isinstance(value, list) else tuple, [announced_ref(Const(part)) for part in value])
    return ref if isinstance(value, (Variable, int, float, str)) else Const(None)
