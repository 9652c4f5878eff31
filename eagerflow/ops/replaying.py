"""What a step is kept with, and run again: ops by their names, variables by their keys."""

from __future__ import annotations

from eagerflow.core.primitive import Op, registry
from eagerflow.core.variable import variable_of
from eagerflow.ops.elementwise import gamma as _gamma
from eagerflow.ops.neural import dropout as _dropout, fused as _fused, group_norm as _group_norm
from eagerflow.ops.sequences import recurrent as _recurrent, recurrent_pairs as _recurrent_pairs

__all__ = ["is_ours", "op_named", "variable_of"]

_READ = (_gamma, _dropout, _fused, _group_norm, _recurrent, _recurrent_pairs)  # which `eagerflow.ops` leaves for later

_HOMES = ("eagerflow.ops.", "eagerflow.core.")  # of ops that need nothing but data; others need other ranks, say


def is_ours(op: object) -> bool:
    """Whether a name is enough to find an op again: it is one of eagerflow's, and needs nothing but data.

    >>> is_ours(op_named("tanh")), is_ours(object())
    (True, False)
    """
    return op.__class__ is Op and op_named(op.name) is op


def op_named(name: str) -> Op | None:
    """The op of eagerflow's with this name; None where there is none.

    >>> op_named("tanh"), op_named("system")
    (Op('tanh'), None)
    """
    found = registry.get(name)
    if found is None or not found.mathematics.__module__.startswith(_HOMES):
        return None
    return found
