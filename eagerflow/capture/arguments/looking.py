"""The first run of a step that is given NumPy arrays, with the arrays themselves: whether others may stand for them.

From then on an `ArrayArgument` stands for each array while the step is captured. It answers as the array does, but is
another object: a step that could tell, or that keeps an array, runs eagerly.
"""

from __future__ import annotations

import builtins
import dis
import gc
import sys
from collections.abc import Iterable
from types import CodeType, ModuleType
from typing import Any

import numpy

__all__ = ["Look", "asking_for_id", "goes_by_objects", "references", "telling_apart"]

# What tells an object from another one that answers alike, or takes the memory of an array past all its methods.
_TELLING = frozenset({"BytesIO", "bytearray", "bytes", "frombuffer", "from_buffer", "memoryview"})
_HEAP = 1 << 9  # flag of a class: made while Python ran
_PARTS = ("LOAD_ATTR", "LOAD_METHOD")
_NAMING = ("LOAD_GLOBAL", "LOAD_NAME", *_PARTS)

# What finds an object among others, or tells which it is.
_ASKING = frozenset({"count", "hash", "id", "index", "is_", "is_not", "remove"})


class Look:
    """Hears what a run does besides computing.

    Attributes:
        ended: why it can't be captured, and the line; None where nothing speaks against it.
    """

    def __init__(self) -> None:
        self.ended: tuple[str, tuple[str, int] | None] | None = None

    def end(self, why: str, line: tuple[str, int] | None = None) -> None:
        """This can't be replayed. The first reason counts."""
        self.ended = self.ended or (why, line)


def references(arrays: Iterable[Any], collected: bool = False) -> int:
    """How many others hold these arrays, or the memory that they are a part of."""
    if collected:  # a function that names itself holds its variables until then
        gc.collect()
    return sum(map(sys.getrefcount, [each for array in arrays for each in _with_owner(array)]))


def _with_owner(array: Any) -> list[Any]:
    if type(array) is not numpy.ndarray or array.base is None:
        return [array]
    return [array, array.base]


def asking_for_id(codes: dict[CodeType, dict[str, Any]]) -> tuple[str, tuple[str, int] | None] | None:
    """Where functions that ran ask with `id` which objects they have, and the line; None if they don't.

    Args:
        codes: of the functions, with their globals.
    """
    for code, variables in codes.items():
        if "id" in code.co_names and variables.get("id", id) is id:
            steps = _steps(code)
            for i, step in enumerate(steps):
                if (
                    step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
                    and step.argval == "id"
                    and not _of_self(steps[i + 1 : i + 2])
                ):
                    return "the step asks with id() which objects it has", _line(code, step)
    return None


def goes_by_objects(codes: dict[CodeType, dict[str, Any]]) -> bool:
    """Whether functions that ran may ask whether one tensor is another: with `is`, with `in`, or by a function's name.

    Args:
        codes: of the functions, with their globals.
    """
    return any(not _ASKING.isdisjoint(code.co_names) or _compares_objects(code) for code in codes)


def _compares_objects(code: CodeType) -> bool:
    steps = _steps(code)
    asking = [i for i, step in enumerate(steps) if step.opname in ("IS_OP", "CONTAINS_OP")]
    return not all(_with_constant(steps, i) for i in asking)


def telling_apart(codes: dict[CodeType, dict[str, Any]]) -> tuple[str, tuple[str, int] | None] | None:
    """What in functions that ran could tell an array from what stands for it, and the line; None if nothing does.

    Args:
        codes: of the functions, with their globals.
    """
    found = (_telling_in(code, variables) for code, variables in codes.items())
    return next((each for each in found if each is not None), None)


def _telling_in(code: CodeType, variables: dict[str, Any]) -> tuple[str, tuple[str, int] | None] | None:
    steps = _steps(code)
    named: Any = None  # what the names so far stand for: a module and its parts
    for i, step in enumerate(steps):
        if step.opname in _NAMING:
            named = _of_name(step, named, variables)
            tells = step.argval in _TELLING or ((named is id or named is type) and not _of_self(steps[i + 1 : i + 2]))
            if tells or _is_unheard(named, steps, i):
                return _found(code, step, f"{step.argval}()")
        else:
            named = None
        if isinstance(step.argval, bytes):  # whose methods take whatever has memory
            return _found(code, step, "bytes")
        if step.opname == "IS_OP" and not _with_constant(steps, i):
            return _found(code, step, "'is'")
    return None


def _steps(code: CodeType) -> list[dis.Instruction]:
    return [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG")]


def _with_constant(steps: list[dis.Instruction], i: int) -> bool:
    """Whether one of the two things that are compared here is a constant, such as None."""
    return any(map(_is_constant, steps[max(0, i - 2) : i]))


def _of_name(step: dis.Instruction, named: Any, variables: dict[str, Any]) -> Any:
    name = str(step.argval)
    if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
        return variables.get(name, getattr(builtins, name, None))
    return getattr(named, name, None) if isinstance(named, ModuleType) else None


def _is_unheard(named: Any, steps: list[dis.Instruction], i: int) -> bool:
    """Whether this is a function or a class in C, of which Python doesn't say that it is called, and that may be."""
    if isinstance(named, type):
        top = str(named.__module__).partition(".")[0]
        known = named.__flags__ & _HEAP or top == "numpy" or top in sys.stdlib_module_names
        part = named is numpy.ndarray and any(step.opname in _PARTS for step in steps[i + 1 : i + 2])
        return part or ((named is numpy.ndarray or not known) and _is_called(steps, i))
    return type(named).__name__ in ("cython_function_or_method", "fused_cython_function")


def _is_called(steps: list[dis.Instruction], i: int) -> bool:
    """Whether what a name stands for is called next, and not handed on, as to `isinstance`."""
    if i + 1 < len(steps) and steps[i + 1].opname == "PUSH_NULL":
        return True
    first = i
    while steps[first].opname in _PARTS and first:  # back to where the dotted name begins
        first -= 1
    return any(step.opname == "LOAD_METHOD" or "NULL" in step.argrepr for step in steps[first : i + 1])


def _of_self(following: list[dis.Instruction]) -> bool:
    """Whether a method asks for its own object."""
    return any(step.opname.startswith("LOAD_FAST") and step.argval == "self" for step in following)


def _is_constant(step: dis.Instruction) -> bool:
    return step.opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONST"))


def _found(code: CodeType, step: dis.Instruction, what: str) -> tuple[str, tuple[str, int] | None]:
    return f"given NumPy arrays, the step may not go by objects or raw memory ({what}): pass tensors", _line(code, step)


def _line(code: CodeType, step: dis.Instruction) -> tuple[str, int] | None:
    line = None if step.positions is None else step.positions.lineno
    return None if line is None else (code.co_filename, line)
