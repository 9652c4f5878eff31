"""Keeps the last training steps in memory while a program trains, and writes them when something goes wrong.

Nothing is copied: who changes an array that somebody holds changes a copy of it (see `eagerflow/core/exclusive.py`).
So the state is held once every few steps, and of each step its batch and its ops; what lies between is computed again.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections import deque
from types import CodeType, FrameType
from typing import Any

import numpy

from eagerflow import Tensor, Variable
from eagerflow.core.observe import Observer, Scope
from eagerflow.ops.replaying import is_ours, variable_of
from viz.recorder.descriptions import flat
from viz.recorder.op_hook import next_serial
from viz.recorder.source_lines import is_internal
from viz.replay.watch import LossWatch

__all__ = ["Held", "Ring", "Segment"]

_APART = 16  # steps between two states that are held, unless batches are large
_LONGEST = 200_000  # events of a step, after which it isn't kept
_NOT_TRAINING = ("test_step", "predict_step")
_SMALL = 1 << 16  # bytes of a user's array below which it is copied: it may be changed later


@dataclasses.dataclass
class Held:
    """A step that is held. Events are those of `kept.py`, with live objects in the place of numbers."""

    number: int  # which step of the run
    events: list[tuple[Any, ...]] = dataclasses.field(default_factory=list)
    data: Any = None  # the batch, as the step was given it
    rows: Any = None  # the numbers of its rows, or None
    targets: list[Any] = dataclasses.field(default_factory=list)  # what was minimized
    error: BaseException | None = None  # what it ended with
    ended: bool = False  # whether it came to its end

    @property
    def loss(self) -> float | None:
        """The number that was minimized last, where it is one."""
        single = [x[0] for x in self.targets if len(x) == 1 and x[0].size == 1]
        return float(single[-1]) if single else None

    @property
    def nbytes(self) -> int:
        """The bytes of the arrays that only this step holds."""
        arrays = {id(x): x.nbytes for x in flat(self.events) if isinstance(x, numpy.ndarray)}
        return sum(arrays.values())


@dataclasses.dataclass
class Segment:
    """A few steps, and the state before the first of them."""

    variables: dict[int, Any] = dataclasses.field(default_factory=dict)  # arrays by number, held when first met
    optimizers: dict[int, list[tuple[int, Any]]] = dataclasses.field(default_factory=dict)  # arrays of their variables
    steps: list[Held] = dataclasses.field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """The bytes of the state."""
        held = [array for each in self.optimizers.values() for _, array in each]
        return sum(array.nbytes for array in (*self.variables.values(), *held))


class Ring(Observer):
    """Hears of a training, and holds its last steps.

    Args:
        keep: how many steps at least.
        write: is called with this ring and the cause (`"nan"`, `"raised"`, `"spike"`, `"ended"` or `"asked"`) when they
            are to be written.
        told: is called once with this ring, after the first step, when sizes are known.
    """

    hears_steps = True  # of `viz.step`, too

    def __init__(self, keep: int, write: Any, told: Any) -> None:
        self.keep, self._write, self._told = keep, write, told
        self.segments: deque[Segment] = deque()  # the steps, oldest first
        self.variables: list[Variable] = []  # all variables by their number
        self.optimizers: list[Any] = []  # all optimizers by their number
        self.codes: dict[int, CodeType] = {}  # code objects by the numbers that stand for them
        self._watches: dict[frozenset[int], LossWatch] = {}  # another training has other losses
        self._updaters: set[int] = set()  # the optimizers of the running step
        self.count = 0
        self.asked = self.failed = False
        self._numbers: dict[int, int] = {}  # of variables, by identity
        self._step: Held | None = None
        self._depth = 0  # of step scopes
        self._ignored = 0  # scopes inside of which nothing is kept
        self._scopes_known = False  # whether steps are announced
        self._made: set[int] = set()
        self._by_array: dict[int, tuple[int, Any]] = {}  # of gradients: their numbers, and the arrays themselves
        self._optimizer: tuple[Any, ...] | None = None  # one of ours that updates: its number, gradients, rate
        self._changed: list[int] = []
        self._constrained: list[Variable] = []
        self._pending: list[tuple[Any, ...]] = []  # changes between steps
        self._rows: Any = None
        self._written: set[str] = set()
        self._apart = _APART
        self._batches = 0  # bytes of those that the last segment holds
        self._ours: list[bool] = []  # of open scopes: whether their code is eagerflow's

    # ------------------------------------------------------------------ steps

    def _begin(self, data: Any = None, model: Any = None) -> None:
        last = self.segments[-1] if self.segments else None
        if last is None or len(last.steps) >= self._apart or self._batches > self._apart * self.step_bytes > 0:
            self._batches = 0
            last = Segment()
            self.segments.append(last)
            for variable in getattr(model, "variables", ()):
                self._touch(variable, last)
        self._step = Held(self.count, self._pending, data, self._rows)
        self._pending, self._rows = [], None
        self._batches += sum([x.data.nbytes for x in flat(data) if isinstance(x, Tensor)])
        self.count += 1
        last.steps.append(self._step)
        while sum([len(segment.steps) for segment in self.segments]) - len(self.segments[0].steps) >= self.keep:
            self.segments.popleft()
        self._made, self._by_array = set(), {}
        self._optimizer, self._changed, self._constrained, self._ours = None, [], [], []
        self._updaters = set()

    def _forget_begun(self) -> None:
        """What ran before the first step that announces itself, to build a model, say, wasn't the begin of a loop's."""
        if self._step is not None:
            self._pending, self._step = [], None
            self.segments.clear()
            self.count -= 1

    def _end(self, error: BaseException | None) -> None:
        step = self._step
        if step is None:
            return
        step.error, step.ended, self._step = error, error is None, None
        self._made, self._by_array = set(), {}
        if step.number == 0 and error is None:
            self._settle_sizes(step)
            self._told(self)
        cause = self._cause(step)
        if cause is not None and (cause == "asked" or cause not in self._written):
            self._written.add(cause)
            self._write(self, cause)

    def _cause(self, step: Held) -> str | None:
        """Why the steps are to be written now."""
        asked, self.asked = self.asked, False
        if step.error is not None:
            return "raised" if isinstance(step.error, Exception) else None
        loss = step.loss
        if loss is not None and not math.isfinite(loss):
            return "nan"
        if loss is not None and self._watches.setdefault(frozenset(self._updaters), LossWatch()).spikes(loss):
            return "spike"
        return "asked" if asked else None

    def _settle_sizes(self, step: Held) -> None:
        """Hold the state the more often, the larger a batch is compared with it."""
        self.step_bytes, self.state_bytes = step.nbytes, self.segments[-1].nbytes
        self._events = len(step.events)
        self._apart = max(1, min(_APART, self.keep * self.state_bytes // max(1, step.nbytes)))

    step_bytes = state_bytes = _events = 0

    @property
    def text_bytes(self) -> int:
        """What the words of a file take at most, roughly: its ops, their lines, random states."""
        return (100 << 10) + 400 * self._events * self.most_steps

    @property
    def most_states(self) -> int:
        """How many times the state is held at most."""
        return -(-(self.keep - 1) // self._apart) + 1

    @property
    def most_steps(self) -> int:
        """How many steps are held at most."""
        return self._apart + self.keep - 1

    def fail(self, error: BaseException) -> None:
        """The program ended by an exception; a step that announces itself has told so already."""
        if self._step is not None and not self._scopes_known:
            self._end(error)
        self.failed = isinstance(error, Exception) and "raised" not in self._written

    def ask(self) -> None:
        """Write the steps at the end of the running one, or of the next."""
        self.asked = True

    def write_asked(self) -> None:
        """The program has ended, by an exception outside of a step or after it asked: write the last steps."""
        if not self.asked and not self.failed:
            return
        if self._step is not None:  # of a loop: what was begun after its last update isn't a step
            self._pending, self._step = self._step.events, None
            self.segments[-1].steps.pop()
            if not self.segments[-1].steps:
                self.segments.pop()
        if self.segments:
            cause, self.asked, self.failed = "asked" if self.asked else "ended", False, False
            self._write(self, cause)

    @property
    def changed_since(self) -> set[int]:
        """The numbers of variables that were set by other code after the last step."""
        return {event[1] for event in self._pending if event[0] == "assign"}

    # ------------------------------------------------------------------ what is heard

    def on_scope_begin(self, scope: Scope) -> None:
        kind = scope.kind
        if kind == "data":
            return
        if self._ignored or kind == "metric" or (kind == "user" and scope.name.endswith(" again")):
            self._ignored += 1
            return
        if kind == "step":
            if scope.name in _NOT_TRAINING:
                self._ignored += 1
                return
            self._depth += 1
            if not self._scopes_known:
                self._scopes_known = True
                self._forget_begun()
            if self._depth == 1:
                self._begin(scope.inputs, scope.owner)
            return
        if kind == "optimizer":
            if self._step is not None:
                self._begin_update(scope)
            return
        step = self._step
        if step is not None and kind in ("model", "layer", "loss"):
            cls = type(scope.owner)
            self._ours.append(cls.__module__.startswith("eagerflow."))
            created = getattr(scope.owner, "created_at", None)
            given = [self._ref(x) for x in flat(scope.inputs) if isinstance(x, Tensor)]
            step.events.append(("begin", kind, scope.name, cls.__name__, given, created))

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        kind = scope.kind
        if kind == "data":
            ask = getattr(scope.inputs, "rows_of_batch", None)
            self._rows = None if ask is None else ask()
            return
        if self._ignored:
            self._ignored -= 1
            return
        if kind == "step":
            self._depth -= 1
            if self._depth == 0:
                self._end(error)
            return
        step = self._step
        if step is None:
            return
        if kind == "optimizer":
            self._end_update(step)
            if not self._scopes_known:
                self._end(error)
        elif kind in ("model", "layer", "loss") and self._ours:
            self._ours.pop()
            step.events.append(("end", [self._ref(x) for x in flat(outputs) if isinstance(x, Tensor)]))

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        step = self._step
        if step is None:
            if self._scopes_known or self._ignored:
                return
            self._begin()
            step = self._step
        if self._ignored or self._optimizer is not None or step is None or len(step.events) > _LONGEST:
            return
        given = [self._ref(x) for x in inputs]
        place = None if self._ours and self._ours[-1] else self._place(sys._getframe(1))
        if outputs.__class__ is Tensor:
            made: Any = (self._mark(outputs),)
            tape = outputs.key is not None
        elif outputs is None:
            made, tape = (), False
        else:
            made = tuple([self._mark(x) for x in outputs])
            tape = any([x.key is not None for x in outputs])
        if not is_ours(op):
            step.events.append(("python", op.name, made, [x.data for x in flat(outputs)], place))
            return
        step.events.append(("op", op.name, given, settings, made, tape, place))

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, *times: Any) -> None:
        if self._step is not None and not is_ours(op):
            self._step.events.append(("python", f"the gradient of {op.name}", (), [], None))

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        step = self._step
        if step is None or self._ignored:
            return
        wanted, by = [self._ref(x) for x in targets], [self._ref(x) for x in sources]
        made: list[int | None] = []
        for result in results:
            if result is None:
                made.append(None)
                continue
            number = self._mark(result)
            made.append(number)
            self._by_array[id(result.data)] = number, result.data
        step.targets.append([t.data for t in targets])
        step.events.append(("gradient", wanted, by, made))

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        if self._ignored or not self.segments:
            return
        if self._optimizer is not None:
            if name.endswith("_update"):
                self._changed.append(self._number(variable))
            elif variable.constraint is not None:
                self._constrained.append(variable)
            return
        events = self._pending if self._step is None else self._step.events
        number = self._number(variable)
        given = inputs[0] if name == "assign" and inputs else None
        if given.__class__ is Tensor and getattr(given, "serial", None) in self._made:
            events.append(("assign", number, given.serial))
        else:
            events.append(("assign", number, ("a", variable.data)))
        if self._step is None and len(events) > _LONGEST:
            del events[:-1000]

    # ------------------------------------------------------------------ updates

    def _begin_update(self, scope: Scope) -> None:
        optimizer, segment = scope.owner, self.segments[-1]
        if not type(optimizer).__module__.startswith("eagerflow."):
            return
        number = next((i for i, each in enumerate(self.optimizers) if each is optimizer), len(self.optimizers))
        if number == len(self.optimizers):
            self.optimizers.append(optimizer)
        if number not in segment.optimizers:
            segment.optimizers[number] = [(self._number(v), v.data) for v in optimizer.variables]
        given = [self._ref_of_array(g.data) for g in scope.inputs or ()]
        self._optimizer = (number, given, float(optimizer.learning_rate))
        self._changed = []

    def _end_update(self, step: Held) -> None:
        if self._optimizer is not None:
            number, given, rate = self._optimizer
            step.events.append(("apply", number, given, self._changed, rate))
            self._updaters.add(number)
            for variable in self._constrained:
                step.events.append(("assign", self._number(variable), ("a", variable.data)))
        self._optimizer, self._constrained = None, []

    # ------------------------------------------------------------------ names

    def _mark(self, made: Tensor) -> int:
        """The number of a tensor that was made in this step."""
        serial = getattr(made, "serial", None)
        if serial is None:
            serial = made.serial = next_serial()
        self._made.add(serial)
        return serial

    def _ref(self, x: Any) -> Any:
        """What an op was given: the number of a tensor, a variable, a constant."""
        if x.__class__ is Tensor:
            serial = getattr(x, "serial", None)
            if serial in self._made:
                return serial
            variable = variable_of(x.key)
            if variable is not None and variable.data is x.data:
                return ("v", self._touch(variable, self.segments[-1]))
            return self._ref_of_array(x.data)
        if isinstance(x, Variable):
            return ("v", self._touch(x, self.segments[-1]))
        if isinstance(x, Tensor):
            return self._ref_of_array(x.data)
        if isinstance(x, (list, tuple)):
            return ("l", [self._ref(each) for each in x])
        if isinstance(x, numpy.ndarray) and x.nbytes <= _SMALL:
            return ("a", x.copy())
        return ("a", x) if hasattr(x, "dtype") and hasattr(x, "nbytes") else ("n", x)

    def _ref_of_array(self, array: Any) -> Any:
        known = self._by_array.get(id(array))
        return ("a", array) if known is None else known[0]

    def _number(self, variable: Variable) -> int:
        number = self._numbers.get(variable.identity)
        if number is None:
            number = self._numbers[variable.identity] = len(self.variables)
            self.variables.append(variable)
        return number

    def _touch(self, variable: Variable, segment: Segment) -> int:
        """The variable's number; its array is held, if it is met for the first time."""
        number = self._number(variable)
        if number not in segment.variables:
            segment.variables[number] = variable.data
        return number

    def _place(self, frame: FrameType | None) -> tuple[int, int] | None:
        """The innermost line of the user's: the number of its code, and the instruction."""
        for _ in range(64):
            if frame is None:
                return None
            code = frame.f_code
            if not is_internal(code.co_filename):
                self.codes[id(code)] = code
                return id(code), frame.f_lasti
            frame = frame.f_back
        return None
