"""`function`: a step that is captured after it ran, and replayed from then on."""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections.abc import Callable, Container
from contextlib import nullcontext
from inspect import isgeneratorfunction
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy

from eagerflow.base.capturing import Shared, capturing
from eagerflow.base.machine.forks import renewed_in_children
from eagerflow.base.tracebacks import boundary, warn
from eagerflow.capture.afresh import as_before
from eagerflow.capture.alone import is_alone, surroundings
from eagerflow.capture.arguments.array_argument import ArrayArgument, opened_in
from eagerflow.capture.arguments.looking import Look, asking_for_id, goes_by_objects, references, telling_apart
from eagerflow.capture.arguments.results import Results, as_each_time, leaves_given
from eagerflow.capture.arguments.standing_in import StandIns
from eagerflow.capture.arguments.state import State, forget
from eagerflow.capture.arguments.taken_apart import Arguments, Last, last, named_arrays, weakly
from eagerflow.capture.comparing import first_difference
from eagerflow.capture.cuda.graphs import Graphs, graphs_of
from eagerflow.capture.dependence.attributes import name_of
from eagerflow.capture.dependence.called_again import CalledAgain
from eagerflow.capture.dependence.guards import Guards
from eagerflow.capture.dependence.kept import tensors_in, those_kept
from eagerflow.capture.dependence.reached import Held
from eagerflow.capture.dependence.read_losses import leave_losses
from eagerflow.capture.errors import explained
from eagerflow.capture.hearing.calls import heard_calls
from eagerflow.capture.hearing.doubts import doubt, flickered, looks_for_others
from eagerflow.capture.hearing.draws import heard_draws
from eagerflow.capture.hearing.one_at_a_time import one_at_a_time
from eagerflow.capture.hearing.others import others_heard
from eagerflow.capture.hearing.watching import watched
from eagerflow.capture.machine.runs import like
from eagerflow.capture.program import Program
from eagerflow.capture.recorder import Recorder
from eagerflow.capture.varying import changes_too_often, never_pays, what_varies
from eagerflow.core.in_place import stored
from eagerflow.core.log import log
from eagerflow.core.lowering import load_kernels
from eagerflow.core.observe import current, heard_by, observing, unobserved
from eagerflow.core.tensor import Tensor
from eagerflow.layer.added_losses import forget_losses_of

__all__ = ["Captured", "CaptureError", "function"]

P = ParamSpec("P")
R = TypeVar("R")

_TRIES = 4  # runs that may differ from each other before a step counts as one that never repeats
_MOST = 16  # signatures of one function
_DISTURBED = 20  # runs that don't count since others came in between; further ones do
_SOON = 20  # replays until a comparison in which others came in between is made again
_FIRST, _SELDOM = 500, 8000  # replays before the first comparison with an eager run; between later ones, at most


class CaptureError(RuntimeError):
    """A captured step is not the eager one any more. What the eager run changed stands; replays before may be wrong."""


class Captured(Generic[P, R]):
    """A function whose ops are replayed; made by `function`, which has the arguments.

    Attributes:
        name: what messages call it.
        replays: how many calls were replays so far.
    """

    _called_again_but = ("_function",)  # what other captured functions see of it (see `dependence/reached.py`)

    def __init__(
        self,
        function: Callable[..., Any],
        verify_every: int | None = None,
        name: str | None = None,
        less_memory: bool = False,
    ) -> None:
        functools.update_wrapper(self, function)
        self.less_memory = less_memory
        self.name = str(name or getattr(function, "__qualname__", "the step"))
        self._function, self.verify_every = function, verify_every
        self._states: dict[Any, State] = {}
        self._others: State | None = None  # of all further signatures, once there were too many
        self._last: Last | None = None
        self._made, self._key = 0, ()  # signatures, and the last of them
        # Tensors that the step reaches beside its arguments, by identity, where it may ask whether one is another.
        self._reached = weakref.WeakValueDictionary[int, Tensor]()
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
        return Captured, (self._function, self.verify_every, self.name, self.less_memory)

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
        """The captured steps that run as CUDA graphs, as Python that can be read.

        `graph_0` and so on stand for graphs; beside other operations stands why they aren't in one. Empty on the CPU,
        and before the first replays.
        """
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
            if not as_before(error):
                if (better := explained(error)) is None:
                    raise
                raise better from None
        with unobserved():  # who watches has heard of the replay
            return self._function(*args, **kwargs)

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        observers, taping = current(), log.get()
        alone = is_alone()
        if alone and not observers and taping is None and not kwargs and (before := self._last) is not None:
            arrays = before.arrays(args)
            if arrays is not None and (ready := self._ready(before.state)) is not None:
                if not ready.ignores_errors:
                    found = ready.run(*arrays)
                else:
                    with numpy.errstate(all="ignore"):  # as gradients are computed
                        found = ready.run(*arrays)
                if ready.forgets:
                    forget_losses_of(ready.forgets)
                return found
        if not alone or (
            observers and (taping is not None or not all(observer.hears_replays for observer in observers))
        ):
            self._around = "who watches it needs the eager step" if alone else surroundings()
            return self._function(*args, **kwargs)
        given = Arguments(args, kwargs)
        if not given.plain:
            self._around = "it is given a tensor of another class than Tensor, whose methods may do anything"
            return self._function(*args, **kwargs)
        if taping is not None:
            given.key = (*given.key, "taped", *given.tracked())
        if self._reached:
            given.tell_apart(self._reached)
        state = self._state(given)
        if state.why is not None:
            return self._function(*args, **kwargs)
        program = self._current(state)
        if program is None:
            if given.arrays and not state.looked:
                return self._looked_at(state, args, kwargs, given.tensors)
            return self._recorded(state, args, kwargs, given)
        state.replays += 1
        if state.replays == state.check_at:
            if self.verify_every is None:
                state.distance = min(2 * state.distance, _SELDOM)
            state.check_at += state.distance
            return self._verified(state, args, kwargs)
        self.replays += 1
        tensors = given.converted()
        quick = taping is None and state.graphs is None and not self._reached and not kwargs and not program.gives
        self._last = last(state, given, args) if quick else None
        with numpy.errstate(all="ignore") if program.goes_back else nullcontext():
            if taping is not None:
                keys = [tensor.key for tensor in tensors]
                given_back = [given.numbered(number) for number in program.gives]
                found = program.run(taping.append, *[tensor.data for tensor in tensors], *keys, *given_back)
            elif observers and program.interests(observers):
                found = program.announce(self.name, given, observers)
            elif state.graphs is not None:
                found = self._launched(state.graphs, program.passed(given))
            else:
                found = program.run(*program.passed(given))
        forget_losses_of(program.forgets)
        return found

    def passed_by(self) -> None:
        """Notes why this call isn't captured, where the caller takes another way itself."""
        self._around = surroundings()

    def _ready(self, state: State) -> Program | None:
        """The program, if this call is a replay of it; None if there is more to do."""
        program = self._current(state)
        if program is None or self._last is None or state.replays + 1 == state.check_at:
            return None
        state.replays += 1
        self.replays += 1
        return program

    def _launched(self, graphs: Graphs, given: list[Any]) -> Any:
        """A replay by CUDA graphs. The first one says what isn't in any."""
        found = graphs.run(*given)
        if not self._told_of_graphs:
            left = graphs.left_out()
            if left is not None:
                self._told_of_graphs = True
                warn(f"{self.name} runs partly outside of CUDA graphs: {left}.")
        return found

    def _state(self, given: Arguments) -> State:
        found = self._states.get(given.key)
        if found is None:
            with self._lock:
                found = self._others or self._new_state(given)
        return found

    def _new_state(self, given: Arguments) -> State:
        if never_pays(self._made, self.replays):
            self._others = State([])
            self._give_up(self._others, what_varies(self._function, given.key, self._key), None)
            return self._others
        if len(self._states) >= _MOST:
            self._states.pop(next(iter(self._states)))
            self._last = None
        self._made, self._key = self._made + 1, given.key
        if any(x.__class__ is numpy.ndarray for x in given.objects):  # others are tensors
            self._around = "it is given an array of texts, another one each time: turn texts into numbers outside of it"
        gone = functools.partial(forget, weakref.ref(self), given.key)
        found = self._states[given.key] = State([weakly(each, gone) for each in given.objects])
        return found

    def _drop(self, key: tuple[Any, ...]) -> None:
        """An object that a signature has is gone: another one may get its identity."""
        state = self._states.pop(key, None)
        if state is not None:
            self._around = self._around or state.why
            last = self._last
            if last is not None and last.state is state:
                self._last = None

    def _current(self, state: State) -> Program | None:
        """The program to replay; None if there is none yet, or something that it depends on has changed."""
        program, guards = state.program, state.guards
        is_as_it_was = program is not None and guards is not None and guards.changed() is None
        is_as_it_was = is_as_it_was and state.program is program and state.guards is guards  # for other threads, too
        if program is not None and is_as_it_was:
            return program
        with self._lock:
            changed = state.follow()
            if state.program is not program:
                self._last = None
            if changed is not None and changes_too_often(state.again, state.replayed):
                why = f"{changed} changes again and again: make it a Variable, or pass it as a tensor"
                self._give_up(state, why, None)
            return state.program

    def _give_up(self, state: State, why: str, line: tuple[str, int] | None) -> None:
        state.why = why if line is None else f"{why} ({line[0]}:{line[1]})"
        state.forget()
        state.guards = None
        if not self._told:
            self._told = True
            warn(f"{self.name} runs eagerly, not captured: {state.why}.")

    def _looked_at(self, state: State, args: tuple[Any, ...], kwargs: dict[str, Any], arrays: list[Any]) -> Any:
        """Run the step as it is, with NumPy arrays, and see whether it may be captured with others in their places."""
        if sys.getprofile() is not None:
            return self._function(*args, **kwargs)
        arrays = [x for x in arrays if x.__class__ is numpy.ndarray]
        given = StandIns(None, themselves=True)
        given.of((args, *kwargs.values()))
        look, before = Look(), references(arrays)
        with heard_calls(look, given.identities(), current()) as calls, given:
            found = self._function(*args, **kwargs)
        given.look_at(found)
        if given.why is not None:
            self._give_up(state, *(look.ended or (given.why, None)))
            return found
        if references(arrays) > before and references(arrays, collected=True) > before:
            if current():  # who may keep arrays, too
                return found
            look.end("the step gives or keeps a NumPy array that it was given")
        ended = look.ended or telling_apart(calls.codes)
        state.looked, state.looks = ended is None, state.looks + 1
        if ended is not None and state.looks > 1:  # the first run may build layers
            self._give_up(state, *ended)
        return found

    @one_at_a_time
    def _recorded(self, state: State, args: tuple[Any, ...], kwargs: dict[str, Any], given: Arguments) -> Any:
        """Run the step eagerly and write it down."""
        if state.why is not None or sys.getprofile() is not None:  # a profiler listens already, and can't be put back
            return self._function(*args, **kwargs)
        between = None if state.guards is None or state.before is None else state.guards.changed()
        held = self._held(state)
        if state.codes and (held.has_tensor_keys or goes_by_objects(state.codes)):
            known = len(self._reached)
            self._reached.update(held.tensors)
            if len(self._reached) > known and any(id(x) in self._reached for x in given.tensors):
                return self._function(*args, **kwargs)  # the next call with them has a signature of its own
        guards = state.guards = Guards(held, taped=log.get() is not None)
        recorder, tensors = Recorder(state.before is not None, current()), tensors_in(held.layers)
        recorder.keeps(state.kept)
        stand_ins = self._stand_ins(recorder, state, given, args, kwargs)
        containers = held.containers.keys() | stand_ins.identities()
        if state.before is not None:
            # Who watches asks models for what they keep from then on.
            own = None if recorder.others else guards
            recorder.watch.begin(CalledAgain(state.before.instructions, state.inside), own)
        version = looks_for_others(state, recorder, guards)
        load_kernels()  # before somebody listens to each call
        with (
            others_heard() as others,
            heard_draws(recorder),
            watched(),
            heard_calls(recorder, containers, current()) as calls,
        ):
            found, made = self._written(recorder, held.layers, containers, given, stand_ins, args, kwargs)
        is_flawed = made is None or stand_ins.why is not None or recorder.other_bits is not None
        if others.acted(calls.codes) or (is_flawed and others.wrote()) or flickered(state, recorder, guards, version):
            state.disturbed += 1
            if state.disturbed <= _DISTURBED:
                return found
        ending = stand_ins.why and (recorder.ended or (stand_ins.why, None))
        if (ending := ending or asking_for_id(calls.codes)) is not None:  # whatever the layers built in the first run
            self._give_up(state, *ending)
            return found
        if made is not None and (why := doubt(state, made, recorder, guards, held, calls)) is not None:
            made, recorder.ended = None, why
        before, state.codes = state.codes, calls.codes  # of this run alone: the first one may build layers
        state.inside, state.outside = calls.inside, calls.outside
        shared, state.shared = state.shared, {**calls.shared, **recorder.read_losses.shared}
        # The guards don't know what other functions name, nor what else they ask for.
        other = not calls.codes <= before or bool(state.shared.keys() - shared.keys())
        fewer = not before <= calls.codes and guards.unsure() is not None  # or know too much
        if made is not None and (other or fewer) and state.before is not None:
            state.before, state.tries = made, state.tries + 1
        elif made is None:
            state.endings += recorder.opens_arrays  # no second try: layers were built in the run that was looked at
            self._ended(state, *(recorder.ended or ("", None)))
        else:
            kept = [] if state.kept or guards.changed() is None else those_kept(tensors, recorder)
            if kept and not (held.goes_by_objects or recorder.watch.has_risked):
                state.kept, state.before, state.tries = kept, None, 0  # the next runs tell whether somebody reads them
            else:
                if others.wrote() and state.disturbed < _DISTURBED:
                    state.disturbed, state.tries = state.disturbed + 1, state.tries - 1  # it doesn't count as one
                self._compare(state, made, recorder, guards, between)
            state.layers, state.containers = list(map(weakly, held.layers)), frozenset(held.containers)
        return found

    def _written(
        self,
        recorder: Recorder,
        layers: list[Any],
        held: Container[int],
        given: Arguments,
        stand_ins: StandIns,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> tuple[Any, Program | None]:
        """What the step gives, and the program of what it did; None where that can't be replayed."""
        args, kwargs = stand_ins.of(args), {name: stand_ins.of(x) for name, x in kwargs.items()}
        tensors, own = given.converted(), Arguments(args, kwargs)
        inputs = [recorder.given(x, tensor) for x, tensor in zip(own.tensors, tensors)]
        arrays = [x for x in own.tensors if type(x) is ArrayArgument]
        before = references(arrays)
        left = [(stored(loss), layer.name) for layer in layers for loss in layer._losses if isinstance(loss, Tensor)]
        recorder.losses_before = {id(array): (array, name) for array, name in left}
        token = capturing.set(recorder)
        try:
            with observing(recorder), heard_by((*recorder.others, recorder)), stand_ins:
                found = self._function(*args, **kwargs)
            stand_ins.look_at(found, held)
            opened = found
            if arrays:
                opened = opened_in(found, "return")
                if not recorder.others and references(arrays) > before and references(arrays, True) > before:
                    recorder.end("the step keeps a NumPy array that it was given")
            leave_losses(recorder, layers)
            recorder.leave_kept(list(leaves_given(found, held)))
            outputs = Results(recorder, held, own.numbers()).of(opened)
            found = stand_ins.callers_own(found, held)
            recorder.finish(outputs)
        finally:
            capturing.reset(token)
            recorder.walker.clear()
            for tensor, mine in zip(tensors, own.tensors):  # which observers know as one
                if hasattr(mine, "serial"):
                    tensor.serial = mine.serial
        if recorder.ended is not None or stand_ins.why is not None:
            return found, None
        sizes = [getattr(value, "nbytes", 0) for value in recorder.arrays]
        likes = [like(value) for value in recorder.arrays]
        taped = log.get() is not None
        made = Program(inputs, recorder.instructions, outputs, sizes, recorder.marks, taped, self.less_memory, likes)
        made.forgets, made.losses = recorder.read_losses.emptied(), recorder.read_losses.counts
        return found, made

    def _stand_ins(
        self, recorder: Recorder, state: State, given: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> StandIns:
        """What the step is given. In the first run, its caller's tensors: what it reaches beside them isn't known."""
        arrays = named_arrays(self._function, args, kwargs) if given.arrays else ()
        names = {id(array): name for array, name in arrays}

        def watched(array: Any) -> ArrayArgument:
            return ArrayArgument(array, names[id(array)], recorder)

        return StandIns(watched, not (state.codes or given.arrays), self._reached)

    @one_at_a_time
    def _verified(self, state: State, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the step eagerly, and compare it with the program: the guards have said that nothing has changed."""
        program = state.program
        assert program is not None
        recorder, given = Recorder(True, current()), Arguments(args, kwargs)
        recorder.keeps(state.kept)
        stand_ins = self._stand_ins(recorder, state, given, args, kwargs)
        with others_heard() as others, watched():  # assignments are calls that replays make again, here too
            layers = [layer for ask in state.layers if (layer := ask()) is not None]
            found, made = self._written(recorder, layers, state.containers, given, stand_ins, args, kwargs)
        if made is None and recorder.lost:  # which is the recorder's own fault
            return found
        if made is None:
            difference: str | None = recorder.ended[0] if recorder.ended else stand_ins.why or "it ended early"
        else:
            difference = first_difference(program, made) or recorder.other_bits or program.difference(recorder.arrays)
            if difference is None and state.graphs is not None:
                difference = state.graphs.difference(recorder.arrays)
        if difference is not None and (others.wrote() or (state.guards is not None and state.guards.changed())):
            state.check_at = state.replays + _SOON  # another thread came in between: this run tells nothing
            return found
        if difference is not None:
            state.forget()
            raise CaptureError(
                f"{self.name}: the captured step is not the eager one any more: {difference}. Something that it "
                "depends on has changed unnoticed since it was captured: pass it as an argument, or don't capture."
            )
        return found

    def _ended(self, state: State, why: str, line: tuple[str, int] | None) -> None:
        """A run couldn't be written down to its end. The first one may have built layers; the second one has not."""
        state.program = state.before = state.graphs = None
        state.endings += 1
        if state.endings > 1:
            self._give_up(state, why, line)

    def _held(self, state: State) -> Held:
        shared = [*state.shared.values(), *[Shared(each.name, each.is_there) for each in state.kept]]
        held = Held(self._function, state.codes, state.inside, state.outside, shared, state.kept)
        if state.kept and held.goes_by_objects:  # which may be these
            state.kept = []
            return self._held(state)
        for thing in [ask() for ask in state.objects]:
            held.reach(thing, name_of(thing))
        return held

    def _compare(self, state: State, made: Program, recorder: Recorder, guards: Guards, between: str | None) -> None:
        """Whether this run is the one before; `between` names what has changed since then, if anything has."""
        state.tries += 1
        before, state.before = state.before, made
        if before is None:
            return
        difference = first_difference(before, made)
        if difference is None:
            made.outputs = as_each_time(made.outputs, before.outputs)
            self._settle(state, made, recorder, guards)
        elif state.tries >= _TRIES:
            changed, unsure = guards.changed(), guards.unsure()
            because = "" if between is None else f"; {between} was changed between them"
            if isgeneratorfunction(self._function):
                because = "; it is a generator function, which runs after the call: return a list instead of yielding"
            elif changed is None and unsure is not None:
                because = f"; {unsure}"
            elif changed is not None:
                because = f"; the step changes {changed}, which may be why: make it a Variable"
            self._give_up(state, f"no two runs are the same: {difference}{because}", None)

    def _settle(self, state: State, made: Program, recorder: Recorder, guards: Guards) -> None:
        """Two runs were the same: take the program, if nothing speaks against it."""
        changed, unsure = guards.changed(), guards.unsure()
        if changed is not None and recorder.others and state.tries < _TRIES:
            return None  # who watches asks models for what they keep from then on: the next run tells
        if changed is not None:
            return self._give_up(state, f"the step changes {changed}: do that outside, or make it a Variable", None)
        if unsure is not None:
            return self._give_up(state, unsure, None)
        if recorder.other_bits is not None:
            return self._give_up(state, recorder.other_bits, None)
        guards.lock()
        self._last = None  # of the program before, which may take its arguments in another way
        state.program, state.before, state.guards, state.replays = made, None, guards, 0
        state.distance = state.check_at = _FIRST if self.verify_every is None else self.verify_every
        state.graphs = graphs_of(made)
        return None


@overload
def function(
    func: Callable[P, R], *, jit_compile: bool | None = None, verify_every: int | None = None, less_memory: bool = False
) -> Captured[P, R]: ...
@overload
def function(
    func: None = None, *, jit_compile: bool | None = None, verify_every: int | None = None, less_memory: bool = False
) -> Callable[[Callable[P, R]], Captured[P, R]]: ...
def function(
    func: Callable[..., Any] | None = None,
    *,
    jit_compile: bool | None = None,
    verify_every: int | None = None,
    less_memory: bool = False,
) -> Any:
    """Makes a function faster: after two eager calls its ops are captured, and later calls replay them.

    A replay calls the same kernels on the same shapes, without the overhead of layers, tape and checks; its results are
    the same bit for bit. Optimizers, metrics, assignments and random draws run in each replay.

    A call runs eagerly, with one warning that says why and names the line, where the function reads a tensor's values
    (`float`, `bool`, `.numpy()`), computes with a NumPy argument (`a.std()`, `a[0]`, `a / 3`) instead of passing it to
    layers, ops and losses, prints, changes objects outside of it, or where shapes depend on values. In data-parallel
    training all calls run eagerly. The function is captured again for other shapes, types and numbers, and when an
    attribute, a global or a closure's value that it uses has changed. Gradients through a replay work as usual, and
    recordings of `viz` show each op of it.

    On a GPU, the computations become CUDA graphs; what CuPy can't record runs between them, and one warning names
    it. Not run on real hardware yet: see `docs/guides/captured_steps.md`.

    Args:
        func: takes tensors (numbers and other objects too), in lists, tuples and dicts; returns the same kinds. NumPy
            arrays stay arrays, and each replay takes those of its call. The first run with them isn't captured.
        jit_compile: if False, the function isn't captured.
        verify_every: after this many replays in a row, one call runs eagerly and is compared with the program bit for
            bit; on a GPU within rounding (1e-5 of an array's largest float32). Default: after 500, then after twice as
            many each time, up to 8,000. 0: only at the beginning.
        less_memory: whether activations that are quickly computed again (of normalization, relu, dropout) are
            recomputed in the backward pass instead of kept. Results are the same; a step takes up to a seventh longer.
            No CUDA graphs are made.

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
        settings = {"jit_compile": jit_compile, "verify_every": verify_every, "less_memory": less_memory}
        return functools.partial(function, **settings)
    if not callable(func):
        raise TypeError(f"function(func={func!r:.60}): expected something to call.")
    counted = isinstance(verify_every, int) and not isinstance(verify_every, bool) and verify_every >= 0
    if verify_every is not None and not counted:
        raise ValueError(f"function(verify_every={verify_every!r}): expected an integer of at least 0, or None.")
    return func if jit_compile is False else Captured(func, verify_every, less_memory=less_memory)
