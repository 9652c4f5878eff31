"""Runs of instructions that become one call of machine code, and the instruction that they are then.

Readings of variables and constants among them come first; what has no form and isn't needed by the others, such as the
mean of a loss, comes after them. A thread has the machine code made while replays go on without it. Its first call is
computed both ways, and what differs in a bit stays a line of Python for each instruction; so does a call with arrays
that lie in memory in another order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import numpy

from eagerflow.capture.instructions import Add, Compute, Instruction, Known, Naming, Read, Ref, Slot
from eagerflow.capture.machine.code import MOST_BYTES, Code, Function, Operand
from eagerflow.capture.machine.forms import calls_of, written
from eagerflow.capture.machine.later import later
from eagerflow.capture.machine.numpy_objects import fields_are_known
from eagerflow.capture.machine.writing import Declined, Writing
from eagerflow.compiled.provider import kernels

__all__ = ["Like", "MachineRun", "in_runs", "like"]

_TYPES = "fd?ilq"  # letters of what runs take
NOTHING = -1  # the place of what is None
_LEAST = 3  # calls of NumPy that a run must save
_LONGEST = 32  # instructions of a run: of long ones LLVM takes more than twice as long for twice as many
_MOST = 16  # runs of a step: a tenth of a second for each is long enough
_MOST_BYTES = 1 << 22  # of all values of a step: a larger one takes so long that calls saved are hardly noticed


class Like(NamedTuple):
    """What an array is like; `is_number`: it is a number of NumPy."""

    shape: tuple[int, ...]
    dtype: numpy.dtype[Any]
    is_number: bool = False


def like(value: Any) -> Like | None:
    """What a value is like; None where it is neither an array nor a number of NumPy."""
    if type(value) is numpy.ndarray:
        return Like(value.shape, value.dtype)
    return Like((), value.dtype, True) if isinstance(value, numpy.generic) else None


class MachineRun(Instruction):
    """Several instructions as one call.

    Args:
        instructions: what they are.
        inputs: slots of what they take from others.
        outs: slots of what others take from them.
        results: the arrays to be filled.
        which: for each of `outs`, which of these it is, or `NOTHING`.
        plain: the instructions as a function of Python: of the inputs, it gives the outs.
    """

    __slots__ = ("code", "inputs", "instructions", "is_right", "plain", "results", "which")

    def __init__(
        self,
        instructions: Sequence[Instruction],
        inputs: list[int],
        outs: list[int],
        results: list[Like],
        which: list[int],
        plain: Callable[..., Any],
    ) -> None:
        self.instructions, self.inputs, self.outs = list(instructions), inputs, outs
        self.results, self.which, self.plain = results, which, plain
        self.code: Function | None = None  # fills the results, once it is made
        first = instructions[0]
        self.line, self.places = first.line, first.places
        self.flushed = all(each.flushed for each in instructions)
        self.is_right: bool | None = None  # None before the first call of the code

    @property
    def name(self) -> str:
        return f"machine code of {', '.join(each.name for each in self.instructions)}"

    def refs(self) -> Iterator[Ref]:
        return map(Slot, self.inputs)

    def text(self, named: Naming) -> str:
        left = "".join(f"v{n}, " for n in self.outs)
        given = ", ".join(f"v{n}" for n in self.inputs)
        return f"{left}= {named(self.function(), 'machine_code')}({given})"

    def function(self) -> Callable[..., Any]:
        """What a replay calls: of the inputs, it gives the outs."""
        makes = "".join(f"empty({each.shape!r}, {each.dtype.char!r}), " for each in self.results)
        gives = "".join(f"{self._gives(place)}, " for place in self.which)
        scope: dict[str, Any] = {"run": self, "plain": self.plain, "empty": numpy.empty, "wrong": self._is_wrong}
        text = f"""def machine_code(*given):
    if run.is_right is not True and wrong(given):
        return plain(*given)
    filled = ({makes})
    return plain(*given) if run.code(id(given), id(filled)) else ({gives})
"""
        exec(compile(text, "<eagerflow machine code of a captured step>", "exec"), scope)
        made: Callable[..., Any] = scope["machine_code"]
        return made

    def _gives(self, place: int) -> str:
        """One of the results in Python."""
        if place == NOTHING:
            return "None"
        return f"filled[{place}][()]" if self.results[place].is_number else f"filled[{place}]"

    def _is_wrong(self, given: tuple[Any, ...]) -> bool:
        """Whether machine code isn't used: it isn't there yet, or gave other bits, which its first call shows."""
        if self.is_right is None and self.code is not None:
            self.is_right = self.difference(given) is None
        return not self.is_right

    def difference(self, given: Sequence[Any]) -> str | None:
        """Where machine code gives other bits than the instructions, in words."""
        filled, given = tuple([numpy.empty(each.shape, each.dtype) for each in self.results]), tuple(given)
        if self.code is None or self.code(id(given), id(filled)):
            return None  # it leaves such arrays to the instructions
        for slot, place, right in zip(self.outs, self.which, self.plain(*given)):
            if place != NOTHING and not _same_numbers(filled[place], right):
                return f"{self.name} gives other bits in v{slot}"
        return None

    def make(self, code: Code) -> None:
        """Have the machine code made."""
        try:
            self.code = code.function()
        except OSError:
            self.is_right = False

    def compute(self, arrays: Any) -> list[Any]:
        return list(self.plain(*[arrays[n] for n in self.inputs]))


def _same_numbers(found: Any, right: Any) -> bool:
    """Whether two arrays have the same bits, but for those of NaN: which sign it has is up to the processor."""
    if found.tobytes() == right.tobytes():
        return True
    if found.dtype.kind != "f" or found.dtype != right.dtype or found.shape != right.shape:
        return False
    numbers = ~(numpy.isnan(found) & numpy.isnan(right))
    return bool(found[numbers].tobytes() == right[numbers].tobytes())


class _Maker:
    """Makes a run of instructions.

    Args:
        likes: shapes and types of the slots' values.
        known: constants, by their slots.
        outside: slots that others take.
    """

    def __init__(self, likes: Sequence[Like | None], known: dict[int, Any], outside: set[int]) -> None:
        self.likes, self.known, self.outside = likes, known, outside
        self.code = Code()
        self.writing = Writing(self.code, self._taken, self._made, self._nothing)
        self.operands: dict[int, Operand] = {}
        self.inputs: list[int] = []
        self.results: list[Like] = []
        self.given: dict[int, int] = {}  # which of the results slots are

    def _of(self, slot: int) -> Like:
        found = self.likes[slot]
        if found is None or found.dtype.char not in _TYPES or not found.dtype.isnative or 0 in found.shape:
            raise Declined
        return found

    def _taken(self, slot: int) -> Operand:
        found = self.operands.get(slot)
        if found is None:
            if slot in self.known:
                found = self.writing.constant(self.known[slot])
            else:
                like = self._of(slot)
                if like.is_number:
                    raise Declined
                found = self.code.given(len(self.inputs), like.shape, like.dtype.char)
                self.inputs.append(slot)
            self.operands[slot] = found
        return found

    def _made(self, *slots: int) -> Operand:
        shape, letter = self._of(slots[0]).shape, self._of(slots[0]).dtype.char
        if letter not in "fd":
            raise Declined
        if self.outside.isdisjoint(slots):
            found = self.code.own(shape, letter)
            if found is None:
                raise Declined
        else:
            found = self.code.filled(len(self.results), shape, letter)
            self.given.update(dict.fromkeys(slots, len(self.results)))
            self.results.append(self._of(slots[0]))
        self.operands.update(dict.fromkeys(slots, found))
        return found

    def _nothing(self, slots: Sequence[int]) -> None:
        self.given.update(dict.fromkeys(slots, NOTHING))

    def write(self, instructions: Sequence[Instruction]) -> None:
        """Write all of them.

        Raises:
            Declined: where one has no form.
        """
        for instruction in instructions:
            self.code.flush(instruction.flushed)
            written(self.writing, instruction)


Plain = Callable[[list[int], Sequence[Instruction], list[int]], Callable[..., Any]]


def in_runs(
    instructions: Sequence[Instruction],
    outputs: set[int],
    likes: Sequence[Like | None],
    plain: Plain,
    errors_ignored: bool,
) -> list[Instruction]:
    """The same instructions; runs of small ones are one each, where compiled kernels are used.

    Args:
        instructions: of a replay.
        outputs: slots of what it gives.
        likes: shapes and types of the slots' values.
        plain: makes a function of Python of inputs, instructions and outs.
        errors_ignored: whether NumPy's warnings are switched off in all of it.
    """
    if kernels() != "compiled" or sum(map(_bytes, likes)) > _MOST_BYTES or not fields_are_known():
        return list(instructions)
    takers = Counter(n for each in instructions for n in each.taken())
    whole = _Whole(takers, outputs, likes, plain, errors_ignored, [0])
    found = list[Instruction]()
    for each in _windows(instructions, likes):
        found += _rewritten(each, whole) if isinstance(each, _Window) else [each]
    return found


class _Whole(NamedTuple):
    """What `in_runs` is given, and how many instructions take each slot."""

    takers: Counter[int]
    outputs: set[int]
    likes: Sequence[Like | None]
    plain: Plain
    errors_ignored: bool
    made: list[int]  # how many runs so far

    def taken_beside(self, some: Sequence[Instruction], slots: Iterable[int]) -> set[int]:
        """Those of some slots that others than some instructions take."""
        mine = Counter(n for each in some for n in each.taken())
        return {n for n in slots if n in self.outputs or self.takers[n] > mine[n]}


class _Window:
    """Instructions of which each may be moved in front of others that it takes nothing from.

    They are sorted into stages: first those that have a form, then others that take something from them, then again
    those with a form, and so on. So an operation without a form parts a run only where the run goes on with its result.
    """

    def __init__(self) -> None:
        self.reads: list[Instruction] = []
        self.known: dict[int, Known] = {}
        self.stages: list[tuple[list[Instruction], list[Instruction]]] = []
        self._stage: dict[int, tuple[int, bool]] = {}  # of slots: in which one they are made, and whether by a form

    def add(self, instruction: Instruction, has_form: bool) -> None:
        before = [self._stage[n] for n in instruction.taken() if n in self._stage]
        stage = max([place + (has_form and not by_form) for place, by_form in before], default=0)
        self._stage.update(dict.fromkeys(instruction.outs, (stage, has_form)))
        while len(self.stages) <= stage:
            self.stages.append(([], []))
        self.stages[stage][0 if has_form else 1].append(instruction)

    @property
    def all(self) -> list[Instruction]:
        """Its instructions."""
        return [*self.reads, *self.known.values(), *[each for pair in self.stages for part in pair for each in part]]

    def is_read_later(self, instruction: Instruction) -> bool:
        """Whether something in whose memory an instruction works is taken by one that may come after it."""
        if not isinstance(instruction, Add) or not instruction.in_place:
            return False
        changed = set(instruction.first.slots())
        return any(not changed.isdisjoint(each.taken()) for _, others in self.stages for each in others)


def _windows(instructions: Sequence[Instruction], likes: Sequence[Like | None]) -> Iterator[_Window | Instruction]:
    """The instructions in order, as many together as may be."""
    window = _Window()
    for instruction in instructions:
        has_form = _has_form(instruction, likes)
        if has_form and window.is_read_later(instruction):
            yield window
            window = _Window()
        if isinstance(instruction, Read):
            window.reads.append(instruction)
        elif isinstance(instruction, Known):
            window.known[instruction.outs[0]] = instruction
        elif has_form or (isinstance(instruction, Compute) and _is_small(instruction, likes)):
            window.add(instruction, has_form)
        else:
            yield window
            yield instruction
            window = _Window()
    yield window


def _rewritten(window: _Window, whole: _Whole) -> list[Instruction]:
    """A window's instructions, with one for those of a stage that have a form, where that saves calls."""
    made = list[Instruction]()
    for inside, others in window.stages:
        for start in range(0, len(inside), _LONGEST):
            made += _as_run(inside[start : start + _LONGEST], window.known, whole)
        made += others
    taken = whole.taken_beside(window.all, window.known).union(*[each.taken() for each in made])
    return [*window.reads, *[each for n, each in window.known.items() if n in taken], *made]


def _is_small(instruction: Instruction, likes: Sequence[Like | None]) -> bool:
    """Whether what an instruction holds takes no memory to speak of."""
    return sum([_bytes(likes[n]) for n in (*instruction.taken(), *instruction.outs)]) < MOST_BYTES


def _bytes(found: Like | None) -> int:
    return 0 if found is None else math.prod(found.shape) * found.dtype.itemsize


def _has_form(instruction: Instruction, likes: Sequence[Like | None]) -> bool:
    if not calls_of(instruction):
        return False
    maker = _Maker(likes, {}, set())
    try:
        maker.write([instruction])
    except Declined:
        return False
    return True


def _changes_one_of(instruction: Instruction, slots: Sequence[int]) -> bool:
    """Whether it works in the memory of one of these."""
    return isinstance(instruction, Add) and instruction.in_place and not instruction.taken().isdisjoint(slots)


def _as_run(inside: Sequence[Instruction], known: dict[int, Known], whole: _Whole) -> list[Instruction]:
    """One instruction for several; these themselves where that doesn't save calls or can't be."""
    if sum(map(calls_of, inside)) < _LEAST or whole.made[0] >= _MOST:
        return list(inside)
    mine = [n for each in inside for n in each.outs]
    outside = whole.taken_beside(inside, mine)
    maker = _Maker(whole.likes, {n: each.value for n, each in known.items()}, outside)
    try:
        maker.write(inside)
        if not whole.errors_ignored:
            maker.code.heed_errors()
    except (Declined, OSError):
        return list(inside)
    outs = [n for n in mine if n in outside]
    complete = outs and all(n in maker.given for n in outs)
    if not complete or any(_changes_one_of(each, maker.inputs) for each in inside):
        return list(inside)
    taken = {n for each in inside for n in each.taken()}
    constants = {n: each for n, each in known.items() if n in taken}
    others = taken.difference(mine, maker.inputs, constants)
    inputs = [*maker.inputs, *sorted(others)]  # Python's rules take more than they look at
    of_plain = whole.plain([*inputs, *constants], inside, outs)

    def by_python(*given: Any) -> Any:
        with numpy.errstate(all="ignore") if whole.errors_ignored else nullcontext():
            return of_plain(*given, *[each.given() for each in constants.values()])

    which = [maker.given[n] for n in outs]
    run = MachineRun(inside, inputs, outs, maker.results, which, by_python)
    whole.made[0] += 1
    later(partial(run.make, maker.code))
    return [run]
