"""A replay under a tape: it leaves on the tape the records that the eager step leaves there.

So gradients of what a captured function gives are those of its ops, of any order, by the tape's own walk. Keys are
local names in the program: those of arguments are given, those of variables are numbers, others are new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from eagerflow.capture.instructions import Instruction, Naming, Ref, Slot, same_value
from eagerflow.core.primitive import Op

__all__ = ["Taped", "Watched", "key_names", "key_of_slot"]


class Taped(NamedTuple):
    """The record of an op, for the log.

    Attributes:
        op: the op.
        made: the names of its outputs' keys; None for those without gradients.
        several: whether the outputs' keys stand in a tuple.
        read: the names of its inputs' keys, None where gradients stop.
        shapes: of its inputs.
        saved: what its rules need.
    """

    op: Op
    made: list[str | None]
    several: bool
    read: list[str | None]
    shapes: Any
    saved: list[Ref]

    def text(self, named: Naming) -> str:
        """Its piece of a line of Python."""
        made = ", ".join(map(str, self.made))
        key = f"({made}, )" if self.several else made
        read = "".join(f"{name}, " for name in self.read)
        saved = "".join(f"{ref.text(named)}, " for ref in self.saved)
        new = "; ".join(f"{name} = new_key()" for name in self.made if name is not None)
        return f"{new}; taped(({named(self.op)}, {key}, ({read}), {named(self.shapes)}, ({saved})))"

    def same(self, other: Taped | None) -> bool:
        """Whether another one is the same."""
        return (
            other is not None
            and (self.op, self.made, self.several, self.read) == (other.op, other.made, other.several, other.read)
            and same_value(self.shapes, other.shapes)
            and len(self.saved) == len(other.saved)
            and all(a.same(b) for a, b in zip(self.saved, other.saved))
        )


class Watched(Instruction):
    """A tape of the step's own watches a value, which gets a key by that."""

    __slots__ = ("source",)
    pure = False

    def __init__(self, slot: int) -> None:
        self.source, self.outs = Slot(slot), []

    @property
    def name(self) -> str:
        return "watching a tensor"

    def refs(self) -> Iterator[Ref]:
        yield self.source

    def text(self, named: Naming) -> str:
        return f"{key_of_slot(self.source.number)} = new_key()"


def key_of_slot(slot: int) -> str:
    """The name of the key of a value that is no variable's."""
    return f"k{slot}"


def key_names(keys: Any, name_of: Callable[[int], str | None]) -> list[str | None]:
    """The names of keys.

    Raises:
        LookupError: for a key that has none: its tensor came neither from the step nor from its arguments.
    """
    names = [None if key is None else name_of(key) for key in keys]
    if any(key is not None and name is None for key, name in zip(keys, names)):
        raise LookupError
    return names
