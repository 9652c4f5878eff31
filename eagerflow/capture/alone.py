"""Whether a step is called where nothing around it needs its ops one by one."""

from __future__ import annotations

from eagerflow.base.capturing import capturing
from eagerflow.core.in_place import undo
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.layer.call_context import current_call
from eagerflow.world.current import world

__all__ = ["is_alone"]

_NOTHING = (None,) * 5


def is_alone() -> bool:
    """Whether nothing does: no other capture, no layer, no probe, no scope that keeps variables' values, no ranks."""
    around = capturing.get(), current_call.get(), undo.get(), current_stateless_scope.get(), world.share
    return around == _NOTHING
