"""Which ops of a recording a picture shows, and which of them belong together."""

from __future__ import annotations

import collections
import functools
import itertools
import math
import numbers
from collections.abc import Iterable
from typing import Any

from viz.facts import formatting
from viz.facts.digest.picked_step import pick_step
from viz.facts.lines.assigned import NEAR
from viz.facts.schema import VARIABLES, Frame, Op, Record, Step, TensorInfo
from viz.facts.wiring import Wiring, followed, start_of_sum, unused_picks

__all__ = [
    "Selection",
    "batches_of_training",
    "call_numbers",
    "count_of_steps",
    "calls_around",
    "ended_by",
    "is_of_seeds",
    "known_steps",
    "last_step",
    "layers_of",
    "line_of",
    "origin",
    "outcome",
    "position_of",
    "step_kinds",
    "step_name",
    "step_names",
    "step_numbers",
    "steps_around",
    "steps_text",
    "update_passes",
    "variables_of",
]

_CALLED = ("layer", "model", "loss", "metric", "optimizer", "step")  # whose ops the user's own line ran, or made them
_MAKERS = ("layer", "model")  # are given tensors, and may make others for themselves
_TRAINING = "training"
_STEP_KINDS = {"train_step": _TRAINING, "test_step": "evaluation", "predict_step": "prediction"}


def step_numbers(record: Record) -> list[int]:
    """What each step is called everywhere: from 0, and in the whole run where only some of its steps were recorded."""
    return [step.index if step.number is None else step.number for step in record.steps]


def position_of(record: Record, step: int | None) -> int | None:
    """Where among the recorded steps the one with this number is; None for None.

    Raises:
        TypeError: when it is no whole number.
        ValueError: when no step has this number.
    """
    if step is None:
        return None
    if not isinstance(step, numbers.Integral) or isinstance(step, bool):
        raise TypeError(f"step={step!r}: expected the number of a step, from 0")
    known = step_numbers(record)
    if step not in known:
        raise ValueError(f"step={step}: the recording has {known_steps(record)}")
    return known.index(int(step))


def known_steps(record: Record) -> str:
    """The numbers that a step may be asked for by, in words: `"the steps 0 to 13"`, `"no steps"`."""
    known = step_numbers(record)
    if len(known) < 2:
        return f"only step {known[0]}" if known else "no steps"
    if known == list(range(known[0], known[-1] + 1)):
        return f"the steps {known[0]} to {known[-1]}"
    return f"the steps {' and '.join(formatting.ranges(known).rsplit(', ', 1))}"


def step_name(record: Record, index: int) -> str:
    """What a step is called; see `step_names`."""
    return step_names(record)[index]


def step_names(record: Record) -> list[str]:
    """By the numbers that `position_of` takes, beside the first and the last of all; and by kind where these differ.

    Where evaluations ran before a step of training, it has another number among those, which the live page tells.
    """
    kinds = [_step_kind(record, step) for step in record.steps]
    mixed, known = len(step_kinds(record)) > 1, step_numbers(record)
    last, unbroken = last_step(record)
    among = f" of 0–{last}" if last and unbroken else ""
    whole = record.whole or record
    before = 0 if record.whole is None or not known else position_of(whole, known[0])
    found, trained = [], sum([_step_kind(whole, each) == _TRAINING for each in whole.steps[: before or 0]])
    for number, kind in zip(known, kinds):
        other = f" step {trained}" if among and kind == _TRAINING and trained != number else ""
        trained += kind == _TRAINING
        found.append(f"step {number}{among} ({kind}{other})" if mixed and kind else f"step {number}{among}")
    return found


def last_step(record: Record) -> tuple[int | None, bool]:
    """The number of the last step of all, and whether all before it were recorded, too."""
    known = step_numbers(record.whole or record)
    return (known[-1] if known else None), known == list(range(len(known)))


def batches_of_training(record: Record) -> list[int]:
    """The scopes of the steps of training."""
    return [step.scope for step in record.steps if _step_kind(record, step) == _TRAINING]


def step_kinds(record: Record) -> list[tuple[str, int]]:
    """What steps are for, and how many are: `[("training", 27), ("evaluation", 9)]`."""
    record = record.whole or record
    kinds = collections.Counter([_step_kind(record, step) for step in record.steps])
    return [(kind or "other", count) for kind, count in kinds.most_common()]


def count_of_steps(record: Record) -> int:
    """How many steps there are; of a part of a recording, in the whole."""
    return sum([count for _, count in step_kinds(record)])


def steps_text(record: Record) -> str:
    """How many steps there are, and of which kind where these differ: `"36 steps (27 training, 9 evaluation)"`."""
    kinds = step_kinds(record)
    text = formatting.count(count_of_steps(record), "step")
    parts = [f"{formatting.amount(count)} {kind}" for kind, count in kinds]
    return f"{text} ({', '.join(parts)})" if len(parts) > 1 else text


def _step_kind(record: Record, step: Step) -> str:
    """What a step of `fit` and its like is for; empty for one that is called otherwise."""
    return _STEP_KINDS.get(record.scopes[step.scope].name, "")


def layers_of(record: Record) -> int:
    """How many layers were called."""
    return len({scope.owner for scope in (record.whole or record).scopes if scope.kind == "layer"})


def outcome(record: Record, ops: list[Op]) -> list[str]:
    """What went wrong, in a word or two: the op that failed, or else the exception that ended the recording."""
    failed = [op.name for op in ops if op.error]
    if failed:
        return [f"failed in {formatting.clean(failed[-1])}"]
    return [formatting.clean(note.split(":")[0]) for note in record.notes if note.startswith("ended by ")][:1]


def ended_by(error: BaseException) -> str:
    """Which exception ended a script, and what it says, if anything.

    >>> ended_by(KeyError("x")), ended_by(KeyboardInterrupt())
    ("ended by KeyError: 'x'", 'ended by KeyboardInterrupt')
    """
    words = str(error)
    return f"ended by {type(error).__name__}{f': {words}' if words else ''}"[:500]


def origin(record: Record, op: Op) -> Op:
    """The forward op that a backward op belongs to, of whatever order its derivative is; another op itself."""
    while op.phase == "backward" and op.forward is not None:
        op = record.ops[op.forward]
    return op


def line_of(record: Record, op: Op) -> Frame | None:
    """The innermost line of the user's that ran an op; of what `fit` runs by itself, the line that made the layer.

    A backward op has that of its forward op.
    """
    op = origin(record, op)
    if not op.stack:
        return None
    line = op.stack[0].file, op.stack[0].line  # where the scopes were called, too, nothing of the user's lies between
    around = [s for s in record.ancestors(op.scope) if s.kind in _CALLED and s.stack]
    called = [s for s in around if (s.stack[0].file, s.stack[0].line) == line]
    if any(scope.kind == "metric" and scope.created_at is None for scope in called):
        return op.stack[0]  # and not the line of the model that it is a metric of
    made = next((scope.created_at for scope in called if scope.created_at is not None), None)
    return made if len(called) > 1 and made is not None else op.stack[0]


def variables_of(record: Record) -> dict[int, int]:
    """For each tensor that is a variable at some time, the id of its first version."""
    found = {t.id: t.id for t in record.tensors if t.role in VARIABLES and t.producer is None}
    for op in record.ops:
        for made in op.outputs:
            if record.tensors[made].version:
                found[made] = found.get(op.inputs[0], made)
    return found


def update_passes(record: Record) -> list[range]:
    """The updates that ran as one pass over many weights: each has a part of its time, by size.

    They are known by that: each begins exactly where the one before it ends, as no two measured ones do.
    """
    begins = [after.id for op, after in itertools.pairwise(record.ops) if not _goes_on(op, after)]
    runs = itertools.starmap(range, itertools.pairwise([0, *begins, len(record.ops)]))
    return [run for run in runs if len(run) > 1]


def _goes_on(op: Op, after: Op) -> bool:
    return (
        op.phase == after.phase == "update"
        and op.end is not None
        and op.end == after.start
        and (op.scope, op.name) == (after.scope, after.name)
    )


def steps_around(record: Record) -> list[int | None]:
    """For each scope, the position of the step that it is a part of."""
    steps: dict[int, int | None] = {step.scope: step.index for step in record.steps}
    found: list[int | None] = []
    for scope in record.scopes:
        found.append(steps.get(scope.id, None if scope.parent is None else found[scope.parent]))
    return found


def call_numbers(record: Record) -> list[int]:
    """For each scope, how many calls of the same object came before it in the same step.

    Of a metric, what takes in a batch is no call of what gives its result.
    """
    counts: dict[tuple[int | None, int | None, str, str], int] = {}
    found = []
    for scope, step in zip(record.scopes, steps_around(record)):
        key = step, scope.owner, scope.kind, scope.name if scope.kind == "metric" else ""
        found.append(0 if scope.owner is None else counts.get(key, 0))
        counts[key] = found[-1] + 1
    return found


def calls_around(record: Record) -> tuple[list[int | None], frozenset[int]]:
    """For each scope, the outermost call of a layer or model around it; and the tensors that such calls were given."""
    found: list[int | None] = []
    for scope in record.scopes:
        outer = None if scope.parent is None else found[scope.parent]
        found.append(scope.id if outer is None and scope.kind in _MAKERS else outer)
    return found, frozenset([i for call in {*found} if call is not None for i in record.scopes[call].inputs])


class Selection:
    """The ops of one step (or of a recording without steps), by what they are for.

    Args:
        record: the recording.
        step: the position of the step; None: the one that pictures show.
        backward: whether backward and update ops are shown.
        ops: those of the step, where they are known.
        variables: what `variables_of` gives, where it is known.
        calls: what `calls_around` gives, where it is known.

    Attributes:
        step: the position of the step, or None.
        ops: all ops of the step.
        forward: ops of the forward pass, metrics and data; backward ops without their forward op too.
        backward_of: for a forward op, the ids of the ops that compute its gradient.
        riders_of: for a forward op, the ids of changes in place that a layer makes next to it (moving averages, seeds),
            and of casts of what it reads or makes, and of parts that a layer takes of its weights for it.
        casts: for each such cast and part, which says little that arrows and weights don't, the op that it goes with.
        weights_of: for an op, the variables (ids of their first versions) that it is the first to read.
        reader_of: for a variable, the op that is the first to read it: there is the box of the variable.
        updates_of: for a variable, the ids of the ops that update it, those that change it in place first.
        kept_of: for a variable, those that no op of the picture reads and that are computed from it alone, such as its
            moving average: their updates are with its own.
        made_inside: the ids of tensors that no op made and nobody gave: a layer's own.
    """

    def __init__(
        self,
        record: Record,
        step: int | None,
        backward: bool,
        ops: list[Op] | None = None,
        variables: dict[int, int] | None = None,
        calls: tuple[list[int | None], frozenset[int]] | None = None,
    ) -> None:
        self.record = record
        self.step = pick_step(record) if step is None and ops is None else step
        if ops is None:
            ops = [op for op in record.ops if self.step is None or op.step == self.step]
        self.ops = ops
        self.variables = variables_of(record) if variables is None else variables
        self.forward: list[Op] = []
        self.backward_of: dict[int, list[int]] = {}
        self.riders_of: dict[int, list[int]] = {}
        self.weights_of: dict[int, list[int]] = {}
        self._hosts: dict[int | None, int] = {}
        self._waiting: dict[int | None, list[Op]] = {}
        self.updates_of: dict[int, list[int]] = {}
        self.kept_of: dict[int, list[int]] = {}
        self._here = {op.id for op in self.ops}
        self.reader_of: dict[int, int] = {}
        self._signatures: dict[int, Any] = {}
        self._losses: dict[int | None, int | None] = {}  # by scope
        calls = calls_around(record) if calls is None else calls
        self.made_inside = self._made_inside(*calls)
        for op in self.ops:
            self._sort(op, backward)
        self._add_preparations()
        for op in [op for waiting in self._waiting.values() for op in waiting if op.phase == "forward"]:
            self.forward.append(op)  # nothing else ran in its scope
            self._note_weights(op, op.id)
        self.riders = {rider for riders in self.riders_of.values() for rider in riders}
        self.casts: dict[int, int] = {}
        self._fold_casts(unused_picks(record, self.ops, calls[0], {op.id for op in self.forward}))

    def _sort(self, op: Op, backward: bool) -> None:
        if op.phase == "backward":
            if backward:
                self._sort_backward(op)
        elif op.outputs and is_of_seeds(self.record.tensors[op.outputs[0]]):
            self._sort_rider(op, goes_on=True)
        elif op.phase == "update":
            if backward and op.outputs and op.outputs[0] in self.variables:
                self.updates_of.setdefault(self.variables[op.outputs[0]], []).append(op.id)
        elif op.phase == "forward" and op.outputs and self.record.tensors[op.outputs[0]].version:
            self._sort_rider(op, goes_on=False)
        elif op.phase == "network":
            if backward or any(scope.kind in ("layer", "model") for scope in self.record.ancestors(op.scope)):
                self.forward.append(op)
        else:
            self.forward.append(op)
            self._note_weights(op, op.id)
            self._hosts[op.scope] = op.id
            for rider in self._waiting.pop(op.scope, []):
                self._sort_rider(rider, goes_on=self._draws_later(rider, op))

    def _fold_casts(self, unused: dict[int, int]) -> None:
        """Let a cast go with the op of its scope that made what it casts, or with the only one that reads it.

        So does what only moves numbers in one of the library's layers, or takes a part of a weight, as GRU does of its
        two biases; and what is `unused`, with the op given for it.
        """
        found = [op for op in self.forward if op.phase == "forward" and op.inputs and len(op.outputs) == 1]
        moves = self.record.meta.get("moves", ())
        casts = [op for op in found if op.name == "cast" or (op.name in moves and self._is_of_library(op))]
        casts = [op for op in casts if op.id not in unused]
        taken = [op for op in found if self._takes_own_weight(op)]
        if not casts and not taken and not unused:
            return
        shown, readers = {op.id for op in self.forward}, dict[int, list[int]]()
        apart = {op.id for op in casts}  # not yet known to go with another
        for op in self.forward:
            for tensor in dict.fromkeys(op.inputs):
                readers.setdefault(tensor, []).append(op.id)
        for op, host in [(op, self._maker(op, shown)) for op in casts]:
            if host is not None and host not in apart:
                self.casts[op.id] = self.casts.get(host, host)
                apart.discard(op.id)
        for op in sorted([op for op in casts if op.id in apart] + taken, key=lambda op: op.id, reverse=True):
            host = self._reader(op, readers)
            if host is not None:
                self.casts[op.id] = self.casts.get(host, host)
        self.casts |= {op: self.casts.get(host, host) for op, host in unused.items()}
        for cast, host in sorted(self.casts.items()):
            self.riders_of.setdefault(host, []).extend([cast, *self.riders_of.pop(cast, [])])
            for kept in (self.backward_of, self.weights_of):
                if cast in kept:
                    kept.setdefault(host, []).extend(kept.pop(cast))
        self.forward = [op for op in self.forward if op.id not in self.casts]

    def _takes_own_weight(self, op: Op) -> bool:
        """Does an op take a part of a weight in a layer of the library's?"""
        return op.name == "take_index" and all(i in self.variables for i in op.inputs) and self._is_of_library(op)

    def _is_of_library(self, op: Op) -> bool:
        """Does a layer of the library's run an op: with no line of the user's in between?"""
        scope = None if op.scope is None else self.record.scopes[op.scope]
        return scope is not None and scope.kind == "layer" and bool(op.stack) and op.stack == scope.stack

    def _maker(self, op: Op, shown: set[int]) -> int | None:
        """The op of the same scope that made what an op reads."""
        producer = self.record.tensors[op.inputs[0]].producer
        is_here = producer is not None and producer in shown and self.record.ops[producer].scope == op.scope
        return producer if is_here else None

    def _reader(self, op: Op, readers: dict[int, list[int]]) -> int | None:
        """The only op that reads what another made, where it ran in the same scope or within it."""
        found = readers.get(op.outputs[0], [])
        if len(found) != 1 or self.record.ops[found[0]].phase != "forward":
            return None
        around = [scope.id for scope in self.record.ancestors(self.record.ops[found[0]].scope)]
        return found[0] if op.scope is None or op.scope in around else None

    def _add_preparations(self) -> None:
        """Let ops whose results go to the update of one weight only (scaling, decay, momentum) count as its update.

        So do those of a variable that belongs to one weight, such as its moving average: see `followed`.
        """
        updates = [op for op in self.ops if op.phase == "update"]
        goes_to = self._led_to(updates)
        follows = followed(self.record, self.variables, goes_to, self.reader_of)
        for number, variables in sorted(goes_to.items()):
            for variable in variables if len(variables) == 1 else ():
                found = self.updates_of[follows.get(variable, variable)]
                if number not in found:
                    found.append(number)
        for follower, variable in follows.items():
            self.kept_of.setdefault(variable, []).append(follower)

    def _led_to(self, updates: list[Op]) -> dict[int, set[int]]:
        """For each op of an update, the weights that it leads to; of what leads to none, the other variables."""
        changed = {number: variable for variable, found in self.updates_of.items() for number in found}
        shown = {number for number, variable in changed.items() if variable in self.reader_of}
        ids, goes_to = {op.id for op in updates}, dict[int, set[int]]()
        for seeds in (shown, changed.keys() - shown):
            known = {*goes_to}
            for op in reversed(updates):
                if op.id in seeds and op.id not in known:
                    goes_to.setdefault(op.id, set()).add(changed[op.id])
                for producer in self.record.parents(op) if op.id in goes_to and op.id not in known else ():
                    if producer in ids and producer not in known and producer not in shown:
                        goes_to.setdefault(producer, set()).update(goes_to[op.id])
        return goes_to

    def changing(self, variable: int) -> list[int]:
        """The ops that change a variable in place, or what is kept of it."""
        own = {variable, *self.kept_of.get(variable, ())}
        ops = [self.record.ops[number] for number in self.updates_of.get(variable, ())]
        return [op.id for op in ops if self.variables.get(op.outputs[0]) in own]

    def also_read(self, variable: int) -> list[int]:
        """The other variables that the update of one reads, by the program's own doing, and that are shown."""
        ops = [self.record.ops[number] for number in self.updates_of.get(variable, ())]
        ops = [op for op in ops if all(scope.kind != "optimizer" for scope in self.record.ancestors(op.scope))]
        found = dict.fromkeys([self.variables[i] for op in ops for i in op.inputs if i in self.variables])
        own = (variable, *self.kept_of.get(variable, ()))
        return [each for each in found if each in self.reader_of and each not in own]

    def _sort_backward(self, op: Op) -> None:
        forward = origin(self.record, op)  # a sum of gradients, say, has none; a gradient of that sum belongs to it
        if forward is op or forward.id not in self._here:
            self.forward.append(op)
        else:
            self.backward_of.setdefault(forward.id, []).append(op.id)

    def _sort_rider(self, op: Op, goes_on: bool) -> None:
        """A change in place goes with the op before it in the same layer, or with the next one.

        Seeds always go on to the next: a generator counts before it draws.
        """
        host = self._hosts.get(op.scope)
        if host is None or goes_on:
            self._waiting.setdefault(op.scope, []).append(op)
        else:
            self.riders_of.setdefault(host, []).append(op.id)
            self._note_weights(op, host)

    def _draws_later(self, rider: Op, op: Op) -> bool:
        """Does what draws from a seed come behind an op, in another line? What is replayed runs in another order."""
        if rider.source is None or op.source is None or not is_of_seeds(self.record.tensors[rider.outputs[0]]):
            return False
        line = rider.source.file, rider.source.line
        later = self.record.ops[op.id + 1 : rider.id + NEAR] if (op.source.file, op.source.line) != line else ()
        own = [each.source for each in later if each.scope == op.scope and each.phase == "forward"]
        return any(source is not None and (source.file, source.line) == line for source in own)

    def _note_weights(self, op: Op, reader: int) -> None:
        offsets = [tensor for tensor, name in zip(op.inputs, op.input_names) if name == "offset"]
        for tensor in [*[i for i in op.inputs if i not in offsets], *offsets]:  # with the scale first in every mode
            variable = self.variables.get(tensor)
            if variable is not None and variable not in self.reader_of:
                self.reader_of[variable] = reader
                self.weights_of.setdefault(reader, []).append(variable)

    def flow(self, op: Op, tensor: int) -> tuple[str, str]:
        """The kind of the arrow for an input of an op, "" for none; and the name of its box if it is from outside.

        The kind is `"parameter"`, `"gradient"` or `"data"`; the name `"input"`, `"target"` or `"constant"`, ""
        where no box is made.
        """
        info = self.record.tensors[tensor]
        if tensor in self.variables:
            is_update = op.phase == "update" and op.id not in self.riders
            return ("" if is_update or self._goes_on_with_seeds(op, tensor) else "parameter"), ""
        if info.role == "gradient" or op.phase == "backward":
            return "gradient", ""
        if info.role not in ("input", "activation", "constant") or op.phase == "update" or op.id in self.riders:
            return "data", ""
        if info.role == "constant" and tensor not in self._differentiated:  # a layer's own stay inside of it
            is_setting = math.prod(info.shape) <= 1  # a number
            return "data", "constant" if not is_setting and not self._is_layers_own(op) else ""
        if tensor in self.made_inside:
            return "data", "constant"
        return "data", "target" if self._loss_of(op.scope) in self._with_answers else "input"

    def _goes_on_with_seeds(self, op: Op, tensor: int) -> bool:
        """Does an op draw from a generator that another op drew from before? Nothing flows from one to the other."""
        variable = self.variables[tensor]
        reader = self.reader_of.get(variable, op.id)
        own = (reader, *self.riders_of.get(reader, ()))
        return op.id not in own and is_of_seeds(self.record.tensors[variable])

    def _loss_of(self, scope: int | None) -> int | None:
        """The outermost loss that a scope belongs to."""
        if scope not in self._losses:
            losses = [each.id for each in self.record.ancestors(scope) if each.kind == "loss"]
            self._losses[scope] = losses[-1] if losses else None
        return self._losses[scope]

    @functools.cached_property
    def _differentiated(self) -> set[int]:
        """The tensors that gradients were computed of: a single number that a tape watched is no setting."""
        made = [i for op in self.ops if op.phase == "backward" for i in op.outputs]
        return {of for i in made if (of := self.record.tensors[i].gradient_of) is not None}

    @functools.cached_property
    def _with_answers(self) -> set[int]:
        """The losses that read what ops before them made; where targets and answers are both given, who knows which?"""
        found = set()
        for op in self.ops:
            loss = self._loss_of(op.scope)
            if loss is not None and loss not in found:
                makers = [self.record.tensors[i].producer for i in op.inputs]
                if any(made is not None and self._loss_of(self.record.ops[made].scope) != loss for made in makers):
                    found.add(loss)
        return found

    def _is_layers_own(self, op: Op) -> bool:
        """Do the constants that an op reads stay inside of a layer? Not where it reads nothing else."""
        reads_more = any(self.record.tensors[i].role != "constant" for i in op.inputs)
        return reads_more and any(scope.kind == "layer" for scope in self.record.ancestors(op.scope))

    def _made_inside(self, calls: list[int | None], given: frozenset[int]) -> frozenset[int]:
        """The tensors that no op made and nobody gave: zeros or positions that a layer makes for itself.

        An array that is no tensor isn't known to have been given: it has become one inside. So this is only said where
        what was given is known, and not of losses, which are given a tensor and an array.
        """
        found = set()
        for op in self.ops:
            call = None if op.scope is None else calls[op.scope]
            if call is not None and self.record.scopes[call].inputs:
                found.update([i for i in op.inputs if self._is_from_outside(i) and i not in given])
        return frozenset(found)

    def _is_from_outside(self, tensor: int) -> bool:
        info = self.record.tensors[tensor]
        return info.producer is None and info.role == "input" and not info.name

    def wiring(self, ops: Iterable[Op] | None = None) -> Wiring:
        """How its ops, or some of them, are connected."""
        return Wiring(self.record, self.forward if ops is None else ops, self.casts, self.made_inside)

    def signature(self, op_id: int, with_backward: bool = True) -> Any:
        """What must agree for two ops to be drawn as one."""
        known = self._signatures.get(op_id)
        if known is None:
            tensors, op = self.record.tensors, self.record.ops[op_id]
            made = tuple([(tensors[i].shape, tensors[i].dtype) for i in op.outputs])
            read = tuple([(tensors[i].shape, tensors[i].role in VARIABLES) for i in op.inputs])
            start = start_of_sum(op)
            if start is not None:
                read = (*read[:start], (made[0][0], False), *read[start:])
            known = self._signatures[op_id] = op.name, op.composition, op.phase, op.error, made, read
        partners = [self.record.ops[i] for i in self.backward_of.get(op_id, ())] if with_backward else []
        # The first of several equal blocks may give no gradient to what it is given: it stands for no other.
        return known, tuple([(op.name, len(op.outputs)) for op in partners])


def is_of_seeds(info: TensorInfo) -> bool:
    """Is it the state of a `SeedGenerator`?"""
    return info.role == "state" and info.name.rpartition("/")[2] == "seed_generator_state"
