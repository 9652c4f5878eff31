"""`Program`: a captured step as one function of Python, which can be read."""

from __future__ import annotations

import itertools
import keyword
import linecache
import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from eagerflow.base.machine.subnormals import without_subnormals
from eagerflow.capture.flatten import Arguments
from eagerflow.capture.marks import Begins, Mark
from eagerflow.capture.observed import Announced, Announcing
from eagerflow.capture.places import Places
from eagerflow.capture.programs.fusion import fused
from eagerflow.capture.programs.in_place import Masked, masks_first
from eagerflow.capture.programs.instructions import Add, Call, Compute, Convert, Instruction, Launch, Ref, Rule, Slot
from eagerflow.core.in_place import settled
from eagerflow.core.observe import Observer, clock, state as heeded
from eagerflow.core.tensor import Tensor

__all__ = ["Program", "keeps_nothing"]

_numbers = itertools.count(1)
_NAMES = "cupy numpy settled without_subnormals tensor record step box slice replay clock t"
_TAKEN = frozenset([*_NAMES.split(), *keyword.kwlist])
_LOCAL = re.compile(r"v\d+")  # values
_new = object.__new__
_Line = tuple[str, Instruction | None, int]  # with the instruction that it is, and how many came before


def keeps_nothing(call: Call) -> bool:
    """Whether a call lets go of the arrays that it is given, as our optimizers do of gradients."""
    lets_go = getattr(call.function, "lets_go", None)
    return lets_go is not None and bool(lets_go(call.args.parts[0].constant))  # type: ignore[attr-defined] # `self`


class Program:
    """A captured step.

    Attributes:
        forgets: by their identities, what gives layers that the step calls and leaves without losses.
        quiet: whether replays can't be announced to observers of ops, who need the eager step.
    """

    def __init__(
        self,
        inputs: list[int],
        instructions: list[Instruction],
        outputs: Ref,
        sizes: Sequence[int] = (),
        marks: Sequence[Mark] = (),
    ) -> None:
        self.forgets: dict[int, Any] = {}
        self.quiet = False
        self.inputs, self.instructions, self.outputs, self.sizes = inputs, instructions, outputs, sizes
        self.marks = marks
        self.modules = {numpy}.union(each.xp for each in instructions if isinstance(each, (Add, Compute, Rule)))
        # NumPy's warnings are switched off while gradients are computed, as they are in eager ones.
        self.ignores_errors = any(isinstance(each, Rule) for each in instructions)
        self._marks_steps = any(isinstance(mark, Begins) and mark.kind == "step" for mark in marks)
        self._announcing: Callable[..., Any] | None = None
        self._constants: dict[str, Any] = {}
        self._names: dict[int, str] = {}

    def _named(self, constant: Any, word: str = "") -> str:
        """The name of a constant in the source; short tuples of numbers and the like stand there themselves."""
        known = self._names.get(id(constant))
        if known is None:
            if _is_short(constant):
                return repr(constant)
            word = word or getattr(constant, "name", None) or getattr(constant, "__name__", "") or "constant"
            plain = "".join(c if c.isalnum() else "_" for c in str(word))[:40].strip("_")
            plain = plain if plain and not plain[0].isdigit() else f"c_{plain}"
            taken = plain in self._constants or plain in _TAKEN or _LOCAL.fullmatch(plain) is not None
            known = f"{plain}_{len(self._names)}" if taken else plain
            self._names[id(constant)], self._constants[known] = known, constant
        return known

    def prepare(self) -> Program:
        """Write and compile what replays run; most runs are only compared."""
        outputs = set(self.outputs.slots())
        self.fused = fused(self.instructions, outputs, self.sizes)
        self.source, ran = self._written(masks_first(self.fused, outputs, self.sizes))
        self.run = self._compiled(self.source, ran)
        self._announced = Announced(self.inputs, self.instructions, self.marks)
        return self

    def _written(self, instructions: Sequence[Instruction]) -> tuple[str, list[Instruction | None]]:
        """The source of instructions, and which of them is on each line, counted from 1."""
        body = list(_in_blocks(self._lines(instructions)))
        inputs = ", ".join([f"v{n}" for n in self.inputs])
        lines = [f"def step({inputs}):", *[f"{indent}{text}" for indent, text, *_ in body]]
        return "\n".join(lines) + "\n", [None, None, *[instruction for *_, instruction, _ in body]]

    def _lines(self, instructions: Sequence[Instruction]) -> Iterator[_Line]:
        """The lines of the function, each with the instruction that it is, if it is one, and how many came before."""
        outputs = set(self.outputs.slots())
        last = self.last_uses(instructions)
        yield from _deleted((n for n in self.inputs if n not in last and n not in outputs), 0)
        for i, instruction in enumerate(instructions):
            gone = {n for n in self._touched(instruction) if last[n] == i and n not in outputs}
            note = f"  # {instruction.note}" if instruction.note else ""
            yield f"{instruction.text(self._named)}{note}", instruction, i
            yield from _deleted(gone - {instruction.reused.number} if isinstance(instruction, Masked) else gone, i + 1)
        yield f"return {self.outputs.text(self._named)}", None, len(instructions)

    def _touched(self, instruction: Instruction) -> set[int]:
        return instruction.taken() | set(instruction.outs)

    def last_uses(self, instructions: Sequence[Instruction]) -> dict[int, int]:
        """By slot, the last instruction that takes or makes it."""
        last: dict[int, int] = {}
        for i, instruction in enumerate(instructions):
            last.update(dict.fromkeys(self._touched(instruction), i))
        return last

    def _compiled(self, source: str, ran: list[Instruction | None], **names: Any) -> Callable[..., Any]:
        file = f"<eagerflow captured step {next(_numbers)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        weakref.finalize(self, linecache.cache.pop, file, None)
        scope: dict[str, Any] = {module.__name__: module for module in self.modules} | {
            "settled": settled,
            "without_subnormals": without_subnormals,
            "tensor": _tensor,
            "<instructions>": ran,
            **names,
            **self._constants,
        }
        exec(compile(source, file, "exec"), scope)
        made: Callable[..., Any] = scope.pop("step")  # so that its memory is given back with it
        return made

    def with_graphs(
        self,
        instructions: Sequence[Instruction],
        segments: Sequence[Any],
        fresh: Callable[[Any], Any],
        reasons: Mapping[int, str],
    ) -> tuple[Callable[..., Any], str]:
        """The same function with CUDA graphs in the place of instructions, and its source.

        Args:
            instructions: those of a replay, in the order in which they are to run.
            segments: of `segments.py`, in order.
            fresh: copies an array that lies in the memory of graphs.
            reasons: why instructions aren't in any, by their numbers among `instructions`.
        """
        graphs = {id(each): segment for segment in segments for each in segment.instructions}
        # What may lie in the memory of graphs: it is copied before it leaves the step, or Python code is given it.
        suspects = {n for segment in segments for n in segment.given}
        listed = list[Instruction]()

        def copy_out(slots: Iterable[int]) -> None:
            for n in sorted(suspects.intersection(slots)):
                listed.append(Convert(fresh, Slot(n), n).at(instructions[-1]))
                suspects.discard(n)

        for i, instruction in enumerate(instructions):
            segment = graphs.get(id(instruction))
            if segment is not None:
                if instruction is segment.instructions[-1]:
                    listed.append(Launch(segment, segment.number, segment.taken, segment.given).at(instruction))
                continue
            if isinstance(instruction, Call):
                if not keeps_nothing(instruction):
                    copy_out(instruction.taken())
            elif not suspects.isdisjoint(instruction.taken()):
                suspects.update(instruction.outs)
            listed.append(instruction)
            instruction.note = reasons.get(i, "")
        copy_out(self.outputs.slots())
        source, ran = self._written(listed)
        return self._compiled(source, ran), source

    # -- while others listen

    def _with_announcements(self) -> Callable[..., Any]:
        """The same function; it is given an `Announcing`, too, and tells it of every instruction.

        `<places>` in its globals says of each line what code of the user's led to it, and `<by user>` which lines stand
        for scopes that the user's code opened: observers look there for what isn't on the stack.
        """
        inputs = ["replay", *[f"v{n}" for n in self.inputs]]
        lines = [f"def step({', '.join(inputs)}):", "    tensor = replay.tensor"]
        places: list[Places] = [(), (), ()]  # lines are counted from 1
        ran: list[Instruction | None] = [None, None, None]
        by_user = set[int]()
        numbers = {id(each): i for i, each in enumerate(self.instructions)}
        marks = list(reversed(list(enumerate(self.marks))))

        def write(line: str, led_by: Places, instruction: Instruction | None = None) -> None:
            lines.append(line)
            places.append(led_by)
            ran.append(instruction)

        for indent, text, instruction, before in _in_blocks(self._lines(self.instructions)):
            while marks and marks[-1][1].at <= before and not text.startswith("del "):
                number, mark = marks.pop()
                write(f"{indent}replay.mark({number})", mark.places)
                if mark.by_user:
                    by_user.add(len(lines))
            if instruction is None:
                gone = text.removeprefix("del ").replace("v", "")
                write(f"{indent}{text}" + (f"; replay.forget({gone})" if text.startswith("del ") else ""), ())
                continue
            outs = "".join(f"v{n}, " for n in instruction.outs)
            heard = f"replay.heard({numbers[id(instruction)]}, t, ({outs}))"
            write(f"{indent}t = clock(); {text}; {heard}", instruction.places, instruction)
        names = {"clock": clock, "<places>": tuple(places), "<by user>": frozenset(by_user)}
        return self._compiled("\n".join(lines) + "\n", ran, **names)

    def announce(self, name: str, given: Arguments, observers: Sequence[Observer]) -> Any:
        """Run the step, and let observers hear of it."""
        replay = Announcing(self._announced, observers, given.tensors)
        for observer in observers:
            observer.on_replay_begin(name)
        try:
            self._announcing = step = self._announcing or self._with_announcements()
            return step(replay, *[tensor.data for tensor in given.tensors])
        except BaseException as error:
            replay.fail(error)
            raise
        finally:
            for observer in reversed(observers):
                observer.on_replay_end()

    def interests(self, observers: Sequence[Observer]) -> bool:
        """Whether any of them is to hear of the replay."""
        return heeded.ops or self._marks_steps or any(observer.wants_scopes for observer in observers)


def _in_blocks(lines: Iterable[_Line]) -> Iterator[tuple[str, str, Instruction | None, int]]:
    """The lines with their indentation: instructions without subnormal numbers stand in blocks of their own."""
    flushed = False
    for text, instruction, before in lines:
        if instruction is not None and instruction.flushed != flushed:
            flushed = instruction.flushed
            if flushed:
                yield "    ", "with without_subnormals:", None, before
        yield "        " if flushed else "    ", text, instruction, before


def _deleted(slots: Iterable[int], before: int) -> Iterator[tuple[str, None, int]]:
    """The line that lets slots go, if there are any."""
    names = [f"v{n}" for n in sorted(set(slots))]
    if names:
        yield f"del {', '.join(names)}", None, before


def _is_short(constant: Any) -> bool:
    """Whether its `repr` may stand for it."""
    if constant.__class__ is tuple:
        return len(constant) <= 8 and all(map(_is_short, constant))
    if constant.__class__ is str:
        return len(constant) <= 20
    return constant is None or constant.__class__ in (bool, int)


def _tensor(array: Any, mask: Any = None, logits: Any = None) -> Tensor:
    made = _new(Tensor)
    made.data = array
    made.key = None
    if mask is not None:
        made.mask = mask
    if logits is not None:
        made.logits = logits
    return made
