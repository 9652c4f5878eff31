"""`Recorder`: listens to one run of a step, and writes down what a replay has to compute."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.capturing import capturing
from eagerflow.base.machine.subnormals import without_subnormals
from eagerflow.capture.arguments.array_argument import ArrayArgument
from eagerflow.capture.arguments.conversions import Conversions
from eagerflow.capture.arguments.layouts import goes_by_layouts
from eagerflow.capture.arguments.results import is_container, parts_of
from eagerflow.capture.arguments.taken_apart import weakly
from eagerflow.capture.as_now import as_now
from eagerflow.capture.backward import walk_captured
from eagerflow.capture.comparing import other_bits
from eagerflow.capture.dependence.kept import Kept, keep, those_kept
from eagerflow.capture.dependence.read_losses import ReadLosses
from eagerflow.capture.dependence.watch import RAISE_FOR_NO_VALUES, Watch
from eagerflow.capture.errors import called_around, given_by_position
from eagerflow.capture.forwarding import Forwarding
from eagerflow.capture.hearing.asked_context import within_the_step
from eagerflow.capture.hearing.calls import line_of_user
from eagerflow.capture.hearing.named import called
from eagerflow.capture.instructions import Call, Compute, Const, Convert, Group, Instruction, Made, Read, Ref, Slot
from eagerflow.capture.kept_back import KeptBack
from eagerflow.capture.marks import Begins, Differentiated, Ends, Mark, OwnTape, WentBack, announced_ref
from eagerflow.capture.places import Places, Walker
from eagerflow.capture.taped import Taped, Watched, key_names, key_of_slot
from eagerflow.core.custom_gradient import CustomOp
from eagerflow.core.device import is_array, namespace_of, namespaces
from eagerflow.core.in_place import settled as settled_array, stored
from eagerflow.core.log import active, log
from eagerflow.core.lowering import settled
from eagerflow.core.observe import Observer, Scope, clock, heard_by
from eagerflow.core.op_function import as_float, as_real, number_beside, own, promoted, promotes, unwrap_all
from eagerflow.core.primitive import Op
from eagerflow.core.tape import GradientTape, as_given
from eagerflow.core.tensor import WEAK, Tensor, coerce, coerce_array
from eagerflow.core.variable import Variable
from eagerflow.layer.autocast import is_autocasting

__all__ = ["Ended", "Recorder"]

# What these give depends on values in its shape, and Python goes on with that.
_SHAPED_BY_VALUES = frozenset({"nonzero", "occurrences", "unique"})
_INDEXING = frozenset({"take_index", "scatter_index"})


class Ended(Exception):
    """A step can't be captured; the message says why, and where."""


class Recorder(Observer):
    """One run of a step, written down.

    Args:
        compares: whether each instruction is computed a second time, to see that it gives what the run has.
        others: observers that hear the run too.

    Attributes:
        marks: what is announced beside the instructions, in order.
        other_bits: which one didn't, in words; None while all do.
        instructions: what was computed, in order.
        arrays: the values of slots, by number.
        ended: why the capture ended early, None while it goes on.
        watch: sees what the step changes around its ops.
        flicker: what tells, after each op, what isn't as it was when the run began; None where nobody asks.
        flickered: what it told.
        lost: whether it ended as a value is missing that was dropped; this says nothing of the step.
    """

    hears_steps = True  # those that `viz.step` marks

    def __init__(self, compares: bool = False, others: tuple[Observer, ...] = ()) -> None:
        self.compares = compares
        self.others: tuple[Observer, ...] = (Forwarding(others, self),) if others else ()
        self.telling = False  # whether they are told of something: what they do isn't the step's
        self.has_arrays = False  # whether NumPy arrays are among the arguments
        self.opens_arrays = False  # whether the step computes with a NumPy array that it was given
        self.walker = Walker(sys._getframe(1))
        self.marks: list[Mark] = []
        self._tapes: list[Any] = []
        self._log = log.get()  # of the tapes around the step
        self.outer_tapes = active() if self._log is not None else ()
        self._indices: Sequence[Const | None] = ()  # of the op that is heard next
        self._left = 0 if self._log is None else len(self._log)  # records that should be there
        self.watch = Watch(self)
        self._times: list[int] = []  # when instructions were written
        self._slots_of_keys: dict[int | None, int] = {}
        self._key_names: dict[int, str] = {}  # what the program calls keys
        self.other_bits: str | None = None
        self.lost = False
        self.flicker: Callable[[], str | None] | None = None
        self.flickered: str | None = None
        self.instructions: list[Instruction] = []
        self.arrays: list[Any] = []
        self.ended: tuple[str, tuple[str, int] | None] | None = None
        self.records: dict[int, tuple[Any, Compute, list[Ref]]] = {}  # by their identity: record, op, what it keeps
        self.rule_slots: dict[int, int] = {}  # gradients of the last walk: slots by the keys of their tensors
        self._slots: dict[int, int] = {}  # by the identity of arrays, all of which `arrays` holds
        self._kept_back = KeptBack(self.arrays, self._slots)
        self.conversions = Conversions(self)
        self.losses_before: dict[int, tuple[Any, str]] = {}  # in layers, by the identity of arrays, with layers' names
        self.read_losses = ReadLosses(self.instructions)
        self._of_before: dict[int, str] = {}  # their names, by the identity of their arrays
        self.kept: list[Kept] = []  # tensors that layers have of the call before, and that replays replace
        self._reads: dict[int, Variable] = {}  # variables whose values are those of slots, by the identity of arrays

    # -- slots and references

    def new_slot(self, value: Any) -> int:
        """A slot with this value."""
        self.arrays.append(value)
        number = len(self.arrays) - 1
        if value is not None and value.__class__ not in WEAK:
            self._slots[id(value)] = number
            if self.conversions.owners:
                self.conversions.see(number, value)
        return number

    def is_now(self, number: int, found: Any) -> None:
        """A slot has another array, of the same values; both are held, for their identities."""
        self.arrays.append(self.arrays[number])
        self.arrays[number], self._slots[id(found)] = found, number

    def let_go(self) -> None:
        """Drop values that nobody else holds: no instruction that is still to be written reads them."""
        self._kept_back.let_go()

    def went_back(self, record: Any) -> None:
        """A record's rule has run, and its tape has dropped it."""
        known = self.records.pop(id(record), None)
        if known is not None:
            self._kept_back.release(known[2])

    def slot_of(self, value: Any) -> int | None:
        """The slot that holds this very array."""
        return self._slots.get(id(value))

    def end(self, why: str, line: tuple[str, int] | None = None) -> None:
        """End the capture: this can't be replayed. The first reason counts."""
        if self.ended is None:
            self.ended = (why, line or line_of_user(sys._getframe(1)))

    def read(self, tensor: Any, how: str) -> None:
        """Somebody takes the values out of a tensor or variable."""
        what = f"variable {tensor.path!r}" if isinstance(tensor, Variable) else "a tensor"
        self.end(f"the program reads the values of {what} ({how})")

    def opened(self, name: str, how: str) -> None:
        """Somebody computes with a NumPy array that the step was given."""
        if not self.telling:
            self.opens_arrays = True
            done = f"it computes with the NumPy array {name!r} itself ({how.strip('_')})"
            self.end(f"{done}: pass a tensor to have that captured", line_of_user(sys._getframe(1)))

    def add(self, instruction: Instruction, values: list[Any] | None = None) -> None:
        """Write an instruction down, and see whether it gives the same once more.

        Args:
            instruction: what was computed.
            values: the slots' values when it began, where it may change some; default: those of now.
        """
        frame = sys._getframe(1)
        instruction.line, instruction.places = line_of_user(frame), self.walker.places(frame)
        instruction.flushed = without_subnormals.entered
        self._times.append(clock())
        self.instructions.append(instruction)
        if self.compares and instruction.pure and self.other_bits is None:
            if self._kept_back.lacks(instruction):
                self.lost = True
                return self.end(f"{instruction.name} reads a value that was dropped")
            with numpy.errstate(all="ignore"):  # of what NumPy warns, it did when the op ran
                found = instruction.compute(self.arrays if values is None else values)
            self.other_bits = other_bits(instruction, found, self.arrays)
        return None

    def given(self, argument: Any, tensor: Tensor) -> int:
        """A slot for an argument of the step.

        Args:
            argument: what the step has: a tensor, or what stands for a NumPy array.
            tensor: what replays have for an array.
        """
        if type(argument) is ArrayArgument:
            slot = self.new_slot(stored(tensor))
            self._slots[id(argument)], self.has_arrays = slot, True
            return slot
        slot = self.new_slot(stored(argument))
        if argument.key is not None:
            self._name_key(argument.key, slot)
        return slot

    def passed(self, x: Any) -> Any:
        """What a function that is called again is given: arrays as replays have them."""
        return tree.map_structure(self._array_passed, x) if self.has_arrays else x

    def _array_passed(self, leaf: Any) -> Any:
        return self.arrays[self._slots[id(leaf)]] if type(leaf) is ArrayArgument else leaf

    def _name_key(self, key: int, slot: int) -> None:
        """The program has a key for a slot."""
        self._slots_of_keys[key], self._key_names[key] = slot, key_of_slot(slot)

    def _key_name(self, key: int) -> str | None:
        """What a key is called in the program; None for one that isn't known."""
        return self._key_names.get(key)

    def snapshot(self, variable: Any, value: Any) -> Any:
        """A tensor with the values of a variable: what the property `value` gives, which may be a cast of it."""
        number = next(self._read_of(variable).slots())
        token = capturing.set(None)
        try:
            found = value.fget(variable)
        finally:
            capturing.reset(token)
        if stored(found) is not self.arrays[number]:  # or another thread has given it another one since
            self.end(f"variable {variable.path!r} is read in another type (value)")
        return found

    def knows(self, tensor: Any) -> bool:
        """Whether the values of a tensor or variable belong to what is captured."""
        return isinstance(tensor, Variable) or id(stored(tensor)) in self._slots

    def _read_of(self, variable: Any) -> Ref:
        array = settled_array(variable)
        if self._reads.get(id(array)) is variable:
            return Slot(self._slots[id(array)])
        slot = self.new_slot(array)
        self._reads[id(array)] = variable
        self._slots_of_keys[variable.identity] = slot
        self._key_names[variable.identity] = str(variable.identity)
        self.add(Read(variable, slot))
        return Slot(slot)

    def ref_of_array(self, array: Any) -> Ref:
        """The reference to a raw value: a slot, or a constant."""
        number = self._slots.get(id(array))
        return self._constant(array, array) if number is None else Slot(number)

    def _constant(self, value: Any, array: Any) -> Const:
        """The reference to what comes from outside of the step, unless that differs from call to call."""
        if (left := self.losses_before.get(id(array))) is not None:
            self.end(f"the step reads losses that an earlier call of {left[1]!r} left there")
        return Const(value)

    def raw(self, x: Any) -> Ref:
        """The reference to the array of what an op was given as a tensor."""
        if isinstance(x, Variable):
            return self._read_of(x)
        return self.ref_of_array(stored(x))

    def ref(self, value: Any) -> Ref:
        """The reference to anything; tensors are made again from their arrays."""
        if isinstance(value, Variable):
            return Const(value)
        if isinstance(value, Tensor):
            number = self._slots.get(id(stored(value)))
            tracked = self._log is not None and value.key is not None
            if tracked and (number is None or self._key_name(value.key) is None):  # type: ignore[arg-type]
                self.end("a tensor from outside of the step that a tape tracks")
            if number is None:
                return self._constant(value, stored(value))
            mask, logits = getattr(value, "mask", None), getattr(value, "logits", None)
            kept = None if logits is None else (logits[0], self.ref(logits[1]), logits[2])
            key = self._key_name(value.key) if tracked else None  # type: ignore[arg-type]
            return Made(number, None if mask is None else self.ref(mask), kept, key)
        return self._ref_of_parts(value, self.ref)

    def setting(self, value: Any) -> Ref:
        """The reference to a setting of an op, which may hold raw arrays."""
        return as_now(self._ref_of_parts(value, self.setting))

    def group(self, value: Any, parts: list[Ref]) -> Group:
        """The reference to a collection that is made again."""
        kind = value.__class__
        if getattr(value, "__dict__", None):  # such as a named tuple's, in a class of the user's
            self.end(f"the step uses or gives a {kind.__name__} with attributes, which a replay can't make")
        if kind not in (list, tuple, dict, OrderedDict) and not hasattr(kind, "_make"):
            self.end(f"the step uses or gives a {kind.__name__} of its own, which a replay can't make")
        return Group(kind, parts, tuple(value) if isinstance(value, dict) else ())

    def _ref_of_parts(self, value: Any, of: Callable[[Any], Ref]) -> Ref:
        kind = value.__class__
        if is_container(value):
            parts = [of(part) for part in parts_of(value)]
            return Const(value) if all(part.__class__ is Const for part in parts) else self.group(value, parts)
        if kind is slice:
            parts = [of(part) for part in (value.start, value.stop, value.step)]
            return Group(slice, parts) if any(p.__class__ is not Const for p in parts) else Const(value)
        if isinstance(value, numpy.generic) or is_array(value):
            return self.ref_of_array(value)
        return Const(value)

    # -- what is heard

    def on_op(
        self,
        op: Op,
        inputs: Any,
        settings: Any,
        outputs: Any,
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        if self.ended is not None:
            return None
        if error is not None:
            return self.end(f"{op.name} raised {type(error).__name__}")
        self.let_go()
        if self.flicker is not None and self.flickered is None:
            self.flickered = self.flicker()
        try:
            self._write(op, inputs, settings, list(outputs) if op.outputs != 1 else [outputs])
        except Exception as caught:  # noqa: BLE001 - a step isn't broken off because it can't be written down
            self.end(f"{op.name} can't be written down ({type(caught).__name__}: {caught})")
        self._indices = ()
        return None

    def _write(self, op: Op, inputs: Any, settings: Any, parts: list[Any]) -> None:
        if not op.writes:  # no `@op` wrote its wrapper
            return self.end(f"{op.name} was made on the fly (custom_gradient, remat)")
        if op.name in _SHAPED_BY_VALUES or (op.name in _INDEXING and _masks(settings)):
            return self.end(f"the shape of what {op.name} gives depends on values")
        if any(type(stored(part)) not in namespaces and not _is_scalar(stored(part)) for part in parts):
            return self.end(f"{op.name} gives what is neither an array nor a number of NumPy's")
        for part in parts:  # NumPy has one False and one True: as arrays, each result is an object of its own
            if stored(part).__class__ is numpy.bool_:
                part.data = numpy.asarray(stored(part))
        arrays = self._arrays_of(op, self.conversions.taken(inputs) if self.has_arrays else inputs)
        given = [self.setting(value) for value in settings]
        if not any(True for ref in (*arrays, *given) for _ in ref.slots()):
            return None  # a constant
        return self._compute(op, arrays, given, parts, op.outputs != 1)

    def _compute(self, op: Op, arrays: list[Ref], given: list[Ref], parts: list[Any], several: bool) -> None:
        records = log.get()
        keys = tuple([part.key for part in parts])
        record = records[-1] if records else None
        tracked = record is not None and record[0] is op and (record[1] == (keys if several else keys[0]))
        tracked = tracked and any(key is not None for key in keys)
        values = [ref.value(self.arrays) for ref in arrays]
        is_fixed = op.name in _INDEXING and not any(True for ref in given for _ in ref.slots())  # then shapes tell all
        if not is_fixed:
            self.watch.has_computed(op, values, self.walker.frames(sys._getframe(1)))
        xp = namespace_of(*[stored(part) for part in parts])
        widened: list[int] = []
        if promotes(op, values):
            plain = tuple([ref.value(self.arrays) for ref in given])
            widened = [self.new_slot(v) for v in promoted(op.forward, xp, tuple(values), plain)[: len(values)]]
        outs = [self.new_slot(stored(part)) for part in parts]
        extras = []
        if op.saves:
            kept = dict(zip(op.saved, record[4])) if tracked else {}  # type: ignore[index]
            extras = [self.new_slot(kept.get(name)) for name in op.saves]
        self._slots_of_keys.update((key, slot) for key, slot in zip(keys, outs) if key is not None)
        made = Compute(xp, op, arrays, given, tracked, [*outs, *extras], len(extras), several, widened)
        if "index" in op.settings:
            made.indices = self._indices
        if op.name not in RAISE_FOR_NO_VALUES:
            made.called = called_around(sys._getframe(1))
        if op.name in settled and xp is numpy and not widened:
            made.settled = settled[op.name].forward(*values, *[ref.value(self.arrays) for ref in given])
        self.add(made)
        if tracked:
            seen: list[Ref] = [Slot(n) for n in widened] or arrays
            named = dict(zip(op.arrays, seen)) | dict(zip(op.settings, given))
            named |= dict(zip(op.saves, map(Slot, extras)))
            named["out"] = Group(tuple, [Slot(n) for n in outs]) if several else Slot(outs[0])
            saved = [self._kept(named[name], name in op.settings) for name in op.saved]
            for name, kept in zip(op.saved, record[4]):  # type: ignore[index]
                self._alias(named[name], kept)
            self.records[id(record)] = (record, made, saved)
            self._kept_back.need(saved)
            if records is self._log and record is not None:
                self._tape(made, record, saved, several)

    def _tape(self, made: Compute, record: Any, saved: list[Ref], several: bool) -> None:
        """An op left a record on a tape around the step."""
        op, out, keys, shapes, _ = record
        self._left += 1
        for each in out if several else [out]:
            if each is not None:
                self._name_key(each, self._slots_of_keys[each])
        try:
            outs = key_names(out if several else [out], self._key_name)
            made.taped = Taped(op, outs, several, key_names(keys, self._key_name), shapes, saved)
        except LookupError:
            self.end("a tensor from outside of the step that a tape tracks")

    def watched(self, tensors: list[Any]) -> None:
        """A tape watches tensors, which have keys now."""
        for tensor in tensors if self._log is not None else ():
            if self._key_name(tensor.key) is not None or isinstance(tensor, Variable):
                continue
            slot = self.slot_of(stored(tensor))
            if slot is None:
                return self.end("a tape watches a tensor from outside of the step")
            self._name_key(tensor.key, slot)
            self.add(Watched(slot))
        return None

    def finish(self, outputs: Ref) -> None:
        """The step is over, and gives these."""
        self.watch.finish()
        if self._log is None:  # else records of a tape around it keep what they like
            self.conversions.settle(self.instructions, outputs)
        if self._log is not None and len(self._log) != self._left:
            self.end("a tape around it has records of what isn't an op of the step's")

    def _alias(self, ref: Ref, kept: Any) -> None:
        """Know a record's own copy of a value, too."""
        if isinstance(ref, Slot) and is_array(kept):
            if kept is not self.arrays[ref.number]:
                self.arrays.append(kept)  # held, for its identity
                self._slots[id(kept)] = ref.number
        elif isinstance(ref, Group) and isinstance(kept, (tuple, list)):
            for part, value in zip(ref.parts, kept):
                self._alias(part, value)
        elif isinstance(ref, Group) and isinstance(kept, slice):
            for part, value in zip(ref.parts, (kept.start, kept.stop, kept.step)):
                self._alias(part, value)

    def _kept(self, ref: Ref, is_setting: bool) -> Ref:
        return Const(own(ref.constant)) if is_setting and isinstance(ref, Const) else ref

    def _arrays_of(self, op: Op, inputs: Any) -> list[Ref]:
        if op.sequence:
            first, *rest = inputs
            if isinstance(first, Tensor) or not isinstance(first, (list, tuple)):
                parts: list[Ref] = [Const(array) for array in unwrap_all(first)[0]]
                self.end(f"{op.name} of one tensor instead of a list")
            else:
                parts = [self.raw(v) if isinstance(v, Tensor) else Const(coerce_array(v)) for v in first]
            return [Group(list, parts), *[self._array_of(op, x) for x in rest]]
        return [self._array_of(op, x, inputs[not i] if len(inputs) > 1 else None) for i, x in enumerate(inputs)]

    def _array_of(self, op: Op, x: Any, beside: Any = None) -> Ref:
        if x is None:
            return Const(None)
        weak, floating = op.writes["weak"], op.writes["floating"]
        if not isinstance(x, Tensor):
            value = coerce(x) if weak else coerce_array(x)
            if weak and x.__class__ in WEAK:
                value = number_beside(beside, value)
            return Const(as_float(value) if floating else value)
        ref = self.raw(x)
        if floating and x.dtype.kind in "iub":
            function = as_real if floating == "real" else as_float
            if ref.__class__ is Const:
                return Const(function(ref.value(self.arrays)))
            slot = self.new_slot(function(ref.value(self.arrays)))
            self.add(Convert(function, ref, slot))
            return Slot(slot)
        return ref

    def on_indices(self, tensors: Any) -> None:
        found = [self.raw(x) if isinstance(x, Tensor) else self.ref_of_array(x) for x in tensors]
        self._indices = [None if isinstance(ref, Slot) else Const(x) for ref, x in zip(found, tensors)]

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        self.end(f"{name} of variable {variable.path!r}, which the step's objects don't hold")

    def on_draw(self, kind: str, drawn: Any, settings: Any, started: int, ended: int) -> None:
        if self.slot_of(drawn) is None:  # by no function that is called again
            self.end(f"random numbers are drawn in a way that a replay can't repeat ({kind})")

    def on_scope_begin(self, scope: Scope) -> None:
        if self.ended is None:
            places, by_user = self.walker.begin(sys._getframe(1))
            inputs = announced_ref(self.ref(scope.inputs))
            begins = Begins(scope.kind, scope.name, weakly(self._owner(scope.owner)), inputs, by_user)
            begins.by_position = given_by_position(sys._getframe(1))
            self._mark(begins, places)

    def _owner(self, owner: Any) -> Any:
        """Whose scope it is; of tapes, which have records of this run, just which one."""
        if not isinstance(owner, GradientTape):
            return owner
        if not any(tape is owner for tape in self._tapes):
            self._tapes.append(owner)
        return OwnTape(next(i for i, tape in enumerate(self._tapes) if tape is owner))

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        if self.ended is None:
            self.walker.end()
            self._mark(Ends(announced_ref(self.ref(outputs))), ())

    def on_rule(
        self,
        op: Op,
        out_keys: Any,
        in_keys: Any,
        gradients: Any,
        results: Any,
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        if self.ended is None and error is None:  # in a walk that a tape records; others are written by `walk_captured`
            since = next((i for i in reversed(range(len(self._times))) if self._times[i] < started), -1) + 1
            if since == len(self.instructions):  # it gives constants
                return
            self.has_gone_back(op, since, out_keys, in_keys, gradients, results)

    def has_gone_back(
        self, op: Op, since: int, out_keys: Any, in_keys: Any, gradients: Sequence[Any], results: Sequence[Any]
    ) -> None:
        """A rule ran, and what it computed with are instructions."""
        told = [announced_ref(self.ref(list(given))) for given in (gradients, results)]
        made, read = [list(map(self._slots_of_keys.get, given)) for given in (out_keys, in_keys)]
        named = op.announced() if isinstance(op, CustomOp) else op
        self._mark(WentBack(named, since, made, read, *told), ())

    def _mark(self, mark: Mark, places: Places) -> None:
        mark.at, mark.places = len(self.instructions), places
        self.marks.append(mark)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        told = [announced_ref(self.ref(list(given))) for given in (targets, sources, results)]
        self._mark(Differentiated(*told), ())

    def went_all_back(self, sources: Any, results: Any) -> None:
        """Know the gradients that a tape gives as what its walk computed."""
        makers = {slot: instruction for instruction in self.instructions for slot in instruction.outs}
        for source, result in zip(sources, results):
            if result is None:
                continue
            key = source.identity if isinstance(source, Variable) else source.key
            slot = self.rule_slots.get(key)
            if slot is None:
                continue
            made, given = self.arrays[slot], stored(result)
            if as_given(made, given.dtype) is made and not goes_by_layouts(makers.get(slot)):
                self.arrays.append(given)  # held, for its identity may be another
                self._slots[id(given)] = slot
            else:
                self.add(Convert(as_given, Slot(slot), slot := self.new_slot(given), given.dtype))
            self._kept_back.need([Slot(slot)])
        self.rule_slots = {}  # a walk that is recorded itself has none

    def keeps(self, kept: list[Kept]) -> None:
        """Let replays leave tensors in layers as this run does."""
        self.kept = [each.now() for each in kept]
        self._of_before = {id(stored(each.tensor)): each.name for each in self.kept if each.is_there()}

    def has_asked(self, tensor: Any) -> None:
        """Somebody asks for something of a tensor: is it one that the call before has left?"""
        if (name := self._of_before.get(id(stored(tensor)))) is not None:
            self.end(f"the step reads {name}, which its last call left there: make it a Variable")

    def leave_kept(self, leaves: Collection[Any]) -> None:
        """Let a replay leave in layers the tensors that this run left there, beside the leaves of what it gives."""
        for before in self.kept:
            now = before.now()
            given = any(leaf is now.tensor for leaf in leaves)
            if given or not those_kept([before], self) or self.watch.has_risked:
                self.end(f"the step changes {now.name}: do that outside, or make it a Variable")
            args = Group(tuple, [Const(now.layer), Const(now.key), self.ref(now.tensor)])
            self.add(Call(keep, args, Group(dict, []), [], arrays_in))

    def walk(self, walk: Any, seeds: dict[int, Any]) -> dict[int, Any] | None:
        """A tape's walk back, written down; None where it must go its usual way."""
        return None if self.ended is not None else walk_captured(self, walk, seeds)

    def call_again(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function of Python, which each replay calls again."""
        refs = Group(tuple, [as_now(self.ref(arg)) for arg in args])
        named = Group(dict, [as_now(self.ref(arg)) for arg in kwargs.values()], tuple(kwargs))
        before = 0 if self._log is None else len(self._log)
        with within_the_step(self) as around, self.watch.call(function), heard_by(self.others):
            found = function(*self.passed(args), **self.passed(kwargs))
        if self.read_losses.spoilt is not None:
            self.end(f"{called(function)} {self.read_losses.spoilt}")
        if around is not None and (around.is_asked or (self.watch.ran_users_code and is_autocasting())):
            self.end(f"{called(function)} goes by the call of the layer around it, which a replay doesn't have")
        self.watch.has_called(function, (*args, *kwargs.values()), self.walker.frames(sys._getframe(1)))
        if self._log is not None:
            self._left += len(self._log) - before
        leaves = [leaf for leaf in tree.flatten(found) if leaf is not None and not isinstance(leaf, Variable)]
        if not all(isinstance(leaf, Tensor) or is_array(leaf) for leaf in leaves):
            self.end(f"{called(function)} gives Python values")
        if self._log is not None and any(isinstance(leaf, Tensor) and leaf.key is not None for leaf in leaves):
            self.end(f"{called(function)} gives what a tape tracks")
        outs = [self.new_slot(stored(leaf) if isinstance(leaf, Tensor) else leaf) for leaf in leaves]
        self.add(Call(function, refs, named, outs, arrays_in))
        self._reads.clear()  # whatever variables hold from here on is read again
        return found


def arrays_in(found: Any) -> list[Any]:
    """The arrays of tensors, and arrays, in what a function gave."""
    leaves = tree.flatten(found)
    return [
        stored(leaf) if isinstance(leaf, Tensor) else leaf
        for leaf in leaves
        if leaf is not None and not isinstance(leaf, Variable)
    ]


_SCALARS = frozenset(numpy.dtype(kind).type for kind in "?bhilqBHILQefdgFD")


def _is_scalar(value: Any) -> bool:
    kind = type(value)
    return kind in _SCALARS or (issubclass(kind, numpy.generic) and value.dtype.name == "bfloat16")


def _masks(settings: Any) -> bool:
    """Whether a setting is a mask of bools, as in `x[mask]`."""
    parts = [part for value in settings for part in (value if value.__class__ is tuple else (value,))]
    return any(is_array(part) and part.dtype == bool and part.ndim for part in parts)
