"""What a loss, metric or layer calls the tensors that it is given: `y_true` and `y_pred`, as its signature has it.

Only what has no name yet is called so, and only where there is no doubt. All is worked out when a recording ends.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from typing import Any

from viz.facts.schema import Record, Scope
from viz.recorder.names.kept_names import SAID_BY_ITS_PLACE

__all__ = ["name_by_parameters", "needed_parameters"]

_JUDGES = ("loss", "metric")  # what is given a target and a prediction


def needed_parameters(owner: Any) -> tuple[str, ...]:
    """The names of what a layer, loss or metric must be given; none where that is no more than one.

    >>> import eagerflow as ef
    >>> needed_parameters(ef.losses.MeanSquaredError()), needed_parameters(ef.layers.Dense(2))
    (('y_true', 'y_pred'), ())
    """
    kind = type(owner)
    for name in ("call", "update_state"):
        function = inspect.unwrap(getattr(kind, name, None))  # type: ignore[arg-type]
        code = getattr(function, "__code__", None)
        if code is not None:
            own = 0 if isinstance(inspect.getattr_static(kind, name), staticmethod) else 1
            last = code.co_argcount - len(getattr(function, "__defaults__", None) or ())
            names: tuple[str, ...] = code.co_varnames[own:last]
            return names if len(names) > 1 else ()
    return ()


def name_by_parameters(record: Record, needed: Sequence[tuple[str, ...]], unnamed: Collection[int]) -> None:
    """Call what comes from outside, and has no name, as what it was given to calls it.

    Args:
        record: its scopes and ops are known.
        needed: for each scope, what `needed_parameters` gives of its owner.
        unnamed: the tensors from outside that have no name.
    """
    in_losses = {i for scope in record.scopes if scope.kind == "loss" for i in scope.inputs}
    for scope, names in zip(record.scopes, needed) if unnamed else ():
        given = scope.inputs
        if len(given) != len(names) or len({*given}) < len(given):
            continue  # lists, or what needn't be given: who knows which is which?
        if scope.kind in _JUDGES and not _both_from_outside(record, scope, in_losses):
            continue
        for i, name in zip(given, names):
            if i in unnamed and name.lower() not in SAID_BY_ITS_PLACE:
                record.called.setdefault(i, name)


def _both_from_outside(record: Record, scope: Scope, in_losses: set[int]) -> bool:
    """Is it a loss or metric by itself? Beside a model's answers, what is no answer is a target, and called so."""
    if all(record.tensors[i].producer is None for i in scope.inputs):
        return True
    return scope.kind == "metric" and in_losses.isdisjoint(scope.inputs)
