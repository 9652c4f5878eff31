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
_settings_of_errors: Any = getattr(_umath, "_extobj_contextvar", None)
_seen: list[tuple[Any, bool]] = [(None, False)]


def is_alone() -> bool:
    """Whether nothing does: no other capture, no layer, no probe, no scope that keeps variables' values, no ranks.

    Nor does NumPy raise errors, or tell somebody of them (`numpy.seterr`): that is for finding the op that made them.
    """
    around = capturing.get(), current_call.get(), undo.get(), current_stateless_scope.get(), world.share
    return around == _NOTHING and not _tells_of_errors()


def _tells_of_errors() -> bool:
    now = None if _settings_of_errors is None else _settings_of_errors.get(None)
    settings, tells = _seen[0]
    if now is None or now is not settings:
        tells = not {"ignore", "warn"}.issuperset(numpy.geterr().values())
        _seen[0] = now, tells
    return tells
