"""Whether a step may be captured or replayed where it is called, or something around it needs its ops one by one."""

from __future__ import annotations

import sys
from typing import Any

import numpy

from eagerflow.base.capturing import capturing
from eagerflow.core.in_place import undo
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.core.strategy import active
from eagerflow.layer.call_context import current_call

__all__ = ["can_capture", "why_not"]

_NOTHING = (None,) * 5
# What stands for NumPy's settings of errors: another object after each change. `geterr` takes as long as all the rest.
_umath: Any = sys.modules.get("numpy._core.umath")
_settings_of_errors: Any = getattr(getattr(_umath, "_extobj_contextvar", None), "get", lambda: None)
_quiet: list[Any] = [numpy]  # the last settings by which NumPy at most warns


def can_capture() -> bool:
    """Whether no capture, layer, scope of values or rank is around, and NumPy doesn't raise errors (`numpy.seterr`)."""
    if (capturing.get(), current_call.get(), undo.get(), current_stateless_scope.get(), active.shard) != _NOTHING:
        return False
    now = _settings_of_errors()
    if now is not _quiet[0]:
        if not {"ignore", "warn"}.issuperset(numpy.geterr().values()):
            return False
        _quiet[0] = now if now is not None else _quiet[0]
    return True


def why_not() -> str:
    """What is around such a step, in words."""
    if capturing.get() is not None:
        return "it is called inside another captured step, which replays its operations"
    if current_call.get() is not None:
        return "it is called inside a layer: capture the step that calls the layer"
    if active.shard is not None:
        return "it runs in a distribution"
    if undo.get() is not None or current_stateless_scope.get() is not None:
        return "it is called in a scope that keeps the values of variables"
    return "NumPy is to raise errors (`numpy.seterr`)"
