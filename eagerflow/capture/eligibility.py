"""Whether a step may be captured or replayed where it is called, or something around it needs its ops one by one."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

import numpy

from eagerflow.base.capturing import capturing
from eagerflow.core.in_place import undo
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.core.strategy import active
from eagerflow.layer.call_context import current_call

__all__ = ["why_not"]

_SCOPES: dict[ContextVar[Any], str] = {
    capturing: "it is called inside another captured step, which replays its operations",
    current_call: "it is called inside a layer: capture the step that calls the layer",
    undo: "it is called in a scope that keeps the values of variables",
    current_stateless_scope: "it is called in a scope that keeps the values of variables",
}
# What stands for NumPy's settings of errors: another object after each change. `geterr` takes as long as all the rest.
_umath: Any = sys.modules.get("numpy._core.umath")
_settings_of_errors: Any = getattr(getattr(_umath, "_extobj_contextvar", None), "get", lambda: None)
_quiet: list[Any] = [numpy]  # the last settings by which NumPy at most warns


def why_not() -> str | None:
    """What is around a step, in words; None where it may be captured."""
    for scope, words in _SCOPES.items():
        if scope.get() is not None:
            return words
    if active.shard is not None:
        return "it runs in a distribution"
    now = _settings_of_errors()
    if now is not _quiet[0]:
        if not {"ignore", "warn"}.issuperset(numpy.geterr().values()):
            return "NumPy is to raise errors (`numpy.seterr`)"
        _quiet[0] = now if now is not None else _quiet[0]
    return None
