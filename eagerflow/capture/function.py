"""`function`: a step that is captured after it ran, and replayed from then on."""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import FunctionType, MethodType
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy

from eagerflow.base.capturing import capturing
from eagerflow.base.machine.forks import renewed_in_children
from eagerflow.base.tracebacks import boundary, warn
from eagerflow.capture.cache_misses import VARIES, changes_too_often, never_pays
from eagerflow.capture.comparison import first_difference
from eagerflow.capture.cuda.graphs import Graphs, graphs_of
from eagerflow.capture.draws import drawn_since, states_now
from eagerflow.capture.eligibility import why_not
from eagerflow.capture.errors import explained
from eagerflow.capture.flatten import Arguments, weakly
from eagerflow.capture.guards import Guards, functions_in
from eagerflow.capture.programs.program import Program
from eagerflow.capture.recorder import Recorder
from eagerflow.capture.value_reads import watched
from eagerflow.core.in_place import writers_heard
from eagerflow.core.log import log
from eagerflow.core.observe import current, heard_by, observing
from eagerflow.layer.added_losses import forget_losses_of
from eagerflow.layer.layer import Layer

__all__ = ["CaptureError", "Captured", "function"]

P = ParamSpec("P")
R = TypeVar("R")

_TRIES = 4  # runs that may differ from each other before a step counts as one that never repeats
_MOST = 16  # signatures of one function
_SOON = 20  # replays until a comparison that another thread disturbed is made again


class CaptureError(RuntimeError):
    """A captured step is not the eager one any more. What the eager run changed stands; replays before may be wrong."""


class _State:
    """What is known of one signature: of arguments of certain shapes, types and Python values.

    Attributes:
        objects: whose identities the signature has: it is forgotten when one of them goes.
        program: the captured step, once two runs gave the same.
        before: what the last run gave, while two are compared.
        guards: what the program depends on; of the last run, while two are compared.
        graphs: the program as CUDA graphs, on a GPU.
        layers: those that the last run called.
        why: why it runs eagerly, None while it may be captured.
        replays: of the program; `replayed`: of those before it, `again` of them.
        tries: runs that were compared; `endings`: runs that couldn't be captured.
        check_at: the replay that is an eager run instead, compared with the program; 0 for none.
    """

    def __init__(self, objects: list[Callable[[], Any]]) -> None:
        self.objects = objects
        self.program: Program | None = None
        self.before: Program | None = None
        self.guards: Guards | None = None
        self.graphs: Graphs | None = None
        self.layers: list[Callable[[], Any]] = []
        self.why: str | None = None
        self.replays = self.replayed = self.again = self.tries = self.endings = self.check_at = 0

    def forget(self) -> None:
        """Drop the program."""
        self.program = self.before = self.graphs = self.guards = None


def _forget(ask: Callable[[], Any], key: tuple[Any, ...], _: Any) -> None:
    """Let a captured function drop a signature: an object that the signature has is gone."""
    captured = ask()
    if captured is not None:
        captured._drop(key)


class Captured(Generic[P, R]):
    """A function whose ops are replayed; made by `function`, which has the arguments.

    Attributes:
        name: what messages call it.
        replays: how many calls were replays so far.
    """

    def __init__(self, function: Callable[..., Any], verify_every: int = 500, name: str | None = None) -> None:
        functools.update_wrapper(self, function)
        self.name = str(name or getattr(function, "__qualname__", "the step"))
        self._function, self.verify_every = function, verify_every
        self._states: dict[Any, _State] = {}
        self._others: _State | None = None  # of all further signatures, once there were too many
        self._made = 0  # signatures
        self.renew_lock()
        renewed_in_children(self)
        self._told = self._told_of_graphs = False
        self._around: str | None = None  # what kept a call from being captured
        self.replays = 0

    def renew_lock(self) -> None:
        """In a child of the process, whose other threads aren't there."""
        self._lock = threading.RLock()  # what is said under it may lead to another call

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """As functions are: of a module, it is its name; any other is made again, and captured by its own runs."""
        found: Any = sys.modules.get(str(getattr(self, "__module__", None)))
        names = str(getattr(self, "__qualname__", "")).split(".")
        for name in names:
            found = getattr(found, name, None)
        if found is self:
            return ".".join(names)
        return Captured, (self._function, self.verify_every, self.name)

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
        return [state.program.source for state in list(self._states.values()) if state.program is not None]

    @property
    def graphs(self) -> list[str]:
        """The captured steps that run as CUDA graphs, as Python; behind operations outside stands why they are."""
        known = [state.graphs for state in list(self._states.values()) if state.graphs is not None]
        return [graphs.source for graphs in known if graphs.source]

    @property
    def signatures(self) -> int:
        """For how many kinds of arguments it was called, whether captured or not."""
        return len(self._states)

    @property
    def why_eager(self) -> str | None:
        """Why calls aren't replayed, None where nothing speaks against it."""
        states = [*self._states.values(), *([self._others] if self._others is not None else [])]
        return next((state.why for state in states if state.why is not None), None if self.replays else self._around)

    @boundary
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return self._called(args, kwargs)
        except Exception as error:
            if (better := explained(error)) is None:
                raise
            raise better from None

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        observers, taping = current(), log.get()
        around = "it is called under a GradientTape" if taping is not None else why_not()
        given = Arguments(args, kwargs)
        if given.converts:
            args, kwargs = given.with_tensors()
        if around is None and not all(observer.hears_replays for observer in observers):
            around = "who watches it needs the eager step"
        if around is None and not given.plain:
            around = "it is given a tensor of another class than Tensor, whose methods may do anything"
        if around is not None:
            self._around = around
            return self._function(*args, **kwargs)
        state = self._state(given)
        if state.why is not None:
            return self._function(*args, **kwargs)
        program = self._current(state)
        if program is None:
            return self._recorded(state, given)
        if observers and program.quiet and program.interests(observers):
            return self._function(*args, **kwargs)
        state.replays += 1
        if state.replays == state.check_at:
            state.check_at += self.verify_every
            return self._verified(state, program, given)
        self.replays += 1
        arrays = [tensor.data for tensor in given.tensors]
        with numpy.errstate(all="ignore") if program.ignores_errors else nullcontext():  # as gradients are computed
            if observers and program.interests(observers):
                found = program.announce(self.name, given, observers)
            elif state.graphs is not None:
                found = self._launched(state.graphs, arrays)
            else:
                found = program.run(*arrays)
        forget_losses_of(program.forgets)
        return found

    def passed_by(self) -> None:
        """Notes why this call isn't captured, where the caller takes another way itself."""
        self._around = why_not()

    def _launched(self, graphs: Graphs, arrays: list[Any]) -> Any:
        """A replay by CUDA graphs. The first one says what isn't in any."""
        found = graphs.run(*arrays)
        if not self._told_of_graphs and (left := graphs.left_out()) is not None:
            self._told_of_graphs = True
            warn(f"{self.name} runs partly outside of CUDA graphs: {left}.")
        return found

    # -- signatures

    def _state(self, given: Arguments) -> _State:
        found = self._states.get(given.key)
        if found is None:
            with self._lock:
                found = self._others or self._new_state(given)
        return found

    def _new_state(self, given: Arguments) -> _State:
        if never_pays(self._made, self.replays):
            self._others = _State([])
            self._give_up(self._others, VARIES, None)
            return self._others
        if len(self._states) >= _MOST:
            self._states.pop(next(iter(self._states)))
        self._made += 1
        if any(isinstance(x, numpy.ndarray) for x in given.objects):  # others are tensors
            self._around = "it is given an array of texts, another one each time: turn texts into numbers outside of it"
        gone = functools.partial(_forget, weakref.ref(self), given.key)
        found = self._states[given.key] = _State([weakly(each, gone) for each in given.objects])
        return found

    def _drop(self, key: tuple[Any, ...]) -> None:
        """An object that a signature has is gone: another one may get its identity."""
        state = self._states.pop(key, None)
        if state is not None:
            self._around = self._around or state.why

    def _current(self, state: _State) -> Program | None:
        """The program to replay; None if there is none yet, or something that it depends on has changed."""
        program, guards = state.program, state.guards
        if program is None or guards is None:
            return None
        changed = guards.changed()
        if changed is None:
            return program
        with self._lock:
            if state.program is program:
                state.again, state.replayed = state.again + 1, state.replayed + state.replays
                state.replays = state.tries = state.endings = 0
                state.forget()
                if changes_too_often(state.again, state.replayed):
                    why = f"{changed} changes again and again: make it a Variable, or pass it as a tensor"
                    self._give_up(state, why, None)
            return None

    def _give_up(self, state: _State, why: str, line: tuple[str, int] | None) -> None:
        state.why = why if line is None else f"{why} ({line[0]}:{line[1]})"
        state.forget()
        if not self._told:
            self._told = True
            warn(f"{self.name} runs eagerly, not captured: {state.why}.")

    # -- captures

    def _recorded(self, state: _State, given: Arguments) -> Any:
        """Run the step eagerly and write it down."""
        before, changed = state.before, None if state.guards is None else state.guards.changed()
        guards = Guards(self._functions(given), self._layers(state, given))
        recorder = Recorder(before is not None, current())
        with writers_heard() as writers:
            found, made = self._written(recorder, given)
        with self._lock:
            if writers - {threading.get_ident()}:  # another thread changed variables meanwhile: this run tells nothing
                return found
            state.layers = [weakly(layer) for layer in recorder.layers.values()]
            if state.program is not None or state.why is not None:  # by another thread
                return found
            state.guards = guards
            if made is not None:
                self._compare(state, before, made, recorder, changed)
                return found
            state.before = None
            state.endings += 1
            if state.endings > 1:  # the first run may have built layers
                self._give_up(state, *(recorder.ended or ("", None)))
        return found

    def _written(self, recorder: Recorder, given: Arguments) -> tuple[Any, Program | None]:
        """What the step gives, and the program of what it did; None where that can't be replayed."""
        args, kwargs = given.with_tensors(fresh=True)
        inputs = [recorder.given(tensor) for tensor in given.tensors]
        token, states = capturing.set(recorder), states_now()
        try:
            with watched(), observing(recorder), heard_by((*recorder.others, recorder)):
                found = self._function(*args, **kwargs)
                forgets = recorder.finish()
                outputs = recorder.outputs(found)
        except RecursionError:
            recorder.end("the step is given or returns a list or dict that holds itself")
            return self._function(*args, **kwargs), None
        finally:
            capturing.reset(token)
            recorder.walker.clear()
        if (drawn := drawn_since(states)) is not None:
            recorder.end(f"the step draws from {drawn}: use ef.random")
        if recorder.ended is not None:
            return found, None
        made = Program(inputs, recorder.instructions, outputs, recorder.arrays.sizes, recorder.marks)
        made.forgets, made.quiet = forgets, recorder.quiet
        return found, made

    def _functions(self, given: Arguments) -> Iterator[FunctionType]:
        """The step's own code: its function, and functions among its arguments."""
        for thing in (self._function, *given.objects):
            yield from functions_in(thing)

    def _layers(self, state: _State, given: Arguments) -> list[Any]:
        """The layers that the step is given, and those that the last run called."""
        things = [*given.objects, self._function, getattr(self._function, "__self__", None)]
        things += [ask() for ask in state.layers]
        layers = [each for thing in things if isinstance(thing, Layer) for each in thing._flatten_layers()]
        return list({id(layer): layer for layer in layers}.values())

    def _compare(
        self, state: _State, before: Program | None, made: Program, recorder: Recorder, between: str | None
    ) -> None:
        """Take the program if this run is the one before, and nothing speaks against it.

        Args:
            state: with the run's guards.
            before: what the run before gave.
            made: what this one gave.
            recorder: of this run.
            between: what was changed since the run before.
        """
        guards = state.guards
        assert guards is not None
        state.tries += 1
        state.before = made
        if before is None:
            return
        difference = first_difference(before, made)
        is_known = recorder.layers.keys() <= guards.layers
        changed = guards.changed()
        if difference is not None or not is_known or (changed is not None and recorder.others):
            if state.tries >= _TRIES:
                because = "" if changed is None else f"; the step changes {changed}, which may be why"
                because += "" if between is None else f"; {between} was changed between them"
                self._give_up(
                    state, f"no two runs are the same: {difference or 'it calls other layers'}{because}", None
                )
        elif changed is not None:
            self._give_up(state, f"the step changes {changed}: do that outside, or make it a Variable", None)
        elif recorder.other_bits is not None:
            self._give_up(state, recorder.other_bits, None)
        else:
            state.program, state.before, state.replays = made.prepare(), None, 0
            state.check_at = self.verify_every
            state.graphs = graphs_of(made)

    def _verified(self, state: _State, program: Program, given: Arguments) -> Any:
        """Run the step eagerly, and compare it with the program: the guards have said that nothing has changed."""
        recorder, graphs = Recorder(True, current()), state.graphs
        with writers_heard() as writers:
            found, made = self._written(recorder, given)
        if writers - {threading.get_ident()}:
            state.check_at = state.replays + _SOON
            return found
        if made is None:
            difference: str | None = recorder.ended[0] if recorder.ended else "it ended early"
        else:
            difference = first_difference(program, made) or recorder.other_bits
            if difference is None and graphs is not None:
                difference = graphs.difference(recorder.arrays)
        if difference is not None:
            state.forget()
            raise CaptureError(
                f"{self.name}: the captured step is not the eager one any more: {difference}. Something that it "
                "depends on has changed unnoticed since it was captured: pass it as an argument, or don't capture."
            )
        return found


@overload
def function(func: Callable[P, R], *, jit_compile: bool | None = None, verify_every: int = 500) -> Captured[P, R]: ...
@overload
def function(
    func: None = None, *, jit_compile: bool | None = None, verify_every: int = 500
) -> Callable[[Callable[P, R]], Captured[P, R]]: ...
def function(
    func: Callable[..., Any] | None = None, *, jit_compile: bool | None = None, verify_every: int = 500
) -> Any:
    """Makes a function faster: after two eager calls its ops are captured, and later calls replay them.

    A replay calls the same kernels on the same shapes; its results are the same bit for bit. Optimizers, metrics,
    assignments and random draws run in each replay.

    A captured step is a function of its tensor arguments, of Variables, of layers' `trainable` and settings, and of
    what it draws by `ef.random`. Other Python values are those of the capture.

    So what Python does besides, such as printing, happens while the step is captured and not in replays. The function
    is captured again for other shapes, types and Python values among its arguments, when a setting of a layer is
    changed, and when a global, closure cell or default that its own code names is another object, number or string.

    A call runs eagerly, with one warning that says why, where the function reads a tensor's values (`float`, `bool`,
    `.numpy()`), where shapes depend on values, where two runs differ, where several ranks train, and under a
    `GradientTape`. On a GPU, the computations become CUDA graphs: see `docs/guides/captured_steps.md`.

    Args:
        func: takes tensors (numbers and other objects too), in lists, tuples and dicts; returns tensors, numbers and
            strings in such. NumPy arrays among the arguments become tensors.
        jit_compile: if False, the function isn't captured.
        verify_every: after this many replays, one call runs eagerly and is compared with the program bit for bit; on a
            GPU within rounding (1e-5 of an array's largest float32). 0: only at the beginning.

    Returns:
        A `Captured`, which is called like `func`. Its `programs` show what was captured, as Python source code;
        `why_eager` says why nothing was.

    Raises:
        CaptureError: when the comparison of `verify_every` fails; the message names the operation and its line.

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
        return functools.partial(function, jit_compile=jit_compile, verify_every=verify_every)
    if not callable(func):
        raise TypeError(f"function(func={func!r:.60}): expected something to call.")
    counted = isinstance(verify_every, int) and not isinstance(verify_every, bool) and verify_every >= 0
    if not counted:
        raise ValueError(f"function(verify_every={verify_every!r}): expected an integer of at least 0.")
    return func if jit_compile is False else Captured(func, verify_every)
