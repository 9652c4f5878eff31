"""The first run of a step that is given NumPy arrays, with the arrays themselves: whether others may stand for them.

From then on an `ArrayArgument` stands for each array while the step is captured. It answers as the array does, but is
another object: a step that could tell, or that keeps an array, runs eagerly.
"""

from __future__ import annotations

import dis
import gc
import sys
from collections.abc import Iterable
from types import CodeType
from typing import Any

import numpy

from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.hearing.named import Named, is_with, line_of, named_things, steps_of

__all__ = ["Look", "asking_for_id", "goes_by_objects", "references", "telling_apart"]

# What tells an object from another one that answers alike, or takes the memory of an array past all its methods.
_TELLING = frozenset({"BytesIO", "bytearray", "bytes", "frombuffer", "from_buffer", "memoryview"})
_CONSTANTS = ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONST")
_HEAP = 1 << 9  # flag of a class: made while Python ran

# What finds an object among others, or tells which it is.
_ASKING = frozenset({"count", "hash", "id", "index", "is_", "is_not", "remove"})


class Look:
    """Hears what a run does besides computing.

    Attributes:
        ended: why it can't be captured, and the line; None where nothing speaks against it.
    """

    watch = None  # nothing is called again

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


def asking_for_id(codes: Codes) -> tuple[str, tuple[str, int] | None] | None:
    """Where functions that ran ask with `id` which objects they have, and the line; None if they don't.

    Args:
        codes: of the functions, with their globals.
    """
    for code, variables in codes.items():
        if "id" in code.co_names and variables.get("id", id) is id:
            steps = steps_of(code)
            for i, step in enumerate(steps):
                if (
                    step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
                    and step.argval == "id"
                    and not _of_self(steps[i + 1 : i + 2])
                ):
                    return "the step asks with id() which objects it has", line_of(code, step)
    return None


def goes_by_objects(codes: Codes) -> bool:
    """Whether functions that ran may ask whether one tensor is another: with `is`, with `in`, or by a function's name.

    Args:
        codes: of the functions, with their globals.
    """
    return any(not _ASKING.isdisjoint(code.co_names) or _compares_objects(code) for code in codes)


def _compares_objects(code: CodeType) -> bool:
    steps = steps_of(code)
    asking = [i for i, step in enumerate(steps) if step.opname in ("IS_OP", "CONTAINS_OP")]
    return not all(is_with(_CONSTANTS, steps, i) for i in asking)


def telling_apart(codes: Codes) -> tuple[str, tuple[str, int] | None] | None:
    """What in functions that ran could tell an array from what stands for it, and the line; None if nothing does.

    Args:
        codes: of the functions, with their globals.
    """
    found = (_telling_in(code, variables) for code, variables in codes.items())
    return next((each for each in found if each is not None), None)


def _telling_in(code: CodeType, variables: dict[str, Any]) -> tuple[str, tuple[str, int] | None] | None:
    steps = steps_of(code)
    for named in named_things(code, variables):
        step, following = steps[named.at], steps[named.at + 1 : named.at + 2]
        tells = step.argval in _TELLING or ((named.thing is id or named.thing is type) and not _of_self(following))
        if tells or _is_unheard(named):
            return _found(code, step, f"{step.argval}()")
    for i, step in enumerate(steps):
        if isinstance(step.argval, bytes):  # whose methods take whatever has memory
            return _found(code, step, "bytes")
        if step.opname == "IS_OP" and not is_with(_CONSTANTS, steps, i):
            return _found(code, step, "'is'")
    return None


def _is_unheard(named: Named) -> bool:
    """Whether this is a function or a class in C, of which Python doesn't say that it is called, and that may be."""
    thing = named.thing
    if isinstance(thing, type):
        top = str(thing.__module__).partition(".")[0]
        known = thing.__flags__ & _HEAP or top == "numpy" or top in sys.stdlib_module_names
        is_array = thing is numpy.ndarray
        return (is_array and named.goes_on) or ((is_array or not known) and named.is_called)
    return type(thing).__name__ in ("cython_function_or_method", "fused_cython_function")


def _of_self(following: list[dis.Instruction]) -> bool:
    """Whether a method asks for its own object."""
    return any(step.opname.startswith("LOAD_FAST") and step.argval == "self" for step in following)


def _found(code: CodeType, step: dis.Instruction, what: str) -> tuple[str, tuple[str, int] | None]:
    why = f"given NumPy arrays, the step may not go by objects or raw memory ({what}): pass tensors"
    return why, line_of(code, step)
