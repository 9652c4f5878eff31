"""What functions hand on to C, or make of classes in C: of such calls Python tells nobody (`calls.py`)."""

from __future__ import annotations

from types import CodeType

from eagerflow.capture.hearing.acting import acts_when_called, acts_when_it_goes, is_unknown_class
from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.hearing.named import Named, line_of, named_things
from eagerflow.capture.hearing.whose import is_users

__all__ = ["may_act_when_made", "unheard"]

_ASKING = frozenset({"isinstance", "issubclass"})


def unheard(codes: Codes) -> tuple[str, tuple[str, int] | None] | None:
    """What a step may call without being heard, and the line; None if there is nothing.

    Args:
        codes: of the functions that ran, with their globals.
    """
    for code, variables in codes.items():
        for named in named_things(code, variables):
            what = _handed_on(named, code)
            if what is not None:
                return what, line_of(code, named.steps[named.at])
    return None


def may_act_when_made(kind: type) -> bool:
    """Whether making an object of a class may act without a function of Python's that is heard."""
    return is_unknown_class(kind) and not is_users(kind)


def _handed_on(named: Named, code: CodeType) -> str | None:
    thing = named.thing
    if thing is None or named.goes_on:
        return None
    if isinstance(thing, type):
        if named.is_called and acts_when_it_goes(thing):
            return f"the step makes a {thing.__name__}, which acts when it goes (__del__)"
        asks = not named.is_called and not _ASKING.isdisjoint(code.co_names)
        if asks or not may_act_when_made(thing):
            return None
        return f"the step uses {thing.__module__}.{thing.__qualname__}, which may act unheard"
    why = None if named.is_called else acts_when_called(thing)
    return None if why is None else f"the step hands on {why}, which may be called unheard"
