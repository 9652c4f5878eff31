"""Which line of the user's code ran an op, and what that line assigns."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import keyword
import re
from collections.abc import Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.schema import Frame, Record

__all__ = ["NEAR", "GradientNames", "goes_around", "name_assigned", "name_of_line", "name_of_part", "own_line"]

_ASSIGNED = re.compile(r"\s*([A-Za-z_][\w.]*)(?:\s*:[^=]*)?\s*[-+*/@]?=(?!=)")
_RETURNS = re.compile(r"\s*(def\b.*:\s*)?return\b")
_MAKES_SEVERAL = re.compile(r"\b(for|lambda)\b")
NEAR = 64
"""How many ops behind one are looked at for others of its line, which may read what it made."""

_FOLDER = re.compile(r".*[/\\]")


def own_line(record: Record, child: Any) -> tuple[str, int] | None:
    """The line that ran an op, if that is the user's and no call of a model that did so, such as `fit`."""
    op = record.ops[child] if isinstance(child, int) else None
    if op is None or op.phase != "forward" or op.source is None:
        return None
    line = op.source.file, op.source.line
    called = [s.stack[0] for s in record.ancestors(op.scope) if s.stack]
    return None if any((frame.file, frame.line) == line for frame in called) else line


def name_assigned(record: Record, op: int) -> str:
    """What the line of the user's that ran an op assigns, if the op is the last that it ran; else "".

    A line that makes several things, as a comprehension does, names none of them.
    """
    line, source = own_line(record, op), record.ops[op].source
    if line is None or source is None or _MAKES_SEVERAL.search(source.code):
        return ""
    later = [each for each in record.ops[op + 1 : op + 1 + NEAR] if each.phase == "forward"]
    if any((frame.file, frame.line) == line for each in later[:1] for frame in each.stack):
        return ""
    in_line = [each for each in later if (each.source is not None and (each.source.file, each.source.line) == line)]
    made, runs_again = {*record.ops[op].outputs}, any(each.name == record.ops[op].name for each in in_line)
    if not runs_again and any(made.intersection(each.inputs) for each in in_line):
        return ""  # what is replayed may run in another order
    return _assigned(source.code)


class GradientNames:
    """What gradients are called that a forward pass reads, as a gradient penalty does."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def of(self, tensor: int) -> str:
        """`"∇ mixed"` by what it is the gradient of, `"∇"` where that has no name."""
        of = self._record.tensors[tensor].gradient_of
        return f"∇ {'' if of is None else formatting.clean(self._called(of), formatting.LONGEST_NAME)}".strip()

    def _called(self, tensor: int) -> str:
        """What the user's code calls a tensor, or another one that is the same array: rules are given their own."""
        record, info = self._record, self._record.tensors[tensor]
        known = record.called.get(tensor) or record.shown(tensor)
        if not known and info.producer is None and info.storage is not None:
            info = record.tensors[self._first[info.storage, info.shape]]
            known = record.called.get(info.id) or record.shown(info.id)
        return known or ("" if info.producer is None else name_assigned(record, info.producer))

    @functools.cached_property
    def _first(self) -> dict[tuple[int, tuple[int, ...]], int]:
        """The first tensor of each array, by its memory and shape."""
        found: dict[tuple[int, tuple[int, ...]], int] = {}
        for info in self._record.tensors:
            if info.storage is not None:
                found.setdefault((info.storage, info.shape), info.id)
        return found


def name_of_part(record: Record, ops: Sequence[int]) -> str:
    """What a frame of ops that follow each other in one line of the user's code is called.

    Where the line goes on in a layer, it assigns what that makes.
    """
    source = record.ops[ops[0]].source
    assert source is not None
    later = (each for each in record.ops[ops[-1] + 1 : ops[-1] + 1 + NEAR] if each.phase == "forward")
    stack = [(frame.file, frame.line) for each in itertools.islice(later, 1) for frame in each.stack]
    goes_on = (source.file, source.line) in stack
    return name_of_line(dataclasses.replace(source, code="") if goes_on else source)


def name_of_line(source: Frame) -> str:
    """What a line assigns, if that is one thing, or whose result it returns, else where it is.

    `"kl"`, `"log_prob"` of `return ...` in a function of that name, `"train.py:12"`; as every layer has a `call`, that
    says nothing.
    """
    is_result = _RETURNS.match(source.code) and source.function.isidentifier() and source.function != "call"
    return _assigned(source.code) or (source.function if is_result else "") or _FOLDER.sub("", formatting.place(source))


def _assigned(code: str) -> str:
    """The one name that a line assigns, else ""; not of `else: x = 1`, which looks as if `else` had a type."""
    found = None if ";" in code else _ASSIGNED.match(code)
    return found[1] if found and not keyword.iskeyword(found[1]) else ""


def goes_around(record: Record, ops: Sequence[int]) -> bool:
    """Do ops of the same names follow each other again and again, as in a comprehension?"""
    names = [record.ops[i].name for i in ops]
    return any(
        names[at : at + 2 * period] == names[at + period : at + 3 * period]
        for period in range(1, len(names) // 3 + 1)
        for at in range(len(names) - 3 * period + 1)
    )
