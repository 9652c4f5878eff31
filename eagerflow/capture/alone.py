"""Whether a step is called where nothing around it needs its ops one by one."""

from __future__ import annotations

import sys
from typing import Any

import numpy

from eagerflow.base.capturing import capturing
from eagerflow.capture.hearing.one_at_a_time import is_writing
from eagerflow.core.in_place import undo
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.core.strategy import active
from eagerflow.layer.call_context import current_call

__all__ = ["is_alone", "surroundings"]

_NOTHING = (None,) * 5
# What stands for NumPy's settings of errors: another object after each change. `geterr` takes as long as all the rest.
_umath: Any = sys.modules.get("numpy._core.umath")
_settings_of_errors: Any = getattr(getattr(_umath, "_extobj_contextvar", None), "get", lambda: None)
_quiet: list[Any] = [numpy]  # the last settings by which NumPy at most warns


def is_alone() -> bool:
    """Whether nothing does: no capture here or in another thread, no layer, no probe, no scope of values, no ranks.

    Nor does NumPy raise errors, or tell somebody of them (`numpy.seterr`): that is for finding the op that made them.
    """
    around = capturing.get(), current_call.get(), undo.get(), current_stateless_scope.get(), active.shard
    if around != _NOTHING or is_writing():
        return False
    now = _settings_of_errors()
    return now is _quiet[0] or _is_quiet(now)


def surroundings() -> str:
    """What is around a step that isn't alone, in words: why it runs eagerly there."""
    if capturing.get() is not None:
        return "it is called inside another captured step, which replays its operations"
    if current_call.get() is not None:
        return "it is called inside a layer: capture the step that calls the layer"
    if active.shard is not None:
        return "it runs in a distribution"
    if undo.get() is not None or current_stateless_scope.get() is not None:
        return "it is called in a scope that keeps the values of variables"
    return "another thread is capturing a step" if is_writing() else "NumPy is to tell of errors (`numpy.seterr`)"


def _is_quiet(now: Any) -> bool:
    quiet = {"ignore", "warn"}.issuperset(numpy.geterr().values())
    if quiet and now is not None:
        _quiet[0] = now
    return quiet
