"""Errors of replays, told as the ops tell them that raise eagerly: by their names, and of the same kind."""

from __future__ import annotations

from pathlib import Path
from types import FrameType
from typing import Any

import numpy

from eagerflow.base.tracebacks import call_in_words, is_ours, is_refused
from eagerflow.capture.marks import WentBack
from eagerflow.capture.programs.instructions import Compute, Group
from eagerflow.core.backward import in_gradient
from eagerflow.core.op import composites

__all__ = ["called_around", "explained"]

_ARRAYS = (str(Path(numpy.__file__).parent), str(Path(__file__).parents[1].absolute() / "kernels"))


def explained(error: BaseException) -> BaseException | None:
    """The error that the eager step would raise; None if it is this one, or not known."""
    trail = error.__traceback__
    while trail is not None:
        ask = trail.tb_frame.f_globals.get("<program>")
        program = None if ask is None else ask()
        if program is not None:
            unclear = is_refused(error) or _is_of_arrays(error)  # others are ours, and say already what was wrong
            instruction = program.instruction_at(trail.tb_lineno, trail.tb_frame)
            found = _of(error, instruction, trail.tb_frame) if unclear else None
            return _in_its_gradient(program, instruction, found or error) or found
        trail = trail.tb_next
    return None


def _in_its_gradient(program: Any, instruction: Any, error: BaseException) -> BaseException | None:
    """The error of an op that ran in the rule of another one: of a nested tape, or in a gradient of the user."""
    at = next((i for i, each in enumerate(program.instructions) if each is instruction), -1)
    rules = [mark for mark in program.marks if isinstance(mark, WentBack) and mark.since <= at < mark.at]
    if not rules or not isinstance(error, (ValueError, TypeError, IndexError)):
        return None
    for mark in rules:
        error = in_gradient(mark.op, error)
    return error


def _is_of_arrays(error: BaseException) -> bool:
    """Whether NumPy's code in Python raised this, of matrices, say, or a kernel of ours, which knows no op."""
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    return trail is not None and trail.tb_frame.f_code.co_filename.startswith(_ARRAYS)


def _of(error: BaseException, instruction: Any, frame: FrameType) -> BaseException | None:
    if not isinstance(instruction, Compute) or not isinstance(error, Exception):
        return None
    refs = [part for ref in instruction.arrays for part in (ref.parts if isinstance(ref, Group) else [ref])]
    taken = {n: frame.f_locals.get(f"v{n}") for ref in (*refs, *instruction.settings) for n in ref.slots()}
    if any(value is None for value in taken.values()):
        return None
    values: Any = taken
    settings = tuple([ref.value(values) for ref in instruction.settings])
    found = instruction.op.explain(error, [ref.value(values) for ref in refs], settings)
    said = getattr(found, "said", None)
    if instruction.called is not None and said is not None:
        found.args = (f"{instruction.called}: {said}",)
    return found


def called_around(frame: FrameType | None) -> str | None:
    """What errors call the function of ours that ran an op: `take(...)`, not the `gather(...)` inside of it.

    Args:
        frame: which ran the op.

    Returns:
        The outermost function that the user's code, or a layer, called; None where that was the op itself.
    """
    found = None
    while frame is not None and is_ours(frame.f_code.co_filename):
        if frame.f_code in composites:
            found = frame
        frame = frame.f_back
    if found is None:
        return None
    given = found.f_locals
    return call_in_words(given["function"], given["args"], given["kwargs"])
