"""What a recording writes down while the program runs: flat lists of numbers and texts.

Flat, because every tuple that is kept would be looked at by the garbage collector again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from viz.recorder.descriptions import described

__all__ = ["Event", "Journal", "Met", "same_memory"]


class Event(NamedTuple):
    """What was announced: an op, a backward rule, an update in place, a draw, something ranks did together.

    And of a metric that ended, what it was given; and that Python took the values of a tensor.

    Attributes:
        kind: `"op"`, `"rule"`, `"update"`, `"draw"`, `"reading"` (of a metric), `"taken"` (by Python) or
            `"collective"`.
        op: the `Op`; the name for all others but rules; of values that were taken, by what.
        started, ended: `clock()`.
        scope: the number of the innermost open scope.
        thread: the thread's identity.
        given: values of the op's settings; for rules, the keys of the forward op's outputs and of its inputs; for
            draws and collectives, their settings.
        gone: how many pieces of memory had been given back by then (`Memory.gone`).
        inputs: an entry per argument: the position of a tensor, None, a tuple of such, or `("=", plain value)`.
        outputs: positions of tensors.
        places: numbers in `Walker.codes`, each with an instruction.
        error: what it raised.
        begin: where it begins in the log.
    """

    kind: str
    op: Any
    started: int
    ended: int
    scope: int | None
    thread: int
    given: Any
    gone: int
    inputs: list[Any]
    outputs: list[int]
    places: list[int]
    error: str | None
    begin: int


class Met(NamedTuple):
    """A tensor as it was when first met.

    Attributes:
        shape, dtype: the array's.
        key: under which tapes know it.
        storage: the number of its memory.
        variable: path and role, for variables.
        device: `"cpu"` or `"gpu:N"`.
        outside: it wasn't made by an op of this recording.
    """

    shape: tuple[int, ...]
    dtype: Any
    key: int | None
    storage: int | None
    variable: tuple[str, str] | None
    device: str
    outside: bool


_FIELDS = Event._fields.index("inputs")  # of an event before its lists
_MET = len(Met._fields)


class Journal:
    """Events and tensors in the order in which they came.

    Attributes:
        log: all events, each the first eight fields of `Event`, the lengths of its three lists, and those lists.
        errors: what an event raised, by where it begins in `log`.
        tensors: all tensors, each the fields of `Met`. Its position is a tensor's number.
    """

    __slots__ = ("errors", "log", "tensors")

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.tensors: list[Any] = []
        self.errors: dict[int, str | None] = {}

    def note_error(self, error: BaseException) -> None:
        """The next event raised `error`."""
        self.errors[len(self.log)] = described(error)

    def events(self) -> Iterator[Event]:
        """The events."""
        log, at = self.log, 0
        while at < len(log):
            a = at + _FIELDS + 3
            reads, makes, places = log[at + _FIELDS : a]
            b, c = a + reads, a + reads + makes
            end = c + places
            yield Event._make((*log[at : at + _FIELDS], log[a:b], log[b:c], log[c:end], self.errors.get(at), at))
            at = end

    def met(self) -> list[Met]:
        """The tensors."""
        flat = iter(self.tensors)
        return [Met(*row) for row in zip(*[flat] * _MET)]

    def name_variable(self, position: int, variable: tuple[str, str], storage: int | None) -> None:
        """Note that a tensor met before is a variable's."""
        self.tensors[_MET * position + 3 : _MET * position + 5] = storage, variable


def same_memory(tensors: Iterable[Met]) -> dict[int, int]:
    """Arrays passed as they are, by position, to the op's output that they are.

    Not to an op's view of memory that came from outside so: `fit` gathers each batch in the same memory.
    """
    made: dict[tuple[Any, ...], int] = {}
    given, same = set[tuple[Any, ...]](), dict[int, int]()
    for position, met in enumerate(tensors):
        place = (met.storage, tuple(met.shape), met.dtype)
        if met.storage is None:
            continue
        if met.outside and place not in made:
            given.add(place)
        elif met.outside and met.key is None and met.variable is None:
            same[position] = made[place]
        elif not met.outside and place not in given:
            made[place] = position
    return same
