"""The observer that writes down what happens, as cheaply as it can; `record_builder` makes sense of it afterwards.

What happens here is paid by the program: append to lists, look up in dicts, compute nothing that can wait.
Tensors are known by the number in their `serial` slot and are not kept alive.
"""

from __future__ import annotations

import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence, Sized
from types import FrameType
from typing import Any, NamedTuple

import numpy

from eagerflow.core import observe
from viz.chosen_steps import ChosenSteps
from viz.facts.json_data import to_plain
from viz.frameworks.contract import Array
from viz.frameworks.objects import is_optimizer, is_tensor, is_variable, key_of, role_of
from viz.recorder.compositions import guilty_part
from viz.recorder.descriptions import about, device_name, filling, learning_rate_of
from viz.recorder.finite_check import is_finite
from viz.recorder.gradient_hook import gradient_recorder, rule_recorder, updates_recorder
from viz.recorder.journal import Journal
from viz.recorder.kept_values import Keeper
from viz.recorder.memory_tracker import Memory
from viz.recorder.names.array_names import ArrayNames
from viz.recorder.names.kept_names import holders
from viz.recorder.names.shown_names import ShownNames
from viz.recorder.op_hook import Walker, argument_recorder, meeter, next_serial, op_recorder, recording
from viz.recorder.scope_hook import Here, RecordedScope, scope_recorder
from viz.recorder.scopes import Scopes
from viz.recorder.source_lines import asking, is_internal
from viz.recorder.step_tracker import StepTracker
from viz.recorder.tensor_stats import SmallArrays, measure, norm_alone

__all__ = ["Capture", "Options"]


class Options(NamedTuple):
    """What `viz.trace` was asked to record."""

    name: str | None = None
    backward: bool = True
    stats: str = "none"
    time: bool = True
    memory: bool = True
    source: bool = True
    max_ops: int = 1_000_000
    values: str | None = None
    steps: frozenset[int] | ChosenSteps | None = None
    on_nonfinite: str | None = None
    ranks: bool = False


class Capture(observe.Observer):
    """Everything announced between `start` and `stop`, in lists."""

    hears_steps = True  # those that `viz.step` marks
    hears_replays = True

    def __init__(self, options: Options, crashed: Callable[[BaseException], None] | None = None) -> None:
        self.options, self.limit = options, options.max_ops
        self.journal = Journal()
        self.memory = Memory() if options.memory else None
        self.walker = Walker()
        self.scopes, self.open = list[RecordedScope](), Scopes[RecordedScope]()
        self.logs: list[tuple[str, int, dict[str, Any], int]] = []
        self.replays: list[tuple[int, int, int]] = []  # where captured steps that were replayed lie in the log; thread
        self.measured: dict[int, Any] = {}
        self.updated: dict[int, Any] = {}  # where an update begins in the log -> statistics of what it changed
        self.small, self.states = [SmallArrays(options.stats, found) for found in (self.measured, self.updated)]
        self.met_changed: set[int] = set()  # variables that were met when they had changed, by position
        self.guilty: dict[int, int] = {}  # where a fused op begins in the log -> the part that made NaN or infinity
        self.gradient_keys: list[tuple[int, int]] = []  # position of a gradient, and key of whose it is
        self.marks: dict[int, tuple[int, int]] = {}  # when marked steps began: number and batches trained on before
        self.steps = StepTracker(hears_ops=False) if options.steps is None else None  # else `StepGate` has it
        self.told: list[tuple[int, int]] = []  # see `Clocks`
        self.targets: list[int | float] = []  # when gradients of a number were asked for, and the number, ...
        self.keeper = Keeper(options.values) if options.values is not None else None
        self.sums: dict[int, list[int]] = {}  # position of a gradient -> those of its parts
        self.input_names: dict[int, str] = {}  # by position
        self.made_up_names: dict[int, str] = {}  # of models' inputs, by position
        self.output_names: dict[int, str] = {}  # of models with several, by position
        self.variables: list[tuple[int, weakref.ref[Any], list[list[str]]]] = []  # by position
        self.names = ArrayNames() if options.source else None
        self.layers = ShownNames()
        # Counts of events, missed ones too, and of those that tell what Python reads, which aren't missed.
        self.tick, self._asked = [itertools.count().__next__ for _ in range(2)]
        self.missed = self.began = self.stopped = self._replay_from = 0
        self.upcoming = 0  # the number of the step that ran in the end, where some were chosen
        self.seen: dict[int | None, int] = {}  # serial of a tensor -> its position
        self.here: Here = (None, None, None)
        self._root: FrameType | None = None
        self.crashed = crashed  # is called with an error that leaves the last open scope
        self.parts: dict[int, list[int]] = {}
        self.gradients: dict[int, int] = {}  # key of a variable -> position of its latest gradient
        self.gathered: dict[int, weakref.ref[Any]] = {}  # by the identity of its array: what a metric keeps
        self._states: set[int] = set()  # keys of the variables that optimizers keep
        self._states_of: dict[int, int] = {}  # how many, by the number of the optimizer
        self._same_key, self.arrays = dict[int | None, int](), dict[int, tuple[Any, int]]()
        self.filled: dict[int, str] = {}  # arrays such as `ops.ones` makes, by position: what made them
        self.unread: dict[int, Any] = {}  # such arrays that nothing has read yet
        self.indices: dict[int, Sequence[Any]] = {}  # by the thread whose next op they belong to
        self.drawn: dict[int, tuple[Any, tuple[Any, ...]]] = {}  # what was drawn and not yet read: its event
        self._owners: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._owner_count = itertools.count()
        self._paths: dict[int | None, str] = {None: ""}
        self.hold: Callable[[Any], int | None] = (lambda array: None) if self.memory is None else self.memory.number
        self.gone: Sized = () if self.memory is None else self.memory.gone
        self.walk = self.walker.walk if options.source else None
        self.measure: Callable[[int, Any], None] | None = None if options.stats == "none" else self.small.note
        self.look: Callable[[int, Any, str], None] | None = None if self.keeper is None else self._look
        self.noted = meeter(self)
        self.meet = self.noted if self.keeper is None else self.meet  # type: ignore[assignment, method-assign]
        self.argument = argument_recorder(self)  # what this hasn't met yet, as an entry of `Event.inputs`
        self.on_op = op_recorder(self)  # type: ignore[method-assign]
        self.on_rule = rule_recorder(self) if options.backward else super().on_rule  # type: ignore[method-assign]
        self.on_gradient = gradient_recorder(self)  # type: ignore[assignment, method-assign]
        self.on_updates = updates_recorder(self)  # type: ignore[assignment, method-assign]
        self.on_scope_begin, self.on_scope_end = scope_recorder(self)  # type: ignore[assignment, method-assign]

    # ------------------------------------------------------------------ beginning and end

    def start(self, frame: FrameType | None) -> None:
        """Begin; code that called `frame`'s is no part of any stack."""
        observe.read_kernels()
        recording[0] += 1
        self._root = frame
        self.here = (None, None, frame)
        self.began = observe.clock()

    def stop(self) -> None:
        """End; nothing of the program is kept alive from here on."""
        self.stopped = observe.clock()
        if self.names is not None:
            self.names.look_again(sys._getframe(1))
            self.names.waiting.clear()
        self.missed = max(0, self.tick() - self.limit)
        recording[0] -= 1
        self._root = None
        self.here = (None, None, None)
        for scope in self.open:
            del scope.scope, scope.owner, scope.before
        self.open.clear()
        self.arrays.clear()
        self.drawn.clear()
        self.unread.clear()
        self.indices.clear()
        self._owners.clear()
        self.crashed = self.measure = self.look = None
        if self.memory is not None:
            self.memory.forget()
        # They hold this object, which should go as soon as it has been read.
        for name in ("on_op", "on_rule", "on_gradient", "on_updates", "on_scope_begin", "on_scope_end", "argument"):
            vars(self).pop(name, None)

    # ------------------------------------------------------------------ what is announced

    def on_indices(self, tensors: Sequence[Any]) -> None:
        self.indices[threading.get_ident()] = tensors

    def on_change(self, variable: Any) -> None:
        """Met now, so that what is known of it first is what it held until then."""
        if not self.stopped and self._known(variable) is None:
            self.argument(variable)

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        self.on_updates(name, [(variable, inputs, started, ended)])

    def on_updates(self, name: str, updates: Any) -> None:
        """Nothing is heard when it has stopped; until then, see `gradient_hook`."""

    def on_collective(
        self,
        kind: str,
        name: str,
        nbytes: int,
        started: int,
        ended: int,
        waited: int | None,
        ranks: int,
        overlapped: bool = False,
    ) -> None:
        if self.tick() >= self.limit:
            return
        places = self.walk(sys._getframe(1), self.here[2]) if self.walk else ()
        about = {"of": name, "bytes": nbytes, "ranks": ranks, "waited": waited, "overlapped": overlapped or None}
        given = {key: value for key, value in about.items() if value not in ("", None)}
        self.note("collective", kind, started, ended, given, [], [], places)

    def on_draw(self, kind: str, drawn: Any, settings: Mapping[str, Any], started: int, ended: int) -> None:
        """Written down when something reads what was drawn: weights' first values, say, are no part of a step."""
        if isinstance(drawn, numpy.generic) or self.tick() >= self.limit:
            return
        places = self.walk(sys._getframe(1), self.here[2]) if self.walk else ()
        read = {name: self.argument_of(value) for name, value in settings.items() if is_tensor(value)}
        given = {name: to_plain(value) for name, value in settings.items() if name not in read}, tuple(read)
        name, counts = f"random_{kind.replace(' ', '_')}", (len(self.gone), len(read), 1, len(places))
        event = ("draw", name, started, ended, self.here[0], threading.get_ident(), given, *counts, *read.values())
        self.drawn[id(drawn)] = weakref.ref(drawn), (event, places)

    def on_fill(self, filled: Any, op: str, settings: tuple[Any, ...]) -> None:
        """Noted where something reads the array."""
        self.unread[id(filled)] = weakref.ref(filled), op, settings

    def on_read(self, tensor: Any, how: str) -> None:
        """Written down where the user's own code asks, or a condition of `ops.cond` or `ops.while_loop` does.

        What eagerflow reads for itself is no part of a program.
        """
        position, frame = self._known(tensor), sys._getframe(3)
        if position is None:
            return
        if is_internal(frame.f_code.co_filename):
            how = asking(frame.f_code)
        if how and self._asked() < self.limit:
            now = observe.clock()
            places = self.walk(frame, self.here[2]) if self.walk else ()
            self.note("taken", how, now, now, None, [position], [], places)

    def from_outside(self, data: Any) -> int:
        """The position of an array that no op made and that is met for the first time."""
        drawn = self.drawn.pop(id(data), None)
        if drawn is None or drawn[0]() is not data:
            position = self.meet(data, None, None, True)
            filled = self.unread.pop(id(data), None)
            if filled is not None and filled[0]() is data:
                self.filled[position] = filling(*filled[1:])
            return position
        position = self.meet(data, None, None, False)
        self._remember(data, position)
        if self.names is not None:
            self.names.note(position, data)
        fields, places = drawn[1]
        self.journal.log.extend((*fields, position, *places))
        if self.keeper is not None:
            self.keeper.output(position, data, None, self.label(fields[1]))
        return position

    def update_from(self, variable: Any, x: Any) -> Any:
        """What a variable is updated from, as an entry of `Event.inputs`."""
        if not is_tensor(x):
            return self.argument_of(x)
        known = self._array_position(x.data)
        if known is None and self._known(x) is None:
            # A gradient that was clipped or scaled on its way is an array of its own.
            known = self.gradients.get(variable.identity)
        return self.argument_of(x) if known is None else known

    def note(
        self,
        kind: str,
        op: Any,
        started: int,
        ended: int,
        given: Any,
        read: Sequence[Any],
        made: Sequence[int],
        places: Sequence[int],
    ) -> None:
        """Write down an event, the fields of `Event`."""
        thread, counts = threading.get_ident(), (len(self.gone), len(read), len(made), len(places))
        self.journal.log.extend((kind, op, started, ended, self.here[0], thread, given, *counts, *read, *made, *places))

    def begin_step(self, recorded: RecordedScope, scope: observe.Scope) -> None:
        """A step or an optimizer begins."""
        if scope.kind == "optimizer":
            self.know_arrays(scope.inputs)
            recorded.rate = learning_rate_of(scope.owner)
        if self.steps is not None:
            self.steps.on_scope_begin(scope)

    def end_step(self, scope: observe.Scope) -> None:
        """It ends."""
        if self.steps is not None and self.steps.on_scope_end(scope) == "optimizer":
            self.told.append((scope.started, self.steps.number))

    def tell_gradient(self, sources: Sequence[Any]) -> None:
        """Gradients were computed."""
        if self.steps is not None and self.steps.on_gradient(sources) and not self.steps.has_optimizers:
            self.told.append((observe.clock(), self.steps.number))

    def on_replay_begin(self, name: str) -> None:
        self._replay_from = len(self.journal.log)

    def on_replay_end(self) -> None:
        self.replays.append((self._replay_from, len(self.journal.log), threading.get_ident()))

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        self.logs.append((kind, step, dict(logs), observe.clock()))

    # ------------------------------------------------------------------ tensors

    def other_argument(self, x: Any) -> Any:
        """The `argument` for what is no plain tensor that no tape knows."""
        if is_tensor(x):
            return self._tensor(x, outside=True)
        if x is None:
            return None
        if isinstance(x, (list, tuple)):
            return tuple([self.argument_of(each) for each in x])
        if getattr(x, "shape", ()) != ():
            return self.array(x)
        return "=", to_plain(x)

    def result(self, x: Any) -> int:
        """The position of an op's output, which is new unless the op returned what it was given."""
        position = self._known(x)
        return self._number(x, self.meet(x.data, x.key, None, outside=False)) if position is None else position

    def _look(self, position: int, x: Any, name: str) -> None:
        """Measure what the op `name` made, where that was asked for, and keep it."""
        if self.measure is not None:
            self.measure(position, x.data)
        assert self.keeper is not None
        self.keeper.output(position, x.data, x.key, self.label(name))

    def results(self, name: str, tensors: Sequence[Any]) -> list[int]:
        """The positions of what the op `name` returned: several tensors, old ones, or (when it failed) nothing."""
        found = [self.result(x) for x in tensors]
        if self.keeper is not None:
            for position, x in zip(found, tensors):
                self.keeper.output(position, x.data, x.key, self.label(name))
        return found

    def note_guilty(self, op: Any, inputs: Any, settings: Any, made: list[tuple[int, Any]]) -> None:
        """Note which part of a fused op made NaN or infinity, where statistics show any."""
        if self.measure is not None and any(self._is_flawed(position, data) for position, data in made):
            number = guilty_part(op, inputs, settings)
            if number is not None:
                self.guilty[len(self.journal.log)] = number

    def note_updated(self, variable: Any, is_flawed: bool) -> None:
        """Measure a variable that was just updated, where that may have left NaN or infinity in it, or it is a state.

        Of other weights, only the norm is taken, by which their next gradients are judged: a fast pass, where all
        statistics would cost as much as those of the gradients.
        """
        data = variable.data
        if is_flawed and not is_finite(data):
            self.updated[len(self.journal.log)] = measure(data, self.options.stats)
        elif not variable.trainable:
            self.states.note(len(self.journal.log), data)
        elif (found := norm_alone(data)) is not None:
            self.updated[len(self.journal.log)] = found

    def _is_flawed(self, position: int, data: Any) -> bool:
        """Is NaN or infinity in an array that was just made? Small ones wait to be measured."""
        if position not in self.measured:
            return not is_finite(data)
        found = self.measured[position]
        return found is not None and bool(found.nan or found.inf)

    def changed_argument(self, variable: Any) -> int:
        """The position of a variable that was updated and that nothing read before; nobody saw what it held then."""
        is_new = variable.identity not in self._same_key
        position: int = self.argument(variable)
        if is_new:
            self.met_changed.add(position)
            if self.keeper is not None:
                self.keeper.forget(position)
        return position

    def argument_of(self, x: Any) -> Any:
        """What an op was given, as an entry of `Event.inputs`."""
        known = self._known(x)
        return self.argument(x) if known is None else known

    def _known(self, x: Any) -> int | None:
        """The position of a tensor that was met before."""
        try:
            return self.seen.get(x.serial)
        except AttributeError:  # a tensor that nobody met, or none
            return None

    def _number(self, x: Any, position: int) -> int:
        """Make `position` findable by the tensor, which gets a serial number when it has none."""
        serial: int | None = getattr(x, "serial", None)
        if serial is None:
            x.serial = serial = next_serial()
        self.seen[serial] = position
        return position

    def _tensor(self, x: Any, outside: bool) -> int:
        """The position of a tensor met for the first time, as an input."""
        variable = (x.path, role_of(x)) if is_variable(x) else None
        key = key_of(x)
        position = self._same_key.get(key)  # `variable.value` is a tensor of its own, with the variable's key
        if position is None and key is None:
            position = self._array_position(x.data)
            if variable is None and (gathered := self._gathered_in(x.data)) is not None:
                return self._number(x, self.argument_of(gathered))
        storage = self.memory.of_variable(x) if variable is not None and self.memory is not None else None
        if position is None:
            position = self.meet(x.data, key, variable, outside)
            if self.names is not None and outside and variable is None and key is not None:  # it is watched by a tape
                self.names.note(position, x.data)
            if key is not None:
                self._same_key[key] = position
        elif variable is not None:
            self.journal.name_variable(position, variable, storage)
        if is_variable(x):
            called = (found() for found, _ in list(self._owners.values()))  # asked where nobody chose the name
            held = [] if self.walk is None else holders(x, sys._getframe(1), self._root, called)
            self.variables.append((position, weakref.ref(x), held))
        return self._number(x, position)

    def renamed(self, variable: Any) -> None:
        """A variable that was met before what holds it was has another path now."""
        named, memory = (variable.path, role_of(variable)), self.memory
        for position, known, _ in self.variables:
            if known() is variable:
                self.journal.name_variable(position, named, None if memory is None else memory.of_variable(variable))

    def meet_state(self, optimizer: Any, number: int, started: int) -> None:
        """Note what an optimizer keeps beside the weights, which no op reads."""
        if self.memory is None or not is_optimizer(optimizer):
            return
        variables = optimizer.variables
        is_known = self._states_of.get(number) == len(variables)  # as in every step but the first
        self._states_of[number] = len(variables)
        for variable in () if is_known else variables:
            if variable.data.shape == () or variable.identity in self._states:
                continue
            self._states.add(variable.identity)
            storage = self.memory.of_variable(variable, started if int(optimizer.iterations) <= 1 else self.began)
            about = (variable.path, "optimizer state")
            data = variable.data
            self.journal.tensors.extend((data.shape, data.dtype, None, storage, about, device_name(data), True))
        self.memory.follow_variables()

    def array(self, array: Any) -> int:
        """The position of an array that was passed as it is."""
        position = self._array_position(array)
        if position is None:
            position = self.from_outside(array)
            self._remember(array, position)
        return position

    def know_arrays(self, tensors: Any) -> None:
        """Let tensors that were met be known by their arrays: an optimizer announces its updates with these.

        So an update is seen to read what the program made of the gradients: their sum over small batches, say.
        """
        unknown, seen, arrays = [], self.seen, self.arrays
        for x in tensors or ():
            position, data = seen.get(getattr(x, "serial", None)), x.data
            known = arrays.get(id(data))
            if known is None or known[0]() is not data:
                if position is None:
                    unknown.append(data)
                else:
                    self._remember(data, position)
            elif position is not None and position != known[1]:
                self._remember(data, position)
        met = [(position, found()) for position, found, _ in self.variables] if unknown else []
        kept = {id(variable.data): position for position, variable in met if variable is not None}
        for array in unknown:  # a variable in which gradients were summed up comes as its array
            if id(array) in kept:
                self._remember(array, kept[id(array)])

    def know_state(self, metric: Any) -> int:
        """Let what a metric gathered be known by its arrays, should ops make its result; gives the log's length."""
        for variable in getattr(metric, "variables", None) or ():
            if is_variable(variable):
                self.gathered[id(variable.data)] = weakref.ref(variable)
        return len(self.journal.log)

    def _gathered_in(self, array: Any) -> Any:
        """The variable of a metric whose array this is."""
        found = self.gathered.get(id(array))
        variable = None if found is None else found()
        return variable if variable is not None and variable.data is array else None

    def _array_position(self, array: Any) -> int | None:
        known = self.arrays.get(id(array))
        return known[1] if known is not None and known[0]() is array else None

    def _remember(self, array: Any, position: int) -> None:
        if not isinstance(array, numpy.generic):  # NumPy's scalars can't be watched
            self.arrays[id(array)] = weakref.ref(array), position

    def meet(self, data: Any, key: int | None, variable: tuple[str, str] | None, outside: bool) -> int:
        """The position of an array met for the first time."""
        position = self.noted(data, key, variable, outside)
        if self.keeper is not None and (outside or variable is not None):
            self.keeper.keep(position, data, variable[0] if variable is not None else "input")
        return position

    def label(self, name: str) -> str:
        """The label of what an op named `name` makes here."""
        path = self._path(self.here[0])
        return f"{path}/{name}" if path else name

    def _path(self, number: int | None) -> str:
        """The names of the scopes around, outermost first; steps and backward passes are left out."""
        if number not in self._paths:
            scope = self.scopes[number]  # type: ignore[index]
            outer = self._path(scope.parent)
            own = "" if scope.kind in ("step", "backward") else scope.name
            self._paths[number] = "/".join([name for name in (outer, own) if name])
        return self._paths[number]

    def gradient(self, x: Any, key: int) -> int:
        """The position of a gradient: a raw array, or a tensor while the pass itself is recorded."""
        if isinstance(x, (numpy.ndarray, Array)):
            position = self.meet(x, None, None, False)
        elif is_tensor(x):
            known = self._known(x)
            position = self._tensor(x, outside=False) if known is None else known
        else:
            position = self.meet(x if hasattr(x, "dtype") else numpy.asarray(x), None, None, False)
        self.gradient_keys.append((position, key))
        return position

    def known_owner(self, owner: Any) -> dict[str, Any] | None:
        """What was told of an object; None for one that nobody asked for yet."""
        known = self._owners.get(id(owner))
        return known[1] if known is not None and known[0]() is owner else None

    def owner(self, owner: Any, kind: str) -> dict[str, Any]:
        """What is known of a layer, model, ...: asked once, after its first call, when it is built."""
        if (known := self.known_owner(owner)) is not None:
            return known
        if kind == "backward":  # a tape, of which there is a new one in each step and little to tell
            facts: dict[str, Any] = {"cls": type(owner).__name__}
        else:
            facts = self._about(owner, [each.owner for each in self.open if each.owner is not owner])
        facts["number"] = next(self._owner_count)
        try:
            self._owners[id(owner)] = weakref.ref(owner), facts
        except TypeError:  # an object that can't be watched is met again each time
            return facts
        return facts

    def _about(self, owner: Any, around: list[Any]) -> dict[str, Any]:
        if self.walk is not None:
            self.layers.hear(owner, around, sys._getframe(1))
        return about(owner)

    def describe_open(self) -> None:
        """Let open scopes know their owners; when they end they are asked again, when all is built."""
        outer, met = list[Any](), dict[int, dict[str, Any]]()
        for opened in self.open:
            owner = opened.owner
            if owner is None or opened.kind == "backward":
                continue
            facts = self.known_owner(owner) or met.get(id(owner))
            if facts is None:
                facts = met[id(owner)] = self._about(owner, outer) | {"number": next(self._owner_count)}
            opened.facts = facts
            outer.append(owner)
