"""`Recorder`: listens to one run of a step, and writes down what a replay has to compute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.capturing import capturing
from eagerflow.base.machine.subnormals import without_subnormals
from eagerflow.capture.backward import walk_captured
from eagerflow.capture.comparison import other_bits
from eagerflow.capture.flatten import nested_kind, parts_of, weakly
from eagerflow.capture.forwarding import Forwarding
from eagerflow.capture.live_values import LiveValues
from eagerflow.capture.marks import Begins, Differentiated, Ends, Mark, OwnTape, announced_ref
from eagerflow.capture.places import Places, Walker
from eagerflow.capture.programs.instructions import (
    Add,
    Call,
    Compute,
    Const,
    Convert,
    Group,
    Instruction,
    Made,
    Read,
    Ref,
    Slot,
)
from eagerflow.capture.programs.layouts import copied
from eagerflow.capture.user_code import called, line_of_user
from eagerflow.core.backward import as_given
from eagerflow.core.custom_gradient import CustomOp
from eagerflow.core.device import Device, is_array, namespace_of, namespaces
from eagerflow.core.in_place import settled, stored
from eagerflow.core.log import log
from eagerflow.core.observe import Observer, Scope, heard_by
from eagerflow.core.op_function import as_float, as_real, number_beside, own, promoted, promotes, unwrap_all
from eagerflow.core.primitive import Op
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import WEAK, Tensor, coerce, coerce_array
from eagerflow.core.variable import Variable
from eagerflow.layer.added_losses import hold_losses
from eagerflow.layer.call_context import current_call
from eagerflow.layer.layer import Layer

__all__ = ["Recorder"]

# What these give depends on values in its shape, and Python goes on with that.
_PLAIN = (int, float, str, type(None))
_SHAPED_BY_VALUES = frozenset({"nonzero", "occurrences", "unique"})
_INDEXING = frozenset({"take_index", "scatter_index"})
_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), type, numpy.dtype, Device)  # that a step may return


class Recorder(Observer):
    """One run of a step, written down.

    Args:
        compares: whether each instruction is computed a second time, to see that it gives what the run has.
        others: observers that hear the run too.

    Attributes:
        marks: what is announced between the instructions, in order.
        quiet: whether observers need the eager step, for gradients of gradients.
        other_bits: which instruction gave something else the second time, in words; None while all give the same.
        instructions: what was computed, in order.
        arrays: the values of slots, by number.
        ended: why the capture ended early, None while it goes on.
        layers: those that the step calls, with those in them, by their identities.
    """

    hears_steps = True  # those that `viz.step` marks

    def __init__(self, compares: bool = False, others: tuple[Observer, ...] = ()) -> None:
        self.compares = compares
        self.others: tuple[Observer, ...] = (Forwarding(others),) if others else ()
        self.walker = Walker(sys._getframe(1))
        self.marks: list[Mark] = []
        self._tapes: list[Any] = []
        self._indices: Sequence[Const | None] = ()  # of the op that is heard next
        self.quiet = False
        self.other_bits: str | None = None
        self.instructions: list[Instruction] = []
        self.arrays = LiveValues()
        self.ended: tuple[str, tuple[str, int] | None] | None = None
        self.records: dict[int, tuple[Any, Compute, list[Ref]]] = {}  # by their identity: record, op, what it keeps
        self.rule_slots: dict[int, int] = {}  # gradients of the last walk: slots by the keys of their tensors
        self.layers: dict[int, Any] = {}
        self._settings: dict[int, tuple[Any, dict[str, Any]]] = {}  # of what was called again, after the last call
        self._reads: dict[int, tuple[int, Variable]] = {}  # by the identity of arrays that are a variable's now

    # -- slots and references

    def end(self, why: str, line: tuple[str, int] | None = None) -> None:
        """End the capture: this can't be replayed. The first reason counts."""
        if self.ended is None:
            self.ended = (why, line or line_of_user(sys._getframe(1)))

    def read(self, tensor: Any, how: str) -> None:
        """Somebody takes the values out of a tensor or variable."""
        what = f"variable {tensor.path!r}" if isinstance(tensor, Variable) else "a tensor"
        self.end(f"the program reads the values of {what} ({how})")

    def add(self, instruction: Instruction, values: Any = None) -> None:
        """Write an instruction down, and see whether it gives the same once more.

        Args:
            instruction: what was computed.
            values: the slots' values when it began, where it may change some; default: those of now.
        """
        frame = sys._getframe(1)
        instruction.line, instruction.places = line_of_user(frame), self.walker.places(frame)
        instruction.flushed = without_subnormals.entered
        self.instructions.append(instruction)
        if self.compares and instruction.pure and self.other_bits is None:
            with numpy.errstate(all="ignore"):  # of what NumPy warns, it did when the op ran
                found = instruction.compute(self.arrays if values is None else values)
            self.other_bits = other_bits(instruction, found, self.arrays)

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
        return isinstance(tensor, Variable) or self.arrays.slot_of(stored(tensor)) is not None

    def _read_of(self, variable: Any) -> Ref:
        array = settled(variable)
        slot, of = self._reads.get(id(array), (0, None))
        if of is variable:
            return Slot(slot)
        slot = self.arrays.new(array)
        self._reads[id(array)] = slot, variable
        self.add(Read(variable, slot))
        return Slot(slot)

    def ref_of_array(self, array: Any) -> Ref:
        """The reference to a raw value: a slot, or a constant."""
        number = self.arrays.slot_of(array)
        return Const(array) if number is None else Slot(number)

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
            number = self.arrays.slot_of(stored(value))
            if number is None:
                return Const(value)
            mask, logits = getattr(value, "mask", None), getattr(value, "logits", None)
            kept: Ref = Const(None)
            if logits is not None:
                kept = Group(tuple, [Const(logits[0]), self.ref(logits[1]), Const(logits[2])])
            return Made(number, self.ref(mask), kept)
        return self._ref_of_parts(value, self.ref)

    def given(self, tensor: Tensor) -> int:
        """A slot for an argument of the step."""
        return self.arrays.new(stored(tensor))

    def outputs(self, value: Any) -> Ref:
        """The reference to what the step returns: tensors, and Python values, in lists, tuples and dicts."""
        if nested_kind(value) is not None:
            parts = [self.outputs(part) for part in parts_of(value)]
            return Group(type(value), parts, tuple(value) if isinstance(value, dict) else ())
        if not isinstance(value, (Tensor, numpy.generic, Layer, *_CONSTANTS)) and not is_array(value):
            self.end(f"the step returns a {type(value).__name__}, which a replay can't make: return tensors")
        return self.ref(value)

    def setting(self, value: Any) -> Ref:
        """The reference to a setting of an op, which may hold raw arrays."""
        return _unchanging(self._ref_of_parts(value, self.setting))

    def _ref_of_parts(self, value: Any, of: Callable[[Any], Ref]) -> Ref:
        kind = value.__class__
        if nested_kind(value) is not None:
            parts = [of(part) for part in parts_of(value)]
            if all(part.__class__ is Const for part in parts):
                return Const(value)
            return Group(kind, parts, tuple(value) if isinstance(value, dict) else ())
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
        try:
            self._write(op, inputs, settings, list(outputs) if op.outputs != 1 else [outputs])
        except Exception as caught:  # noqa: BLE001 - a step isn't broken off because it can't be written down
            self.end(f"{op.name} can't be written down ({type(caught).__name__}: {caught})")
        self._indices = ()
        self.arrays.let_go()
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
        arrays = self._arrays_of(op, inputs)
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
        xp = namespace_of(*[stored(part) for part in parts])
        widened: list[int] = []
        if promotes(op, values):
            plain = tuple([ref.value(self.arrays) for ref in given])
            wide = promoted(op.forward, xp, tuple(values), plain)[: len(values)]
            widened = [self.arrays.new(self.arrays.hold(value)) for value in wide]
        outs = [self.arrays.new(stored(part)) for part in parts]
        extras = []
        if op.saves:
            kept = dict(zip(op.saved, record[4])) if tracked else {}  # type: ignore[index]
            extras = [self.arrays.new(kept.get(name)) for name in op.saves]
        made = Compute(xp, op, arrays, given, tracked, [*outs, *extras], len(extras), several, widened)
        if "index" in op.settings:
            made.indices = self._indices
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

    def _array_of(self, op: Op, x: Any, neighbour: Any = None) -> Ref:
        if x is None:
            return Const(None)
        weak, floating = op.writes["weak"], op.writes["floating"]
        if not isinstance(x, Tensor):
            value = coerce(x) if weak else coerce_array(x)
            if weak and x.__class__ in WEAK:
                value = number_beside(neighbour, value)
            return Const(as_float(value) if floating else value)
        ref = self.raw(x)
        if floating and x.dtype.kind in "iub":
            function = as_real if floating == "real" else as_float
            if ref.__class__ is Const:
                return Const(function(ref.value(self.arrays)))
            slot = self.arrays.new(self.arrays.hold(function(ref.value(self.arrays))))
            self.add(Convert(function, ref, slot))
            return Slot(slot)
        return ref

    def on_indices(self, tensors: Any) -> None:
        found = [self.raw(x) if isinstance(x, Tensor) else self.ref_of_array(x) for x in tensors]
        self._indices = [None if isinstance(ref, Slot) else Const(x) for ref, x in zip(found, tensors)]

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        self.end(f"{name} of variable {variable.path!r}, which the step's objects don't hold")

    def on_draw(self, kind: str, drawn: Any, settings: Any, started: int, ended: int) -> None:
        if self.arrays.slot_of(drawn) is None:  # by no function that is called again
            self.end(f"random numbers are drawn in a way that a replay can't repeat ({kind})")

    def on_scope_begin(self, scope: Scope) -> None:
        if self.ended is None:
            places, by_user = self.walker.begin(sys._getframe(1))
            inputs = announced_ref(self.ref(scope.inputs))
            self._mark(Begins(scope.kind, scope.name, weakly(self._owner(scope.owner)), inputs, by_user), places)
            if isinstance(scope.owner, Layer) and id(scope.owner) not in self.layers:
                self.layers.update((id(layer), layer) for layer in scope.owner._flatten_layers())

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
            if isinstance(op, CustomOp):
                self.end("a function with a gradient that you wrote")
            self.quiet = True

    def _mark(self, mark: Mark, places: Places) -> None:
        mark.at, mark.places = len(self.instructions), places
        self.marks.append(mark)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        told = [announced_ref(self.ref(list(given))) for given in (targets, sources, results)]
        self._mark(Differentiated(*told), ())

    def went_all_back(self, sources: Any, results: Any) -> None:
        """Know the gradients that a tape gives as what its walk computed."""
        sums = {each.outs[0] for each in self.instructions if isinstance(each, Add)}  # always in the same layout
        for source, result in zip(sources, results):
            if result is None:
                continue
            key = source.identity if isinstance(source, Variable) else source.key
            slot = self.rule_slots.get(key)
            if slot is None:
                continue
            made, given = self.arrays[slot], stored(result)
            if as_given(made, given.dtype) is made and slot in sums:
                self.arrays.add(slot, given)
            else:
                self.add(Convert(as_given, Slot(slot), slot := self.arrays.new(given), given.dtype))
        self.rule_slots = {}  # a walk that is recorded itself has none

    def walk(self, walk: Any, seeds: dict[int, Any]) -> dict[int, Any] | None:
        """A tape's walk back, written down; None where it must go its usual way."""
        return None if self.ended is not None else walk_captured(self, walk, seeds)

    def _alias(self, ref: Ref, kept: Any) -> None:
        """Know a record's own copy of a value, too."""
        if isinstance(ref, Slot) and is_array(kept):
            if kept is not self.arrays[ref.number]:
                self.arrays.add(ref.number, kept)
        elif isinstance(ref, Group) and isinstance(kept, (tuple, list)):
            for part, value in zip(ref.parts, kept):
                self._alias(part, value)
        elif isinstance(ref, Group) and isinstance(kept, slice):
            for part, value in zip(ref.parts, (kept.start, kept.stop, kept.step)):
                self._alias(part, value)

    def _settings_stay(self, owner: Any) -> None:
        """Settings of optimizers and metrics are those of the replay: a step that sets some for a part can't be one."""
        _, before = self._settings.get(id(owner), (None, None))
        if before is not None and before != (now := _plain_settings(owner)):
            name = next(name for name in {**now, **before} if now.get(name) != before.get(name))
            what = f"{type(owner).__name__}.{name}"
            self.end(f"the step sets {what}, which replays read as it is then: use two objects, or make it a Variable")

    def finish(self) -> dict[int, Any]:
        """The step is over: let a replay leave in layers the losses that this run left there.

        Returns:
            What gives the layers that were called and have none, by their identities.
        """
        for owner, _ in self._settings.values():
            self._settings_stay(owner)
        for layer in self.layers.values():
            if layer._ef_state.losses:
                args = Group(tuple, [Const(layer), Group(list, [self.ref(loss) for loss in layer._ef_state.losses])])
                self.add(Call(hold_losses, args, Group(dict, []), [], arrays_in))
        return {key: weakly(layer) for key, layer in self.layers.items() if not layer._ef_state.losses}

    def call_again(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function of Python, which each replay calls again: where no layer is around, there as here."""
        refs = Group(tuple, [_unchanging(self.ref(arg)) for arg in args])
        named = Group(dict, [_unchanging(self.ref(arg)) for arg in kwargs.values()], tuple(kwargs))
        owner = args[0] if args else None
        self._settings_stay(owner)
        token, call = capturing.set(None), current_call.set(None)
        try:
            with heard_by(self.others):
                found = function(*args, **kwargs)
        except BaseException as error:
            self.end(f"{called(function)} raised {type(error).__name__}")
            raise
        finally:
            capturing.reset(token)
            current_call.reset(call)
        if hasattr(owner, "__dict__") and not isinstance(owner, Tensor):
            self._settings[id(owner)] = owner, _plain_settings(owner)
        leaves = [leaf for leaf in tree.flatten(found) if leaf is not None and not isinstance(leaf, Variable)]
        if not all(isinstance(leaf, Tensor) or is_array(leaf) for leaf in leaves):
            self.end(f"{called(function)} gives Python values")
        outs = [self.arrays.new(stored(leaf) if isinstance(leaf, Tensor) else leaf) for leaf in leaves]
        self.add(Call(function, refs, named, outs, arrays_in))
        self._reads.clear()  # what variables hold from here on is read again
        return found


def _plain_settings(owner: Any) -> dict[str, Any]:
    public = {name: value for name, value in vars(owner).items() if name[0] != "_"}
    return {name: repr(value) for name, value in public.items() if isinstance(value, _PLAIN)}


def _unchanging(ref: Ref) -> Ref:
    """The same reference; the step may change its lists and arrays later."""
    if isinstance(ref, Group):
        return Group(ref.kind, list(map(_unchanging, ref.parts)), ref.keys)
    return Const(_copy(ref.constant)) if isinstance(ref, Const) else ref


def _copy(value: Any) -> Any:
    kind = value.__class__
    if kind in (list, tuple):
        return kind(map(_copy, value))
    if kind is dict:
        return {key: _copy(each) for key, each in value.items()}
    if kind in (set, bytearray):
        return value.copy()
    return copied(value) if kind is numpy.ndarray and value.flags.writeable else value


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
