"""Whether a step is called where nothing around it needs its ops one by one."""

from __future__ import annotations

import sys
from typing import Any

import numpy

from eagerflow.base.capturing import capturing
from eagerflow.core.in_place import undo
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.layer.call_context import current_call
from eagerflow.world.current import world

__all__ = ["is_alone"]

_NOTHING = (None,) * 5
# What stands for NumPy's settings of errors: another object after each change. `geterr` takes as long as all the rest.
_umath: Any = sys.modules.get("numpy._core.umath")
_settings_of_errors: Any = getattr(getattr(_umath, "_extobj_contextvar", None), "get", lambda: None)
_quiet: list[Any] = [numpy]  # the last settings by which NumPy at most warns


def is_alone() -> bool:
    """Whether nothing does: no other capture, no layer, no probe, no scope that keeps variables' values, no ranks.

    Nor does NumPy raise errors, or tell somebody of them (`numpy.seterr`): that is for finding the op that made them.
    """
    around = capturing.get(), current_call.get(), undo.get(), current_stateless_scope.get(), world.share
    if around != _NOTHING:
        return False
    now = _settings_of_errors()
    return now is _quiet[0] or _is_quiet(now)


def _is_quiet(now: Any) -> bool:
    quiet = {"ignore", "warn"}.issuperset(numpy.geterr().values())
    if quiet and now is not None:
        _quiet[0] = now
    return quiet
