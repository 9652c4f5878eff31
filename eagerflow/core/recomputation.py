"""Computing again instead of keeping: what lies behind `remat`.

A function runs as always, but its ops are not kept on the tape: one record stands for all of them. When a gradient
arrives there, the function runs once more with everything as it was then (values of variables, draws, context), and
the walk goes through what that run left. The records get the keys of the first run, so gradients are the same sums
in the same order, tensors that escape from the function keep their gradients, and observers meet keys they know.
"""

from __future__ import annotations

import contextlib
import contextvars
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy

from eagerflow.base.capturing import not_replayable
from eagerflow.base.typing import Array, Needs, Numpy
from eagerflow.core.in_place import changes_noted, stored, undone
from eagerflow.core.log import Log, Record, alone, apart, log
from eagerflow.core.observe import Observer, current, heard_by, scope
from eagerflow.core.random import Draws, drawing
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.core.variable import Variable, variable_of

__all__ = ["is_recomputed", "recomputed"]

# A block around the second run, in which floors above put back what they know of the first.
Around = Callable[[], contextlib.AbstractContextManager[Any]]


class _Recorder(Log):
    """The log of one run of such a function. It keeps the records on request, or for tapes inside."""

    __slots__ = ("keeps", "made", "names", "used")

    def __init__(self, keeps: bool) -> None:
        super().__init__()
        self.keeps = keeps
        self.names: list[tuple[str, int]] = []  # of the ops, and how many outputs they had
        self.made: list[int | None] = []  # keys of outputs
        self.used: dict[int | None, None] = {}  # keys of inputs, in order

    def append(self, record: Record) -> None:
        out = record[1] if record[1].__class__ is tuple else (record[1],)
        self.names.append((record[0].name, len(out)))
        self.made += out
        self.used.update(dict.fromkeys(record[2]))
        super().append(record if self.keeps or not alone() else None)


def is_recomputed() -> bool:
    """Whether what runs now will be computed again, or is just being so."""
    return log.get().__class__ is _Recorder


def recomputed(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    around: Around = contextlib.nullcontext,
    state: Sequence[Variable] = (),
) -> Any:
    """The result of `function(*args, **kwargs)`, whose gradient is found by computing it once more.

    Args:
        function: anything that gives the same ops each time.
        args: its arguments.
        kwargs: those by name.
        around: gives a block for the second run.
        state: variables that it may read and that no tape tracks.
    """
    records = log.get()
    if records is None:
        return function(*args, **kwargs)
    not_replayable("under a tape, it computes results again for the gradient (remat)")
    first, again = _Recorder(keeps=False), _Again(function, args, kwargs, around)
    legacy = _legacy_draws()
    with apart(first, needed=False), changes_noted() as changed, drawing(again.draws):
        result = function(*args, **kwargs)
    if not _same_draws(legacy, _legacy_draws()):
        again.legacy = legacy
    made = set(first.made)
    again.used = [key for key in first.used if key is not None and key not in made]
    if again.used:
        again.names = first.names
        again.note_variables(changed, state)
        keys = (*again.used, *[key for key in first.made if key is not None])
        records.append((again, tuple(first.made), keys, (None,) * len(keys), ()))
    return result


class _Again:
    """What the tape keeps of such a function, in the place of an op."""

    joint = recorded_joint = unfolds = True
    keeps_inputs = False
    settings: tuple[str, ...] = ()
    names: list[tuple[str, int]]
    used: list[int]
    legacy: tuple[Any, Any] | None = None

    def __init__(self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], around: Around):
        self.function, self.args, self.kwargs = function, args, kwargs
        owner = getattr(function, "__self__", function)
        self.name = getattr(owner, "name", None) or getattr(function, "__name__", type(function).__name__)
        self.draws = Draws()
        self.around = around
        self.context = contextvars.copy_context()
        self.variables: list[tuple[Variable, Any, int | None]] = []

    def note_variables(self, changed: dict[Variable, Any], state: Sequence[Variable]) -> None:
        """Keep the arrays that variables had at the beginning. Who changes one later changes a copy."""
        given = current_stateless_scope.get()
        used = [v for v in map(variable_of, self.used) if v is not None]
        for variable in dict.fromkeys([*used, *changed, *state, *(given.state_mapping if given else ())]):
            self.variables.append((variable, changed.get(variable, stored(variable)), variable.key))

    def again(self, record: Record, recorded: bool) -> Log:
        """The records of a second run, under the keys of the first."""
        second = _Recorder(keeps=True)
        self.context.copy().run(self._run, second, current())
        if second.names != self.names:
            raise RuntimeError(
                f"remat: {self.name} ran other ops when it was computed again for its gradient than at first. What is "
                "recomputed may depend on its arguments, on variables and on draws of eagerflow alone."
            )
        keys: dict[int | None, int | None] = {None: None, **dict(zip(self.used, record[2], strict=False))}
        keys.update(zip(second.made, record[1], strict=True))
        if not keys.keys() >= second.used.keys():
            raise RuntimeError(f"remat: {self.name} used other tensors when it was computed again than at first.")
        if recorded:  # rules see tensors of the second run, too: they are those of the first
            open_log: Any = log.get()
            open_log += [(_SAME, new, (old,), (None,), ()) for new, old in keys.items() if new != old and new]
        records = Log()
        for op, out, inputs, shapes, saved in second:
            named = keys[out] if out.__class__ is int else tuple([keys[key] for key in out])
            records.append((op, named, tuple([keys[key] for key in inputs]), shapes, saved))
        return records

    def _run(self, second: _Recorder, observers: tuple[Any, ...]) -> None:
        """The second run: everything is as it was, and nothing of it stays."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(heard_by(tuple([_Elsewhere(observer) for observer in observers])))
            stack.enter_context(scope("user", f"{self.name} again"))
            stack.enter_context(self._values_of_then())
            stack.enter_context(undone())
            stack.enter_context(_legacy_put_back(self.legacy))
            stack.enter_context(drawing(self.draws.again()))
            stack.enter_context(self.around())
            stack.enter_context(apart(second, needed=True))
            self.function(*self.args, **self.kwargs)

    @contextlib.contextmanager
    def _values_of_then(self) -> Iterator[None]:
        now = []
        for variable, array, key in self.variables:
            if stored(variable) is not array or variable.key != key:
                now.append((variable, stored(variable), variable.key))
                variable.data, variable.key = array, key
        try:
            yield
        finally:
            for variable, array, key in now:
                variable.data, variable.key = array, key


class _Elsewhere(Observer):
    """Tells an observer of a second run, but not of assignments, which are taken back."""

    def __init__(self, observer: Observer) -> None:
        for event in ("op", "draw", "fill", "read", "rule", "gradient", "scope_begin", "scope_end"):
            setattr(self, f"on_{event}", getattr(observer, f"on_{event}"))


class _Same:
    """The op of a tensor that is another one, under its own key."""

    name = "identity"
    joint = recorded_joint = keeps_inputs = unfolds = False
    settings: tuple[str, ...] = ()

    @staticmethod
    def _pull(xp: Numpy, g: Array, record: Record, needs: Needs) -> Array:
        return g

    pulls = recorded_pulls = (_pull.__func__,)  # type: ignore[attr-defined]


_SAME = _Same()


def _legacy_draws() -> tuple[Any, Any]:
    return random.getstate(), numpy.random.get_state()  # noqa: NPY002


def _same_draws(a: tuple[Any, Any], b: tuple[Any, Any]) -> bool:
    return bool(a[0] == b[0] and a[1][2:] == b[1][2:] and (a[1][1] == b[1][1]).all())


@contextlib.contextmanager
def _legacy_put_back(then: tuple[Any, Any] | None) -> Iterator[None]:
    """Python's and NumPy's own draws as then, where the function made any."""
    if then is None:
        yield
        return
    now = _legacy_draws()
    _set_legacy(then)
    try:
        yield
    finally:
        _set_legacy(now)


def _set_legacy(state: tuple[Any, Any]) -> None:
    random.setstate(state[0])
    numpy.random.set_state(state[1])  # noqa: NPY002
