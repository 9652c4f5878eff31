"""`Program`: a captured step as one function of Python, which can be read."""

from __future__ import annotations

import itertools
import keyword
import linecache
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy

from eagerflow.capture.instructions import Instruction, Ref
from eagerflow.capture.memory import dropped
from eagerflow.core.in_place import stored
from eagerflow.core.tensor import Tensor

__all__ = ["Program"]

_numbers = itertools.count(1)
_TAKEN = frozenset({"numpy", "stored", "tensor", "record", "step", "slice", *keyword.kwlist})
_new = object.__new__


class Program:
    """A captured step.

    Args:
        inputs: slots of the arguments' arrays, in order.
        instructions: what is computed.
        outputs: what the step gives.
        sizes: bytes of the slots' values, where memory is to be saved; else empty.
    """

    def __init__(
        self, inputs: list[int], instructions: list[Instruction], outputs: Ref, sizes: Sequence[int] = ()
    ) -> None:
        self.inputs, self.instructions, self.outputs, self.sizes = inputs, instructions, outputs, sizes
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
            known = plain if plain not in self._constants and plain not in _TAKEN else f"{plain}_{len(self._names)}"
            self._names[id(constant)], self._constants[known] = known, constant
        return known

    @cached_property
    def source(self) -> str:
        """The step as Python; written when it is first asked for: most runs are only compared."""
        lines = [f"def step({', '.join(f'v{n}' for n in self.inputs)}):"]
        outputs = set(self.outputs.slots())
        last = self._last_uses()
        plan, drops = dropped(self.instructions, self.inputs, outputs, self.sizes) if self.sizes else ({}, {})
        lines += _deleted(n for n in self.inputs if n not in last and n not in outputs)
        for i, instruction in enumerate(self.instructions):
            slot, again = plan.get(i, (-1, []))
            lines += [f"    {each.text(self._named)}  # again" for each in again]
            lines += _deleted(n for each in again for n in each.outs if n != slot and last[n] < i)
            lines.append(f"    {instruction.text(self._named)}")
            gone = {n for n in self._touched(instruction) if last[n] == i and n not in outputs}
            lines += _deleted(gone.union(drops.get(i, ())))
        lines.append(f"    return {self.outputs.text(self._named)}")
        return "\n".join(lines) + "\n"

    def _touched(self, instruction: Instruction) -> set[int]:
        return {n for ref in instruction.refs() for n in ref.slots()} | set(instruction.outs)

    def _last_uses(self) -> dict[int, int]:
        """By slot, the last instruction that takes or makes it."""
        last: dict[int, int] = {}
        for i, instruction in enumerate(self.instructions):
            last.update(dict.fromkeys(self._touched(instruction), i))
        return last

    @cached_property
    def run(self) -> Callable[..., Any]:
        """The step as a function of its arguments' arrays."""
        file = f"<eagerflow captured step {next(_numbers)}>"
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(keepends=True), file)
        scope: dict[str, Any] = {"numpy": numpy, "tensor": _tensor, "stored": stored, **self._constants}
        exec(compile(self.source, file, "exec"), scope)
        made: Callable[..., Any] = scope["step"]
        return made


def _deleted(slots: Iterable[int]) -> list[str]:
    """The line that lets slots go, if there are any."""
    names = [f"v{n}" for n in sorted(set(slots))]
    return [f"    del {', '.join(names)}"] if names else []


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
