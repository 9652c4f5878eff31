"""`function`: a step that is captured after it ran, and replayed from then on."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from operator import is_
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy

from eagerflow.base import tree
from eagerflow.base.capturing import capturing
from eagerflow.base.tracebacks import boundary, warn
from eagerflow.capture.calls import heard_calls
from eagerflow.capture.comparing import first_difference
from eagerflow.capture.dependence.guards import Guards
from eagerflow.capture.dependence.reached import Held
from eagerflow.capture.draws import heard_draws
from eagerflow.capture.graphs import Graphs, graphs_of
from eagerflow.capture.program import Program
from eagerflow.capture.recorder import Recorder
from eagerflow.capture.side_by_side import may_run_side_by_side, run_side_by_side
from eagerflow.capture.varying import never_pays, what_varies
from eagerflow.capture.watching import watched
from eagerflow.core.device import device_of
from eagerflow.core.in_place import undo
from eagerflow.core.log import log
from eagerflow.core.observe import current, heard_by, observing
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.call_context import current_call
from eagerflow.world.current import world

__all__ = ["Captured", "CaptureError", "function"]

P = ParamSpec("P")
R = TypeVar("R")

_TRIES = 4  # runs that may differ from each other before a step counts as one that never repeats
_AGAIN = 8  # captures of one signature after what they depend on has changed
_MOST = 16  # signatures of one function
_NUMBERS = (int, float, complex, str, bytes, bool, type(None))


class CaptureError(RuntimeError):
    """A captured step is not the eager one any more. What the eager run changed stands; replays before may be wrong."""


class _Arguments:
    """Arguments of a call, taken apart.

    Attributes:
        tensors: those that the step computes with.
        key: what has to be the same for a replay: shapes, types, numbers, objects, and how they are nested.
        objects: models and other things among the arguments, whose attributes count too.
    """

    __slots__ = ("arrays", "key", "objects", "plain", "tensors")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.arrays = False  # whether there are NumPy arrays among them
        self.tensors: list[Tensor] = []
        self.objects: list[Any] = []
        self.plain = True  # whether all tensors are plain ones
        parts = [self._part(x) for x in args]
        if kwargs:
            parts += [(name, self._part(x)) for name, x in kwargs.items()]
        self.key = tuple(parts)

    def _part(self, x: Any) -> Any:
        kind = x.__class__
        if kind is Tensor:
            array, mask, logits = x.data, getattr(x, "mask", None), getattr(x, "logits", None)
            self.tensors.append(x)
            about: tuple[Any, ...] = (array.shape, array.dtype.str)
            if not isinstance(array, (numpy.ndarray, numpy.generic)):
                about = (*about, str(device_of(array)))
            if logits is not None:  # a loss may go on with what the activation was computed from
                about = (*about, logits[0], self._part(logits[1]), logits[2])
            return about if mask is None else (*about, self._part(mask))
        if kind in (list, tuple):
            return (kind, *map(self._part, x))
        if kind is dict:
            return (kind, *[(key, self._part(value)) for key, value in x.items()])
        if kind in _NUMBERS:
            return (kind, x) if x else (kind, repr(x))  # -0.0 isn't 0.0
        if kind is numpy.ndarray:
            self.arrays = True
        if isinstance(x, Tensor) and not isinstance(x, Variable):
            self.plain = False
        self.objects.append(x)
        return id(x)


class _Last:
    """The signature of the last call, where that had nothing but tensors: the next one most likely has it, too.

    Args:
        state: what is known of it.
        tensors: the arguments.
    """

    __slots__ = ("_kinds", "state")

    def __init__(self, state: _State, tensors: list[Tensor]) -> None:
        self.state = state
        self._kinds = [(tensor.data.shape, tensor.data.dtype) for tensor in tensors]

    def arrays(self, args: tuple[Any, ...]) -> list[Any] | None:
        """The arguments' arrays; None where they may have another signature."""
        if len(args) != len(self._kinds):
            return None
        found = []
        for x, (shape, dtype) in zip(args, self._kinds):
            if x.__class__ is not Tensor:
                return None
            array = x.data
            if array.__class__ is not numpy.ndarray or array.shape != shape or array.dtype is not dtype:
                return None
            if getattr(x, "mask", None) is not None or getattr(x, "logits", None) is not None:
                return None
            found.append(array)
        return found


def _last(state: _State, given: _Arguments, args: tuple[Any, ...]) -> _Last | None:
    """What the next call is compared with; None where it wouldn't know its own arguments again."""
    if len(given.tensors) != len(args) or not all(map(is_, given.tensors, args)):
        return None
    made = _Last(state, given.tensors)
    return None if made.arrays(args) is None else made


class _State:
    """What is known of one signature.

    Attributes:
        program: the captured step, once two runs gave the same.
        guards: what it depends on; of the last run, while two are compared.
        graphs: the program as CUDA graphs, on a GPU.
        why: why it runs eagerly, None while it may be captured.
    """

    __slots__ = (
        "again",
        "before",
        "codes",
        "endings",
        "graphs",
        "guards",
        "layers",
        "objects",
        "program",
        "replays",
        "tries",
        "why",
    )

    def __init__(self, objects: list[Any]) -> None:
        self.objects = objects  # held, since the signature has their identities
        self.program: Program | None = None
        self.before: Program | None = None  # of the last run, while two are compared
        self.guards: Guards | None = None
        self.graphs: Graphs | None = None
        self.codes: dict[Any, dict[str, Any]] = {}
        self.layers: list[Any] = []
        self.why: str | None = None
        self.replays = self.tries = self.again = self.endings = 0


class Captured(Generic[P, R]):
    """A function whose ops are replayed; made by `function`, which has the arguments.

    Attributes:
        name: what messages call it.
        replays: how many calls were replays so far.
    """

    _called_again_but = ("_function",)  # what other captured functions see of it (see `dependence/reached.py`)

    def __init__(
        self, function: Callable[..., Any], verify_every: int = 500, name: str | None = None, less_memory: bool = False
    ) -> None:
        functools.update_wrapper(self, function)
        self.less_memory = less_memory
        self.name = str(name or getattr(function, "__qualname__", "the step"))
        self._function, self.verify_every = function, verify_every
        self._states: dict[Any, _State] = {}
        self._others: _State | None = None  # of all further signatures, once there were too many
        self._last: _Last | None = None
        self._made = 0  # signatures
        self._lock = threading.Lock()
        self._told = self._told_of_graphs = False
        self.replays = 0

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        why = f", eager: {self.why_eager}" if self.why_eager is not None else ""
        return f"<captured {self.name}: {self.replays} replay{'s' if self.replays != 1 else ''}{why}>"

    @property
    def programs(self) -> list[str]:
        """The captured steps, one for each signature, as Python that can be read.

        >>> double = ef.function(lambda x: x * 2 + 1)
        >>> for _ in range(3):
        ...     _ = double(ef.Tensor([1.0]))
        >>> print(double.programs[0])
        def step(v0):
            v1 = multiply(numpy, v0, 2)
            del v0
            v2 = add(numpy, v1, 1)
            del v1
            return tensor(v2)
        <BLANKLINE>
        """
        return [state.program.source for state in self._states.values() if state.program is not None]

    @property
    def graphs(self) -> list[str]:
        """The captured steps that run as CUDA graphs, as Python that can be read.

        `graph_0` and so on stand for graphs; beside other operations stands why they aren't in one. Empty on the CPU,
        and before the first replays.
        """
        known = [state.graphs for state in self._states.values() if state.graphs is not None]
        return [graphs.source for graphs in known if graphs.source]

    @property
    def signatures(self) -> int:
        """For how many kinds of arguments it was called, whether captured or not."""
        return len(self._states)

    @property
    def why_eager(self) -> str | None:
        """Why calls aren't replayed, None where nothing speaks against it."""
        states = [*self._states.values(), *([self._others] if self._others is not None else [])]
        return next((state.why for state in states if state.why is not None), None)

    @boundary
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        observers, taping = current(), log.get()
        alone = _alone()
        if alone and not observers and taping is None and not kwargs and (last := self._last) is not None:
            arrays = last.arrays(args)
            if arrays is not None and (ready := self._ready(last.state)) is not None:
                if not ready.goes_back:
                    return ready.run(*arrays)
                with numpy.errstate(all="ignore"):  # as gradients are computed
                    return ready.run(*arrays)
        if not alone or (
            observers and (taping is not None or not all(observer.hears_replays for observer in observers))
        ):
            return self._function(*args, **kwargs)
        given = _Arguments(args, kwargs)
        if given.arrays:
            args, kwargs = tree.map_structure(_as_tensor, (args, kwargs))
            given = _Arguments(args, kwargs)
        if not given.plain:
            return self._function(*args, **kwargs)
        if taping is not None:
            given.key = (*given.key, "taped", *[tensor.key is not None for tensor in given.tensors])
        state = self._state(given)
        if state.why is not None:
            return self._function(*args, **kwargs)
        program = state.program
        if program is None or self._outdated(state):
            return self._recorded(state, args, kwargs)
        state.replays += 1
        if self.verify_every and state.replays % self.verify_every == 0:
            return self._verified(state, args, kwargs)
        self.replays += 1
        self._last = None if taping is not None or state.graphs is not None else _last(state, given, args)
        with numpy.errstate(all="ignore") if program.goes_back else nullcontext():
            if taping is not None:
                keys = [tensor.key for tensor in given.tensors]
                return program.run(taping.append, *[tensor.data for tensor in given.tensors], *keys)
            if observers and program.interests(observers):
                return program.announce(self.name, given.tensors, observers)
            if state.graphs is not None:
                return self._launched(state.graphs, given)
            return program.run(*[tensor.data for tensor in given.tensors])

    def side_by_side(self, calls: Sequence[tuple[Any, ...]]) -> list[Any] | None:
        """What several calls give that don't depend on each other, computed at the same time.

        Args:
            calls: the arguments of each.

        Returns:
            The results in order; None where not all are replays that may run at the same time: then nothing was called.
        """
        if current() or log.get() is not None or not _alone():
            return None
        given = [_Arguments(args, {}) for args in calls]
        state = self._states.get(given[0].key)
        if state is None or (program := state.program) is None or state.graphs is not None:
            return None
        if any(each.arrays or not each.plain or each.key != given[0].key for each in given):
            return None
        if self.verify_every and state.replays % self.verify_every + len(calls) >= self.verify_every:
            return None
        if not may_run_side_by_side(program, len(calls)) or self._outdated(state):
            return None
        state.replays += len(calls)
        self.replays += len(calls)
        return run_side_by_side(program, [[tensor.data for tensor in each.tensors] for each in given])

    def _ready(self, state: _State) -> Program | None:
        """The program, if this call is a replay of it; None if there is more to do."""
        program = state.program
        if program is None or self._outdated(state):
            return None
        if self.verify_every and (state.replays + 1) % self.verify_every == 0:
            return None
        state.replays += 1
        self.replays += 1
        return program

    def _launched(self, graphs: Graphs, given: _Arguments) -> Any:
        """A replay by CUDA graphs. The first one says what isn't in any."""
        found = graphs.run(*[tensor.data for tensor in given.tensors])
        if not self._told_of_graphs:
            left = graphs.left_out()
            if left is not None:
                self._told_of_graphs = True
                warn(f"{self.name} runs partly outside of CUDA graphs: {left}.")
        return found

    def _state(self, given: _Arguments) -> _State:
        found = self._states.get(given.key)
        if found is None:
            with self._lock:
                found = self._others or self._new_state(given)
        return found

    def _new_state(self, given: _Arguments) -> _State:
        if never_pays(self._made, self.replays):
            self._others = _State([])
            self._give_up(self._others, what_varies(self._function, given.key, next(reversed(self._states))), None)
            return self._others
        if len(self._states) >= _MOST:
            self._states.pop(next(iter(self._states)))
            self._last = None
        self._made += 1
        found = self._states[given.key] = _State(given.objects)
        return found

    def _outdated(self, state: _State) -> bool:
        """Whether something that the program depends on has changed: then it is captured again."""
        assert state.guards is not None
        changed = state.guards.changed()
        if changed is None:
            return False
        state.program = state.before = state.graphs = None
        state.tries, state.again = 0, state.again + 1
        if state.again > _AGAIN:
            self._give_up(state, f"{changed} changes again and again", None)
        return True

    def _give_up(self, state: _State, why: str, line: tuple[str, int] | None) -> None:
        state.why = why if line is None else f"{why} ({line[0]}:{line[1]})"
        state.program = state.before = state.guards = state.graphs = None
        if not self._told:
            self._told = True
            warn(f"{self.name} runs eagerly, not captured: {state.why}.")

    def _recorded(self, state: _State, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the step eagerly and write it down."""
        if state.why is not None or sys.getprofile() is not None:  # a profiler listens already, and can't be put back
            return self._function(*args, **kwargs)
        between = None if state.guards is None or state.before is None else state.guards.changed()
        held = self._held(state)
        guards = state.guards = Guards(held, taped=log.get() is not None)
        recorder = Recorder(state.before is not None, current())
        with heard_draws(recorder), watched(), heard_calls(recorder, set(held.containers), current()) as calls:
            found, made = self._written(recorder, held.layers, args, kwargs)
        if made is not None and recorder.ended is not None:  # by draws that show only after the run
            made, recorder.ended = None, (guards.unsure() or recorder.ended[0], None)
        before, state.codes = state.codes, calls.codes  # of this run alone: the first one may build layers
        other = bool(calls.codes.keys() - before.keys())  # the guards don't know what these functions name
        fewer = bool(before.keys() - calls.codes.keys()) and guards.unsure() is not None  # or know too much
        if made is not None and (other or fewer) and state.before is not None:
            state.before, state.tries = made, state.tries + 1
        elif made is None:
            self._ended(state, *(recorder.ended or ("", None)))
        else:
            self._compare(state, made, recorder, guards, between)
            state.layers = held.layers
        return found

    def _written(
        self, recorder: Recorder, layers: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, Program | None]:
        """What the step gives, and the program of what it did; None where that can't be replayed."""
        given, args, kwargs = _Arguments(args, kwargs).tensors, _apart(args), _apart(kwargs)
        taken = _Arguments(args, kwargs).tensors
        inputs = [recorder.given(tensor) for tensor in taken]
        token = capturing.set(recorder)
        try:
            with observing(recorder), heard_by((*recorder.others, recorder)):
                found = self._function(*args, **kwargs)
            recorder.leave_losses(layers)
            outputs = recorder.ref(found)
            recorder.finish()
        finally:
            capturing.reset(token)
            recorder.walker.clear()
            for tensor, own in zip(given, taken):  # which observers know as one
                if hasattr(own, "serial"):
                    tensor.serial = own.serial
        if recorder.ended is not None:
            return found, None
        sizes = [getattr(value, "nbytes", 0) for value in recorder.arrays]
        taped = log.get() is not None
        return found, Program(inputs, recorder.instructions, outputs, sizes, recorder.marks, taped, self.less_memory)

    def _verified(self, state: _State, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the step eagerly, and compare it with the program: the guards have said that nothing has changed."""
        program = state.program
        assert program is not None
        recorder = Recorder(True, current())
        with watched():  # assignments are calls that replays make again, here too
            found, made = self._written(recorder, state.layers, args, kwargs)
        if made is None:
            difference: str | None = recorder.ended[0] if recorder.ended else "it ended early"
        else:
            difference = first_difference(program, made) or recorder.other_bits
            if difference is None and state.graphs is not None:
                difference = state.graphs.difference(recorder.arrays)
        if difference is not None:
            state.program = state.before = state.graphs = None
            raise CaptureError(
                f"{self.name}: the captured step is not the eager one any more: {difference}. Something that it "
                "depends on has changed unnoticed since it was captured: pass it as an argument, or don't capture."
            )
        return found

    def _ended(self, state: _State, why: str, line: tuple[str, int] | None) -> None:
        """A run couldn't be written down to its end. The first one may have built layers; the second one has not."""
        state.program = state.before = state.graphs = None
        state.endings += 1
        if state.endings > 1:
            self._give_up(state, why, line)

    def _held(self, state: _State) -> Held:
        held = Held(self._function, state.codes)
        for thing in state.objects:
            held.reach(thing, getattr(thing, "name", None) or type(thing).__name__)
        return held

    def _compare(self, state: _State, made: Program, recorder: Recorder, guards: Guards, between: str | None) -> None:
        """Whether this run is the one before; `between` names what has changed since then, if anything has."""
        state.tries += 1
        before, state.before = state.before, made
        if before is None:
            return
        difference = first_difference(before, made)
        if difference is None:
            self._settle(state, made, recorder, guards)
        elif state.tries >= _TRIES:
            changed = guards.changed()
            because = "" if between is None else f"; {between} was changed between them"
            if changed is not None:
                because = f"; the step changes {changed}, which may be why: make it a Variable"
            self._give_up(state, f"no two runs are the same: {difference}{because}", None)

    def _settle(self, state: _State, made: Program, recorder: Recorder, guards: Guards) -> None:
        """Two runs were the same: take the program, if nothing speaks against it."""
        changed, unsure = guards.changed(), guards.unsure()
        if changed is not None:
            return self._give_up(state, f"the step changes {changed}", None)
        if unsure is not None:
            return self._give_up(state, unsure, None)
        if recorder.other_bits is not None:
            return self._give_up(state, recorder.other_bits, None)
        state.program, state.before, state.guards, state.replays = made, None, guards, 0
        state.graphs = graphs_of(made)
        return None


def _as_tensor(x: Any) -> Any:
    return convert_to_tensor(x) if x.__class__ is numpy.ndarray and x.dtype.kind not in "OUSMmV" else x


def _apart(x: Any) -> Any:
    """Arguments with arrays of their own, of the same memory.

    So it is known as which of them a tensor is used that is passed twice, or that the step reaches in another way, too.
    """
    kind = x.__class__
    if kind is Tensor:
        made = Tensor(_view(x.data), None, x.key)
        if hasattr(x, "serial"):
            made.serial = x.serial
        mask, logits = getattr(x, "mask", None), getattr(x, "logits", None)
        if mask is not None:
            made.mask = _apart(mask)
        if logits is not None:
            made.logits = (logits[0], _apart(logits[1]), logits[2])
        return made
    if kind in (list, tuple):
        return kind(map(_apart, x))
    return {key: _apart(value) for key, value in x.items()} if kind is dict else x


def _view(array: Any) -> Any:
    return numpy.asarray(array) if isinstance(array, numpy.generic) else array.view()


def _alone() -> bool:
    """Whether nothing around the step needs it op by op: no layer, no probe, no ranks."""
    return capturing.get() is None and current_call.get() is None and undo.get() is None and world.share is None


@overload
def function(
    func: Callable[P, R], *, jit_compile: bool | None = None, verify_every: int = 500, less_memory: bool = False
) -> Captured[P, R]: ...
@overload
def function(
    func: None = None, *, jit_compile: bool | None = None, verify_every: int = 500, less_memory: bool = False
) -> Callable[[Callable[P, R]], Captured[P, R]]: ...
def function(
    func: Callable[..., Any] | None = None,
    *,
    jit_compile: bool | None = None,
    verify_every: int = 500,
    less_memory: bool = False,
) -> Any:
    """Capture a function's ops when it has run twice, and replay them from then on.

    A replay calls the same kernels on the same shapes, without layers, tape and checks; what it gives has the same
    bits. Optimizers, metrics, assignments and random draws are called in each replay. The first runs are eager, and so
    are all others that can't be replayed, with one warning that says why and names the line: where the function reads a
    tensor's values (`float`, `bool`, `.numpy()`), prints, changes objects outside of it, or where shapes depend on
    values. It is captured again for other shapes, types and numbers, and when an attribute, a global or a closure's
    value that it uses has changed. Under a tape, replays leave the records that gradients need; recordings of `viz` see
    each op of a replay. In a distribution it runs eagerly.

    On a GPU, what only computes becomes CUDA graphs; what CuPy can't record runs between them, and one warning names
    it. Not run on real hardware yet: see `docs/guides/speed.md`.

    Args:
        func: takes tensors (numbers and other objects too), in lists, tuples and dicts; returns the same kinds. NumPy
            arrays arrive as tensors.
        jit_compile: False: the function stays as it is.
        verify_every: after this many replays in a row, one call runs eagerly and is compared with the program bit for
            bit; on a GPU within rounding (1e-5 of an array's largest float32). 0: only at the beginning.
        less_memory: activations that are quickly computed again (normalized ones, relu's, dropout's) aren't kept for
            the backward pass. The bits stay the same; a step takes up to a seventh longer. No CUDA graphs are made.

    Returns:
        A `Captured`: called like `func`. Its `programs` are what was captured, as Python to read; `why_eager` says why
        not.

    Raises:
        CaptureError: when such a comparison fails; the operation and its line are named.

    >>> w = ef.Variable(2.0)
    >>> sgd = ef.optimizers.SGD(0.25)
    >>> @ef.function
    ... def step(x):
    ...     with ef.GradientTape() as tape:
    ...         loss = ef.ops.sum((w * x) ** 2)
    ...     sgd.apply(tape.gradient(loss, [w]), [w])
    ...     return loss
    >>> [float(step(ef.Tensor([1.0]))) for _ in range(4)]
    [4.0, 1.0, 0.25, 0.0625]
    >>> step.replays
    2
    """
    if func is None:
        settings = {"jit_compile": jit_compile, "verify_every": verify_every, "less_memory": less_memory}
        return functools.partial(function, **settings)
    if not callable(func):
        raise TypeError(f"function(func={func!r:.60}): expected something to call.")
    if isinstance(verify_every, bool) or not isinstance(verify_every, int) or verify_every < 0:
        raise ValueError(f"function(verify_every={verify_every!r}): expected an integer of at least 0.")
    return func if jit_compile is False else Captured(func, verify_every, less_memory=less_memory)
