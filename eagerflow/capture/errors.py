"""Errors of replays, with the name of the op that raised, and of the same kind as in an eager step."""

from __future__ import annotations

from pathlib import Path
from types import FrameType
from typing import Any

import numpy

from eagerflow.base.tracebacks import is_refused
from eagerflow.capture.programs.instructions import Compute, Group

__all__ = ["explained"]

_ARRAYS = (str(Path(numpy.__file__).parent), str(Path(__file__).parents[1].absolute() / "kernels"))


def explained(error: BaseException) -> BaseException | None:
    """The error that the eager step would raise; None if it is this one, or not known."""
    trail = error.__traceback__
    while trail is not None:
        ran = trail.tb_frame.f_globals.get("<instructions>")
        if ran is not None:
            unclear = is_refused(error) or _is_of_arrays(error)  # others are ours, and say already what was wrong
            return _of(error, ran[trail.tb_lineno], trail.tb_frame) if unclear else None
        trail = trail.tb_next
    return None


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
    return instruction.op.explain(error, [ref.value(values) for ref in refs], settings)
