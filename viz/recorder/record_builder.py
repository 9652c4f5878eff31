"""From what `Capture` wrote down to a `Record`: ids, roles, phases, links and source lines."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import math
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from eagerflow.core.observe import clock, observing
from viz.chosen_steps import ChosenSteps
from viz.facts import formatting
from viz.facts.collector import collector_at_rest
from viz.facts.digest.excerpt import part_of
from viz.facts.schema import Frame, Op, Read, Record, Scope, Step, Storage, TensorInfo
from viz.facts.selection import steps_around
from viz.recorder.capture import Capture, Options
from viz.recorder.compositions import composition_of
from viz.recorder.descriptions import makes_its_own, run_facts, settings_at
from viz.recorder.journal import Event, Met, same_memory
from viz.recorder.kept_values import nothing_kept
from viz.recorder.loops.optimizer_names import tell_optimizers_apart
from viz.recorder.loops.own_steps import Clocks, gradients_of, mark_own_steps, name_own_updates
from viz.recorder.loops.reported import own_losses, reported_logs
from viz.recorder.names.array_names import ArrayNames, settle_names
from viz.recorder.names.composed_calls import ComposedCalls
from viz.recorder.names.kept_names import name_variables
from viz.recorder.source_lines import MAX_FRAMES, Sources

__all__ = ["build", "record_of"]

_PHASE_OF_SCOPE = {"backward": "backward", "optimizer": "update", "metric": "metric", "data": "data"}


def build(capture: Capture) -> Record:
    """The record of everything that `capture` saw, which must have stopped."""
    with collector_at_rest():  # which would go through all of it many times
        record = _Builder(capture).record
    if capture.steps is not None or not (capture.told or any(op.step is None for op in record.ops)):
        return record
    return part_of(record, [op for op in record.ops if op.step is not None])  # see `StepGate`


def record_of(call: Callable[[], Any], options: Options) -> Record:
    """The record of what runs in `call`."""
    capture = Capture(options)
    with observing(capture):
        capture.start(sys._getframe())
        try:
            call()
        finally:
            capture.stop()
    return build(capture)


class _Builder:
    """Goes once through the events, in the order in which they happened."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.record = record = Record(meta=run_facts(capture.options._asdict(), capture.began, capture.stopped))
        self.sources = Sources(capture.walker.codes)
        self.calls = ComposedCalls(capture.walker.codes)
        self.stacks: list[tuple[Frame, ...]] = []
        self.same_stacks: dict[tuple[int | None, ...], tuple[Frame, ...]] = {}
        self.threads: dict[int, int] = {}
        self.dtype_name = functools.cache(str)
        self.makers: dict[int, int] = {}  # key of a tensor -> id of the op that made it
        self.began: list[int] = []  # raw start of each op, also when times are not wanted
        self.gone: list[tuple[int, int]] = []  # when each event began, and how many pieces of memory had gone
        self.marked: list[tuple[int, Scope]] = []  # when the steps began that something marks
        self.compositions: dict[int, int] = {}  # numbers, by the identity of what was found
        self.latest: dict[int, int] = {}  # position of a variable -> the tensor it is now
        self.firsts: dict[int, int] = {}  # a variable's later tensors -> its position
        self.gradient_keys = dict(capture.gradient_keys)  # position of a gradient -> the key of whose it is
        capture.small.flush()
        capture.states.flush()
        self.met = capture.journal.met()
        record.tensors = [self._tensor(i, met) for i, met in enumerate(self.met)]
        self.same = same_memory(self.met)
        self.by_key = {met.key: i for i, met in enumerate(self.met) if met.key is not None}
        self._build_scopes()
        for event in capture.journal.events():
            self.gone.append((event.started, event.gone))
            getattr(self, f"_add_{event.kind}")(event)
        record.calls |= self.calls.found(self._places_around)
        self._name_other_gradients()
        self._name_constants()
        name_own_updates(record)
        names = capture.names or ArrayNames()
        targets = [(i, name) for i, name in names.targets.items() if name and i >= 0]
        record.called |= {i: name for i, name in targets if record.tensors[i].producer is not None}
        settle_names(record, names)
        record.called |= {i: name for i, name in capture.made_up_names.items() if self._is_nameless(i)}
        record.called |= self._filled_inside(capture.filled)
        self._mark_own_steps()
        name_variables(record, {i: held for i, _, held in capture.variables}, self.firsts)
        tell_optimizers_apart(record)
        if capture.keeper is not None:
            record.values = dict(sorted((record.values | capture.keeper.kept).items()))
            record.labels = dict(sorted((record.labels | capture.keeper.labels).items()))
        self._finish()
        record.notes += nothing_kept(record, capture.options.values)

    # ------------------------------------------------------------------ tensors and memory

    def _tensor(self, position: int, met: Met) -> TensorInfo:
        size = math.prod(met.shape)
        role = "activation"
        if met.variable is not None:
            role = met.variable[1]
        elif met.outside:
            role = "constant" if size <= 1 else "input"
        return TensorInfo(
            position,
            tuple(met.shape),
            self.dtype_name(met.dtype),
            size * met.dtype.itemsize,
            role,
            name=met.variable[0] if met.variable else self.capture.input_names.get(position, "") if met.outside else "",
            device=met.device,
            storage=met.storage,
            stats=None if position in self.capture.met_changed else self.capture.measured.get(position),
        )

    def _now(self, position: int) -> list[int]:
        """The ids of the tensors that a position stands for at this point of the run."""
        position = self.same.get(position, position)
        if position in self.capture.sums:
            return self.capture.sums[position]
        return [self.latest.get(position, position)]

    # ------------------------------------------------------------------ scopes

    def _build_scopes(self) -> None:
        calls: dict[tuple[int, str], int] = {}
        marks, chosen = self.capture.marks, self.capture.options.steps
        for number, opened in enumerate(self.capture.scopes):
            stack = self._stack(opened.places, opened.base)
            self.stacks.append(stack)
            about = opened.facts or {}
            owner = about.get("number")
            scope = Scope(
                number,
                opened.kind,
                str(opened.name),
                opened.parent,
                owner,
                0 if owner is None else calls.get((owner, opened.kind), 0),
                about.get("cls", ""),
                settings_at(about, opened.rate),
                about.get("params"),
                self.sources.at(*about["created_at"]) if about.get("created_at") else None,
                stack,
                self._time(opened.started),
                self._time(opened.ended),
                opened.inputs,
                opened.outputs,
                opened.error,
            )
            if opened.kind in ("layer", "model"):
                scope.called = self.capture.layers.kept_in(scope.name)
            elif opened.kind == "backward":
                scope.config = {"target": opened.target} if opened.target else {}
            if owner is not None:
                calls[owner, scope.kind] = scope.call + 1
            # A step inside of another one is a part of it, as `StepGate` counts.
            if scope.kind == "step" and not any(s.kind == "step" for s in self.record.ancestors(opened.parent)):
                at, trained = marks.get(opened.started, (None, None))
                if at is None or chosen is None or at in chosen:
                    self.record.steps.append(Step(len(self.record.steps), number, scope.start, scope.end, at, trained))
                    self.marked.append((opened.started, scope))
            self.record.scopes.append(scope)
        self.step_of = steps_around(self.record)

    def _is_nameless(self, tensor: int, role: str = "input") -> bool:
        """Does the code call what comes from outside nothing, nor a model?"""
        info = self.record.tensors[tensor]
        return info.role == role and info.producer is None and not (info.name or tensor in self.record.called)

    def _filled_inside(self, filled: Mapping[int, str]) -> dict[int, str]:
        """Of filled arrays those that are constants, or given to a layer only by the model or layer around that."""
        record, given_outside = self.record, set[int]()
        for scope in record.scopes:
            if scope.kind != "step" and not filled.keys().isdisjoint(scope.inputs):
                around = [each for each in record.ancestors(scope.id) if each.kind in ("layer", "model")]
                if len(around) < 2:
                    given_outside.update(scope.inputs)
        return {
            i: name
            for i, name in filled.items()
            if self._is_nameless(i, "constant") or (self._is_nameless(i) and i not in given_outside)
        }

    def _stack(self, places: list[int], base: int | None) -> tuple[Frame, ...]:
        key = (*places, base)
        found = self.same_stacks.get(key)
        if found is None:
            frames = self.sources.frames(places)
            found = (frames if base is None else frames + self.stacks[base])[:MAX_FRAMES]
            self.same_stacks[key] = found
        return found

    def _places_around(self, op: Op) -> list[int]:
        """Where the user's code called what the scope of an op is of."""
        return [] if op.scope is None else self.capture.scopes[op.scope].places

    def _base(self, scope: int | None) -> int | None:
        """The scope whose stack continues that of what ran in `scope`."""
        return None if scope is None else self.capture.scopes[scope].inner_base

    def _phase(self, scope: int | None) -> str:
        for each in self.record.ancestors(scope):
            if each.kind in _PHASE_OF_SCOPE:
                return _PHASE_OF_SCOPE[each.kind]
        return "forward"

    # ------------------------------------------------------------------ events

    def _add_op(self, event: Event) -> None:
        what = event.op
        op = self._op(event, what.name, self._phase(event.scope))
        self.calls.add(op, event)
        self._read(op, event.inputs, what.arrays + ("index",) * (len(event.inputs) - len(what.arrays)))
        op.settings |= dict(zip(what.settings, event.given))
        if getattr(what, "moves", False):
            self.record.meta.setdefault("moves", {})[what.name] = True
        self._make(op, tuple(event.outputs))
        if what.fused and event.error is None:
            self._compose(op, event)
        for position in event.outputs:
            key = self.met[position].key
            if key is not None:
                self.makers[key] = op.id

    def _compose(self, op: Op, event: Event) -> None:
        """Note what a fused op is made of."""
        arguments = event.inputs
        if len(op.inputs) != sum(x is not None for x in arguments):
            return  # a number where an array is usual, or the sum of several gradients
        given = [None if x is None else (self.met[x].shape, self.met[x].dtype) for x in arguments]
        found = composition_of(event.op, given, event.given)
        if found is not None:
            number = self.compositions.setdefault(id(found), len(self.compositions))
            if number == len(self.record.compositions):
                self.record.compositions.append(found)
            op.composition = number
            if event.begin in self.capture.guilty:
                guilty = self.record.meta.setdefault("nonfinite_parts", {})
                guilty[str(op.id)] = self.capture.guilty[event.begin]

    def _add_rule(self, event: Event) -> None:
        out_keys, in_keys = event.given
        forward = next((self.makers[key] for key in out_keys if key in self.makers), None)
        if forward is not None:
            self._watched_late(in_keys, self.record.ops[forward])
        self._name_gradients(event.outputs, forward)
        if self._claim(event.started, forward):
            return  # the rule was itself recorded: its ops are the backward ops
        op = self._op(event, event.op.name, "backward")
        op.forward = forward
        if forward is not None:
            op.stack = self.record.ops[forward].stack
        inputs = [i for position in event.inputs for i in self._now(position)]
        op.inputs = tuple(dict.fromkeys(inputs))
        op.input_names = ("g",) * len(op.inputs)
        self._make(op, tuple([i for i in event.outputs if i not in op.inputs]))

    def _add_update(self, event: Event) -> None:
        phase = self._phase(event.scope)
        if phase == "forward" and not any(s.kind in ("layer", "model") for s in self.record.ancestors(event.scope)):
            phase = "update"
        op = self._op(event, str(event.op), phase)
        given = "value" if op.name.startswith("assign") else "gradient"
        variable = event.inputs[0]
        before = self.record.tensors[self._now(variable)[0]]
        changed = "weight" if before.role in ("parameter", "frozen") else "state"
        self._read(op, event.inputs, (changed, *[given for _ in event.inputs[1:]]))
        after = dataclasses.replace(before, id=len(self.record.tensors), producer=None, gradient_of=None)
        after.version, after.stats = before.version + 1, self.capture.updated.get(event.begin)
        self.record.tensors.append(after)
        self.latest[variable] = after.id
        self.firsts[after.id] = variable
        if self.capture.keeper is not None and event.begin in self.capture.keeper.after:
            self.record.values[after.id] = self.capture.keeper.after[event.begin]
            self.record.labels[after.id] = after.name
        self._make(op, (after.id,))

    def _add_collective(self, event: Event) -> None:
        op = self._op(event, str(event.op), "network")
        op.settings = dict(event.given)

    def _add_draw(self, event: Event) -> None:
        op = self._op(event, str(event.op), self._phase(event.scope))
        settings, names = event.given
        op.settings = dict(settings)
        self._read(op, event.inputs, names)
        self._make(op, tuple(event.outputs))

    def _add_reading(self, event: Event) -> None:
        """What a metric read past all ops, with NumPy: else nothing would tell that it saw the predictions."""
        given = [i for position in event.inputs for i in self._now(position)]
        read, ended = set[int](), event.started
        for op, began in zip(reversed(self.record.ops), reversed(self.began)):
            if began < event.started:
                break
            if any(scope.id == event.scope for scope in self.record.ancestors(op.scope)):
                read.update(op.inputs)
                ended = max(ended, began + op.duration)
        unread = [i for i in given if i not in read]
        makers = [self.record.tensors[i].producer for i in unread]
        # Of something else than what was read: logits instead of probabilities, say.
        if any(maker is not None and read.isdisjoint(self.record.ops[maker].inputs) for maker in makers):
            op = self._op(event._replace(started=ended), str(event.op), "metric")
            op.inputs = tuple(dict.fromkeys(unread))
            op.input_names = ("given",) * len(op.inputs)

    def _add_taken(self, event: Event) -> None:
        """Python took the values of what an op made, perhaps in each round of a loop."""
        stack = self._stack(event.places, self._base(event.scope))
        read = Read(str(event.op), stack[0] if stack else None)
        for i in [i for position in event.inputs for i in self._now(position)]:
            producer = self.record.tensors[i].producer
            if producer is not None and read not in (found := self.record.reads.setdefault(producer, [])):
                found.append(read)

    def _op(self, event: Event, name: str, phase: str) -> Op:
        op = Op(
            len(self.record.ops),
            name,
            phase,
            event.scope,
            None if event.scope is None else self.step_of[event.scope],
            stack=self._stack(event.places, self._base(event.scope)),
            start=self._time(event.started),
            end=self._time(event.ended),
            error=event.error,
            thread=0 if phase == "network" else self.threads.setdefault(event.thread, len(self.threads)),
            replayed=self._replayed(event),
            means=getattr(event.op, "means", name),
        )
        self.record.ops.append(op)
        self.began.append(event.started)
        return op

    def _replayed(self, event: Event) -> bool:
        """Whether a captured step was replayed then."""
        replays = self.capture.replays
        at = bisect.bisect_right(replays, event.begin, key=lambda replay: replay[0]) - 1
        return at >= 0 and event.begin < replays[at][1] and event.thread == replays[at][2]

    def _read(self, op: Op, arguments: Any, names: tuple[str, ...]) -> None:
        """Sort what an op was given into tensors and settings."""
        ids, given = [], []
        for name, argument in self._named(arguments, names):
            if isinstance(argument, tuple):
                op.settings[name] = argument[1]
            else:
                found = self._now(argument)
                ids += found
                given += [name] * len(found)
        op.inputs, op.input_names = tuple(ids), tuple(given)

    def _named(self, arguments: Any, names: tuple[str, ...]) -> Any:
        for name, argument in zip(names, arguments):
            if isinstance(argument, tuple) and argument[:1] == ("=",):
                yield name, argument
            elif isinstance(argument, tuple):
                yield from self._named(argument, tuple([f"{name}[{i}]" for i in range(len(argument))]))
            elif argument is not None:
                yield name, argument

    def _make(self, op: Op, outputs: tuple[int, ...]) -> None:
        op.outputs = outputs
        for i in outputs:
            if self.record.tensors[i].producer is None:
                self.record.tensors[i].producer = op.id

    def _name_gradients(self, positions: list[int], forward: int | None) -> None:
        """Note whose gradients a rule gave: of weights that change in place, of those that the forward op had read."""
        read = () if forward is None else self.record.ops[forward].inputs
        versions = {self.firsts[i]: i for i in read if i in self.firsts}
        for position in positions:
            key = self.gradient_keys.get(position)
            of = None if key is None else self.by_key.get(key)
            if of is not None:
                self.record.tensors[position].gradient_of = versions.get(of, of)

    def _claim(self, started: int, forward: int | None) -> bool:
        """Make the ops since `started` the backward ops of `forward`; False when there are none."""
        found = False
        for op, began in zip(reversed(self.record.ops), reversed(self.began)):
            if op.phase == "network":  # announced when it was over; and it may have begun long before
                continue
            if began < started:
                break
            op.phase, found = "backward", True
            op.forward = forward if op.forward is None else op.forward
        return found

    def _watched_late(self, in_keys: tuple[int | None, ...], forward: Op) -> None:
        """A tensor watched after it was first met got its key later: find it by elimination."""
        unknown = [key for key in in_keys if key is not None and key not in self.by_key]
        keyless = [i for i in forward.inputs if i < len(self.met) and self.met[i].key is None]
        if len(unknown) == len(keyless):
            self.by_key.update(zip(unknown, keyless))

    # ------------------------------------------------------------------ at the end

    def _name_other_gradients(self) -> None:
        """Those that no rule gave: where a pass begins, and sums of what several rules gave."""
        tensors = self.record.tensors
        for position, key in self.gradient_keys.items():
            tensors[position].role = "gradient"
            of = self.by_key.get(key)
            if of is not None and tensors[position].gradient_of is None:
                parts = [tensors[i].gradient_of for i in self.capture.sums.get(position, ())]
                versions = [i for i in parts if i is not None and self.firsts.get(i) == of]
                tensors[position].gradient_of = versions[0] if versions else of
        for op in self.record.ops:
            if op.phase == "backward":
                for i in op.outputs:
                    tensors[i].role = "gradient" if tensors[i].role == "activation" else tensors[i].role

    def _name_constants(self) -> None:
        """What no scope was given, and an op inside of a layer reads, the layer made itself: a mask, say.

        Outside of layers only what `ops.ones` and the like made is known to be given by nobody.
        """
        given = {i for scope in self.record.scopes for i in scope.inputs}
        seen: set[int] = set()
        for op in self.record.ops:
            for i in op.inputs:
                tensor = self.record.tensors[i]
                if i in seen or tensor.role != "input":
                    continue
                seen.add(i)
                if i in given or i >= len(self.met) or self.met[i].key is not None:
                    continue
                inside = any(makes_its_own(scope) for scope in self.record.ancestors(op.scope))
                if inside or i in self.capture.filled:
                    tensor.role = "constant"

    def _gone(self) -> list[tuple[int, int]]:
        """When events and scopes began and ended, and how many pieces of memory had gone by then, in order."""
        found = self.gone
        for scope in self.capture.scopes:
            found.append((scope.started, scope.began_with))
            if scope.ended is not None:
                found.append((scope.ended, scope.ended_with))
        return sorted(found, key=lambda mark: mark[::-1])

    def _mark_own_steps(self) -> None:
        """Tell the steps of loops that mark none."""
        now = self.capture.stopped or clock()
        scopes = [(s.started, now if s.ended is None else s.ended) for s in self.capture.scopes]
        chosen = self.capture.options.steps
        clocks = Clocks(self.began, scopes, self.capture.told, list(self.capture.marks))
        known = self.record.scopes
        mark_own_steps(self.record, clocks, self.firsts, chosen, self.capture.upcoming)
        passes = [(*when, scope) for when, scope in zip(scopes, known) if scope.kind == "backward"]
        targets = self.capture.targets
        learnt = gradients_of(self.record, self.firsts) if targets else {}
        self.losses = own_losses(self.record, passes, zip(targets[::2], targets[1::2]), learnt)

    def _finish(self) -> None:
        capture, record = self.capture, self.record
        if capture.memory is not None:
            pieces, ended = capture.memory.pieces, capture.memory.ended(self._gone(), capture.stopped or clock())
            freed = {number: self._moment(when) for number, when in ended.items()}
            record.storages = [
                Storage(i, nbytes, self._moment(when), freed.get(i))
                for i, (nbytes, when) in enumerate(zip(pieces[::2], pieces[1::2]))
            ]
        for op in record.ops:
            if op.phase == "network":
                op.thread = max(1, len(self.threads))  # a track of its own
        places = {step.scope: step.index for step in record.steps}  # in a loop of one's own, all are numbered anew
        begins = [(started, places[scope.id]) for started, scope in self.marked]  # also where no times are kept
        record.logs = reported_logs(record, capture.logs, begins, self._time)
        if self.losses:
            record.logs = sorted([*record.logs, *self.losses], key=lambda log: log.time or 0)
        missing = _missing(capture, [step.number for step in record.steps if step.number is not None])
        if missing:
            record.notes.append(
                f"{missing} asked for and did not run. Steps are counted from 0 and begin with each batch of fit, "
                "evaluate or predict; in a loop of your own, each update of the weights ends one. (The first one "
                "behind `fit` is recorded if `with viz.step():` marks it.)"
            )
        if capture.missed:
            record.notes.append(
                f"recording stopped at max_ops={capture.options.max_ops:,}: {capture.missed:,} more operations ran "
                "and are not part of this trace. Trace fewer steps, or raise max_ops (--max-ops)."
            )

    def _moment(self, clock: int) -> int:
        return max(0, clock - self.capture.began)

    def _time(self, clock: int | None) -> int | None:
        return self._moment(clock) if clock is not None and self.capture.options.time else None


def _missing(capture: Capture, seen: Collection[int]) -> str:
    """The chosen steps that didn't run as the subject of a sentence, `"steps 3, 7–9 were"`; "" where all did."""
    chosen = capture.options.steps
    if isinstance(chosen, ChosenSteps):
        left = chosen.missing(seen)
        text = ", ".join(left).replace("-", "–")
        is_one = len(left) == 1 and left[0].isdigit()
    else:
        numbers = sorted((chosen or frozenset()) - set(seen))
        text, is_one = formatting.ranges(numbers), len(numbers) == 1
    return text and f"step{'s' * (not is_one)} {text} {'was' if is_one else 'were'}"
