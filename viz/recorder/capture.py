"""The observer that writes down what happens, as cheaply as it can; `record_builder` makes sense of it afterwards.

What happens here is paid by the program: append to lists, look up in dicts, compute nothing that can wait.
Tensors are known by the number in their `serial` slot and are not kept alive.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from eagerflow.core import observe
from viz.facts.json_data import to_plain
from viz.recorder import scopes, tensor_stats
from viz.recorder.compositions import guilty_part
from viz.recorder.descriptions import about, described, device_name, flat
from viz.recorder.finite_check import is_finite
from viz.recorder.journal import Journal
from viz.recorder.kept_values import Keeper
from viz.recorder.memory_tracker import Memory
from viz.recorder.op_hook import Walker, meeter, next_serial, op_recorder, recording, rule_recorder
from viz.recorder.scopes import OpenScope, Scopes
from viz.recorder.small_arrays import SmallArrays
from viz.recorder.source_lines import is_internal

__all__ = ["Capture", "Options", "RecordedScope"]

_NO_TENSORS = frozenset([bool, int, float, str, type(None)])
_WITHOUT_INPUTS = ("optimizer", "backward")  # theirs are gradients and targets, which their ops have too
_STEPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steps.py")
_CAPTURE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(observe.__file__))), "capture", "")
_MACHINERY = frozenset(
    [
        observe.__file__,
        contextlib.__file__,
        scopes.__file__,
        _STEPS,
        _CAPTURE + "forwarding.py",
        _CAPTURE + "observed.py",
    ]
)


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
    steps: frozenset[int] | None = None
    on_nonfinite: str | None = None
    ranks: bool = False


# Where the program is: the innermost open scope, the scope whose stack continues a walk, and the frame where walks
# end. A plain tuple: a named one is slow to unpack.
Here = tuple[int | None, int | None, FrameType | None]


class RecordedScope:
    """What is written down of a scope."""

    __slots__ = tuple("base ended error inner_base inputs kind name outputs owner parent places started".split())

    def __init__(self, scope: observe.Scope, before: Here, inputs: tuple[int, ...], places: Any) -> None:
        self.kind, self.name, self.started = scope.kind, scope.name, scope.started
        self.parent, self.base, _ = before
        self.inner_base = self.base  # of what runs inside
        self.inputs, self.places = inputs, places
        self.owner: dict[str, Any] | None = None
        self.outputs: tuple[int, ...] = ()
        self.ended: int | None = None
        self.error: str | None = None


class _Open(OpenScope):
    """A scope that is recorded, and where the program was before it began."""

    __slots__ = ("before", "recorded")

    def __init__(self, scope: observe.Scope, recorded: RecordedScope, before: Here) -> None:
        self.scope, self.kind, self.owner = scope, scope.kind, scope.owner
        self.recorded, self.before = recorded, before


class Capture(observe.Observer):
    """Everything announced between `start` and `stop`, in lists.

    Args:
        options: what to record.
        crashed: called with an error that leaves the last open scope.
    """

    hears_steps = True  # those that `viz.step` marks
    hears_replays = True

    def __init__(self, options: Options, crashed: Callable[[BaseException], None] | None = None) -> None:
        self.options = options
        self.journal = Journal()
        self.memory = Memory() if options.memory else None
        self.walker = Walker()
        self.scopes: list[RecordedScope] = []
        self.logs: list[tuple[str, int, dict[str, Any], int]] = []
        self.replays: list[tuple[int, int, int]] = []  # where captured steps that were replayed lie in the log; thread
        self.measured: dict[int, Any] = {}
        self.small = SmallArrays(options.stats, self.measured)
        self.guilty: dict[int, int] = {}  # where a fused op begins in the log -> the part that made NaN or infinity
        self.gradient_keys: list[tuple[int, int]] = []  # position of a gradient, and the key of whose it is
        self.step_numbers: list[int] = []  # of the run, where steps were chosen
        self.keeper = Keeper(options.values) if options.values is not None else None
        self.sums: dict[int, list[int]] = {}  # position of a gradient -> those of its parts
        self.limit = options.max_ops
        self.tick = itertools.count().__next__  # counts events, missed ones too
        self.missed = 0
        self.began = self.stopped = 0
        self.seen: dict[int | None, int] = {}  # serial of a tensor -> its position
        self.here: Here = (None, None, None)
        self._replay_from = 0
        self._root: FrameType | None = None
        self._crashed = crashed
        self.parts: dict[int, list[int]] = {}
        self._gradients: dict[int, int] = {}  # key of a variable -> position of its latest gradient
        self._same_key: dict[int | None, int] = {}
        self._arrays: dict[int, tuple[Any, int]] = {}
        self._owners: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._owner_count = itertools.count()
        self._paths: dict[int | None, str] = {None: ""}
        self._open = Scopes[_Open]()
        self.hold: Callable[[Any], int | None] = _nothing if self.memory is None else self.memory.number
        self.walk = self.walker.walk if options.source else None
        self.measure = None if options.stats == "none" else _measurer(self.small, self.measured, options.stats)
        self.look: Callable[[int, Tensor, str], None] | None = None if self.keeper is None else self._look
        self._noted = meeter(self)
        if self.keeper is None:
            self.meet = self._noted  # type: ignore[assignment, method-assign]
        self.on_op = op_recorder(self)  # type: ignore[method-assign]
        self.on_rule = rule_recorder(self) if options.backward else _unheard  # type: ignore[assignment, method-assign]

    # ------------------------------------------------------------------ beginning and end

    def start(self, frame: FrameType | None) -> None:
        """Begin; code that called `frame`'s is no part of any stack."""
        recording[0] += 1
        self._root = frame
        self.here = (None, None, frame)
        self.began = observe.clock()

    def stop(self) -> None:
        """End; nothing of the program is kept alive from here on."""
        self.stopped = observe.clock()
        self.missed = max(0, self.tick() - self.limit)
        recording[0] -= 1
        self._root = None
        self.here = (None, None, None)
        self._open.clear()
        self._arrays.clear()
        self._owners.clear()
        self._crashed = self.measure = self.look = None
        if self.memory is not None:
            self.memory.forget()
        del self.on_op, self.on_rule  # they hold this object, which should go as soon as it has been read

    # ------------------------------------------------------------------ what is announced

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        """Make what the pass returns stand for the sum of the parts that rules gave."""
        parts_of, tensors, gradients = self.parts, self.journal.tensors, self._gradients
        arrays, hold = self._arrays, self.hold
        for source, result in zip(sources, results):
            key = source.identity if isinstance(source, Variable) else source.key
            parts = parts_of.get(key)
            if parts is None or not isinstance(result, Tensor):
                continue
            position = self._known(result)
            data = result.data
            if position is None:  # its parts were measured already
                position = self._number(result, len(tensors) // 7)
                tensors += (data.shape, data.dtype, result.key, hold(data), None, device_name(data), False)
            gradients[key] = position
            if data.__class__ is numpy.ndarray:
                arrays[id(data)] = weakref.ref(data), position
            else:
                self._remember(data, position)
            if self.keeper is not None:
                known = source.path if isinstance(source, Variable) else "input"
                self.keeper.keep(position, data, self.keeper.of_key(key, known))
            if parts != [position]:
                self.sums[position] = parts
                if self.measure is not None and len(parts) > 1:
                    self.measure(position, data)
                self.gradient_keys.append((position, key))
        self.parts.clear()

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        if self.tick() >= self.limit:
            return
        read = [self.argument_of(variable), *[self._update_from(variable, x) for x in inputs]]
        places = self.walk(sys._getframe(1), self.here[2]) if self.walk else ()
        if self.keeper is not None:
            self.keeper.update(len(self.journal.log), variable.data, variable.path)
        self._note("update", name, started, ended, (), read, [], places)

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
        self._note("collective", kind, started, ended, given, [], [], places)

    def _update_from(self, variable: Any, x: Any) -> Any:
        """What a variable is updated from, as an entry of `Event.inputs`."""
        if not isinstance(x, Tensor):
            return self.argument_of(x)
        known = self._array_position(x.data)
        if known is None and self._known(x) is None:
            # A gradient that was clipped or scaled on its way is an array of its own.
            known = self._gradients.get(variable.identity)
        return self.argument_of(x) if known is None else known

    def _note(
        self,
        kind: str,
        op: Any,
        started: int,
        ended: int,
        given: Any,
        read: list[Any],
        made: list[int],
        places: Sequence[int],
    ) -> None:
        thread = threading.get_ident()
        lengths = len(read), len(made), len(places)
        self.journal.log.extend(
            (kind, op, started, ended, self.here[0], thread, given, *lengths, *read, *made, *places)
        )

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if len(self.scopes) >= self.limit:
            return
        before = self.here
        frame = _caller(sys._getframe(1))
        places = self.walk(frame, before[2]) if self.walk else ()
        number = len(self.scopes)
        inputs = () if scope.kind in _WITHOUT_INPUTS else self._tensors(scope.inputs)
        opened = RecordedScope(scope, before, inputs, places)
        self.scopes.append(opened)
        self._open.append(_Open(scope, opened, before))
        # A layer's own frame ends the walks of the ops in it; below it the stack is that of the scope.
        if frame is not None and is_internal(frame.f_code.co_filename) and not _opened_by_user(frame):
            self.here = (number, number, frame)
            opened.inner_base = number
        else:
            self.here = (number, before[1], before[2])
        if scope.kind == "backward":
            self.parts.clear()

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        inner = self._open.left_open(scope)
        if inner is None:
            return
        if inner:
            for each in inner:
                self._close(each, None, error)
        self._close(self._open.pop(), outputs, error)
        if error is not None and self._crashed is not None and not self._open:
            self._crashed(error)

    def _close(self, opened: _Open, outputs: Any, error: BaseException | None) -> None:
        recorded, self.here = opened.recorded, opened.before
        recorded.ended = observe.clock()
        if outputs is not None:
            recorded.outputs = self._tensors(outputs)
        if error is not None:
            recorded.error = described(error)
        if opened.owner is not None:
            recorded.owner = self._owner(opened.owner)

    def on_replay_begin(self, name: str) -> None:
        self._replay_from = len(self.journal.log)

    def on_replay_end(self) -> None:
        self.replays.append((self._replay_from, len(self.journal.log), threading.get_ident()))

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        self.logs.append((kind, step, dict(logs), observe.clock()))

    # ------------------------------------------------------------------ tensors

    def argument(self, x: Any) -> Any:
        """What an op was given and this recording hasn't met yet, as an entry of `Event.inputs`."""
        if isinstance(x, Tensor):
            return self._tensor(x, outside=True)
        if x is None:
            return None
        if isinstance(x, (list, tuple)):
            return tuple([self.argument_of(each) for each in x])
        if getattr(x, "shape", ()) != ():
            return self._array(x)
        return "=", to_plain(x)

    def result(self, x: Tensor) -> int:
        """The position of an op's output, which is new unless the op returned what it was given."""
        position = self._known(x)
        return self._number(x, self.meet(x.data, x.key, None, outside=False)) if position is None else position

    def _look(self, position: int, x: Tensor, name: str) -> None:
        """Measure what the op `name` made, where that was asked for, and keep it."""
        if self.measure is not None:
            self.measure(position, x.data)
        assert self.keeper is not None
        self.keeper.output(position, x.data, x.key, self.label(name))

    def results(self, name: str, outputs: Any) -> list[int]:
        """The positions of what the op `name` returned: several tensors, old ones, or (when it failed) nothing."""
        tensors = list(flat(() if outputs is None else outputs))
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

    def _is_flawed(self, position: int, data: Any) -> bool:
        """Is NaN or infinity in an array that was just made? Small ones wait to be measured."""
        if position not in self.measured:
            return not is_finite(data)
        found = self.measured[position]
        return found is not None and bool(found.nan or found.inf)

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

    def _number(self, x: Tensor, position: int) -> int:
        """Make `position` findable by the tensor, which gets a serial number when it has none."""
        serial: int | None = getattr(x, "serial", None)
        if serial is None:
            x.serial = serial = next_serial()
        self.seen[serial] = position
        return position

    def _tensor(self, x: Tensor, outside: bool) -> int:
        """The position of a tensor met for the first time, as an input."""
        variable = (x.path, x.trainable) if isinstance(x, Variable) else None
        key = x.identity if isinstance(x, Variable) else x.key
        position = self._same_key.get(key)  # `variable.value` is a tensor of its own, with the variable's key
        if position is None and key is None:
            position = self._array_position(x.data)
        if position is None:
            position = self.meet(x.data, key, variable, outside)
            if key is not None:
                self._same_key[key] = position
        elif variable is not None:
            self.journal.name_variable(position, variable)
        return self._number(x, position)

    def _array(self, array: Any) -> int:
        """The position of an array that was passed as it is."""
        position = self._array_position(array)
        if position is None:
            position = self.meet(array, None, None, True)
            self._remember(array, position)
        return position

    def _array_position(self, array: Any) -> int | None:
        known = self._arrays.get(id(array))
        return known[1] if known is not None and known[0]() is array else None

    def _remember(self, array: Any, position: int) -> None:
        if not isinstance(array, numpy.generic):  # NumPy's scalars can't be watched
            self._arrays[id(array)] = weakref.ref(array), position

    def meet(self, data: Any, key: int | None, variable: tuple[str, bool] | None, outside: bool) -> int:
        """The position of an array met for the first time."""
        position = self._noted(data, key, variable, outside)
        if self.keeper is not None and (outside or variable is not None):
            self.keeper.keep(position, data, variable[0] if variable is not None else "input")
        return position

    def keep_gradient(self, op: Any, out_key: int | None, position: int, x: Any) -> None:
        """Keep what a backward rule gave, as far as that was asked for."""
        if self.keeper is not None:
            self.keeper.keep(position, x.data if isinstance(x, Tensor) else x, self.keeper.of_key(out_key, op.name))

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
        if isinstance(x, Tensor):
            known = self._known(x)
            position = self._tensor(x, outside=False) if known is None else known
        else:
            position = self.meet(x if hasattr(x, "dtype") else numpy.asarray(x), None, None, False)
        self.gradient_keys.append((position, key))
        return position

    def _tensors(self, nested: Any) -> tuple[int, ...]:
        """The positions of the tensors in what a scope was given or returned."""
        if nested.__class__ is Tensor:
            known = self._known(nested)
            return (self.argument(nested) if known is None else known,)
        if isinstance(nested, Tensor):
            return (self.argument_of(nested),)
        if nested.__class__ is tuple and len(nested) < 8:
            found: list[int] = []
            for x in nested:
                if isinstance(x, Tensor):
                    known = self._known(x)
                    found.append(self.argument(x) if known is None else known)
                elif x.__class__ is numpy.ndarray:
                    found.append(self._array(x))
                elif x.__class__ not in _NO_TENSORS:
                    break
            else:
                return tuple(found)
        leaves = itertools.islice(flat(nested), 64)
        arrays = (Tensor, numpy.ndarray)
        return tuple([self.argument_of(x) for x in leaves if isinstance(x, arrays) and x.shape != ()])

    def _owner(self, owner: Any) -> dict[str, Any]:
        """What is known of a layer, model, ...: asked once, after its first call, when it is built."""
        known = self._owners.get(id(owner))
        if known is not None and known[0]() is owner:
            return known[1]
        facts = {**about(owner), "number": next(self._owner_count)}
        with contextlib.suppress(TypeError):  # an object that can't be watched is met again each time
            self._owners[id(owner)] = weakref.ref(owner), facts
        return facts


def _caller(frame: FrameType | None) -> FrameType | None:
    """The code that opened a scope: the first frame outside of the observer's own machinery."""
    while frame is not None and frame.f_code.co_filename in _MACHINERY:
        frame = frame.f_back
    return frame


def _opened_by_user(frame: FrameType) -> bool:
    """Whether a captured step replays a scope that the user's code opened, and not a layer, say."""
    return frame.f_lineno in frame.f_globals.get("<by user>", ())


def _nothing(array: Any) -> int | None:
    return None


def _measurer(small: SmallArrays, measured: dict[int, Any], level: str) -> Callable[[int, Any], None]:
    """What measures an array, or copies it to be measured with others; it doesn't hold the capture."""
    take, measure_now = small.take, tensor_stats.measure

    def measure(position: int, data: Any) -> None:
        if not take(position, data):
            measured[position] = measure_now(data, level)

    return measure


def _unheard(*announced: Any) -> None:
    """Where backward passes aren't recorded."""
