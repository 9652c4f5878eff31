"""Changing the arrays of variables in place, so that nobody who reads a variable ever sees them change.

An array that somebody refers to is never written to (`exclusive.py`). But to look who refers to it, and to write, are
two actions, and another thread may read the variable in between: NumPy itself lets others run while it computes. So
a writer first turns its variables into those of a class whose `data` waits (`_busy`): from then on nobody comes by
the arrays. Then it looks who did before, copies the arrays that somebody holds, writes, and turns the variables back.
Reading a variable that nobody writes costs nothing for it.

Here is also what takes assignments back (`undone`).
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from eagerflow.base.machine.forks import held_over_forks
from eagerflow.core.device import namespace_of
from eagerflow.core.exclusive import exclusive_through
from eagerflow.core.tensor import Tensor

__all__ = ["SMALL", "Writing", "changes_noted", "kept", "note_writer", "noted", "owned", "put", "reads_as_stored"]
__all__ += ["settled", "stored", "taken_back", "undo", "undone", "while_written", "writers_heard"]

SMALL = 1 << 12  # bytes: smaller arrays are replaced by new ones, which costs less than all of this

_slot: Any = Tensor.__dict__["data"]
stored, _put = _slot.__get__, _slot.__set__  # the array itself, also where a layer sees it in another type
_lock = threading.RLock()  # held while variables are busy
_open: list[Writing] = []  # by the thread that holds the lock
_hearing: list[set[int]] = []  # who wants to know which threads write to variables
_busy_kinds: dict[type, type] = {}  # the classes of variables that are written now, with those of before
# Variables with their arrays of before, where assignments will be taken back.
undo: contextvars.ContextVar[dict[Any, Any] | None] = contextvars.ContextVar("undo", default=None)

held_over_forks(_lock)  # a child begins with all arrays in their places


class Writing:
    """`with Writing(variables) as arrays:` the arrays may be written to, and are back in their places afterwards.

    What others hold was copied before; and all of it where assignments will be taken back. No user code
    may run inside.

    Args:
        variables: each once.
    """

    __slots__ = ("arrays", "kinds", "variables")

    def __init__(self, variables: Sequence[Any]) -> None:
        self.variables = variables
        self.kinds: list[type] = []
        self.arrays: list[Any] = []

    def __enter__(self) -> list[Any]:
        if _hearing:
            note_writer()
        _lock.acquire()
        try:
            self.kinds = list(map(type, self.variables))
            _open.append(self)
            for variable, kind in zip(self.variables, self.kinds):
                variable.__class__ = _busy(kind)
            self._settle()
        except BaseException:
            self.__exit__()
            raise
        return self.arrays

    def _settle(self) -> None:
        """Copy what others hold. The arrays can't be read any more, so all references to them exist already."""
        keeping = undo.get()
        for variable in self.variables:
            if keeping is not None:
                keeping.setdefault(variable, stored(variable))
            if keeping is not None or not exclusive_through(stored, variable):
                _put(variable, owned(stored(variable)))
        self.arrays = list(map(stored, self.variables))

    def __exit__(self, *exc: object) -> None:
        try:
            for variable, kind in zip(self.variables, self.kinds):
                variable.__class__ = kind
            _open.remove(self)
        finally:
            _lock.release()


@functools.cache
def _busy(kind: Any) -> type:
    """The class of variables while they are written: reading their array waits."""

    def reduce(self: Any) -> Any:
        with _lock:
            rebuild, (_, *values) = kind.__reduce__(self)
        return rebuild, (kind, *values)

    names = {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": reduce}
    made = type(kind.__name__, (kind,), {**names, "data": property(while_written, _set_while_written)})
    _busy_kinds[made] = kind
    return made


def settled(variable: Any) -> Any:
    """The array of a variable as `stored` gives it, once nobody writes to it.

    >>> settled(ef.Variable([1.0, 2.0]))
    array([1., 2.], dtype=float32)
    """
    array = stored(variable)  # held from here on, so that a writer who looks later takes a copy
    while variable.__class__ in _busy_kinds:
        with _lock:
            if _is_written_here(variable):
                return owned(stored(variable))
            array = stored(variable)
    return array


def reads_as_stored(variable: Any) -> bool:
    """Whether `variable.data` is what `settled` gives, wherever it is asked for; else layers see another type of it."""
    kind = type(variable)
    kinds = _busy_kinds.get(kind, kind).__mro__
    return not any("data" in each.__dict__ for each in kinds if each is not Tensor)


def while_written(variable: Any) -> Any:
    """The array, once another thread has written it; in the writing thread a copy of what is there so far.

    A profiler or a signal handler may ask in that thread.
    """
    with _lock:
        if _is_written_here(variable):
            return owned(stored(variable))
    return variable.data


def _is_written_here(variable: Any) -> bool:
    """Whether this thread, which holds the lock, is the one that writes to a variable."""
    return any(variable is busy for writing in _open for busy in writing.variables)


def _set_while_written(variable: Any, array: Any) -> None:
    with _lock:
        put(variable, array)


def put(variable: Any, array: Any) -> None:
    """Let a variable have another array."""
    if _hearing:
        note_writer()
    _put(variable, array)


@contextlib.contextmanager
def writers_heard() -> Iterator[set[int]]:
    """Gives the numbers of the threads that write to variables inside the block, as far as they do it by `put`."""
    found: set[int] = set()
    _hearing.append(found)
    try:
        yield found
    finally:
        _hearing[:] = [each for each in _hearing if each is not found]


def note_writer() -> None:
    """This thread writes to a variable."""
    for found in _hearing:
        found.add(threading.get_ident())


def owned(array: Any) -> Any:
    """A copy that owns its memory (NumPy scalars become arrays)."""
    return namespace_of(array).array(array)


def noted(variable: Any) -> None:
    """Keep the variable's array, which is about to be replaced, where assignments will be taken back."""
    keeping = undo.get()
    if keeping is not None:
        keeping.setdefault(variable, stored(variable))


@contextlib.contextmanager
def _noted_in(changed: Any) -> Iterator[Any]:
    """Assignments inside the block are noted there, or nowhere."""
    before = undo.get()
    undo.set(changed)
    try:
        yield changed
    finally:
        undo.set(before)


@contextlib.contextmanager
def changes_noted() -> Iterator[dict[Any, Any]]:
    """Gives the variables that are assigned to inside the block, with their arrays before. The assignments stay."""
    around = undo.get()
    changed: dict[Any, Any] = {}
    try:
        with _noted_in(changed):
            yield changed
    finally:
        if around is not None:
            for variable, array in changed.items():
                around.setdefault(variable, array)


@contextlib.contextmanager
def undone() -> Iterator[dict[Any, Any]]:
    """Assignments inside the block are taken back at its end (probes run the user's code for its shapes).

    Gives the variables that were assigned to so far, with their arrays before.
    """
    changed: dict[Any, Any] = {}
    try:
        with _noted_in(changed):
            yield changed
    finally:
        for variable, array in changed.items():
            variable.data = array


def taken_back() -> bool:
    """Whether assignments made now will be taken back (`undone`): only those passed to `noted`."""
    return undo.get() is not None


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Assignments inside the block stay, even where a probe would take them back: it builds a layer, say."""
    with _noted_in(None):
        yield
