"""Where a step acts after an error: whether an op raises may depend on values, and a replay would only raise, too."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterable
from inspect import CO_GENERATOR
from types import CodeType, FrameType
from typing import Any

__all__ = ["swallows", "where_handled"]

_ORDER = (None, "with", "finally", "except")  # what is told first comes last
_SWALLOWING = ("CHECK_EXC_MATCH", "CHECK_EG_MATCH", "POP_EXCEPT")


def where_handled(frames: Iterable[FrameType]) -> tuple[str | None, tuple[str, int] | None]:
    """What becomes of an error in the innermost of these frames, and where.

    Args:
        frames: from there outwards.

    Returns:
        `"except"`, `"finally"`, `"with"` if whoever ends a block decides, or None if the step ends, too. And the line.
    """
    found: tuple[str | None, tuple[str, int] | None] = None, None
    for frame in frames:
        way = _handled(frame.f_code, frame.f_lasti)
        if _ORDER.index(way) > _ORDER.index(found[0]):
            found = way, (frame.f_code.co_filename, frame.f_lineno)
    return found


@functools.cache
def _handled(code: CodeType, at: int) -> str | None:
    """The same in the code of one frame, at this instruction (`frame.f_lasti`)."""
    ways = [_way(code, entry.target) for entry in _entries(code) if entry.start <= at < entry.end]
    return max(ways, key=_ORDER.index, default=None)


def swallows(codes: Iterable[CodeType]) -> bool:
    """Whether any of these may be the end of a `with` that acts after an error: `__exit__`, or a generator's."""
    return any(code.co_name in ("__exit__", "__aexit__") or _goes_on(code) for code in codes)


def _goes_on(code: CodeType) -> bool:
    is_generator = bool(code.co_flags & CO_GENERATOR)
    return is_generator and any(_way(code, entry.target) in ("except", "finally") for entry in _entries(code))


def _entries(code: CodeType) -> list[Any]:
    read: Any = dis.Bytecode(code)
    return list(read.exception_entries)


@functools.cache
def _way(code: CodeType, target: int) -> str | None:
    """What the code does with an error that arrives here."""
    names = [step.opname for step in dis.get_instructions(code) if step.offset >= target]
    if names[:1] != ["PUSH_EXC_INFO"]:
        return None
    if "WITH_EXCEPT_START" in names[:2]:
        return "with"
    until_raised = names[: names.index("RERAISE")] if "RERAISE" in names else names
    return "finally" if set(_SWALLOWING).isdisjoint(until_raised) else "except"
