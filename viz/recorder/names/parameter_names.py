"""What a loss, metric or layer calls the tensors that it is given: `y_true` and `y_pred`, as its signature has it.

Only what has no name yet is called so, and only where there is no doubt. All is worked out when a recording ends.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from viz.facts.schema import Record, Scope
from viz.recorder.names.argument_names import SAID_BY_ITS_PLACE

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


def name_by_parameters(record: Record, needed: Sequence[tuple[str, ...]], unnamed: Collection[int]) -> dict[int, int]:
    """Call what comes from outside, and has no name, as what it was given to calls it.

    Args:
        record: its scopes and ops are known.
        needed: for each scope, what `needed_parameters` gives of its owner.
        unnamed: the tensors from outside that have no name.

    Returns:
        For what a loss or metric made of labels that it was given, those.
    """
    if not unnamed:
        return {}
    in_losses = {i for scope in record.scopes if scope.kind == "loss" for i in scope.inputs}
    made_in: Mapping[int, list[int]] = _read_in_judges(record, unnamed)
    copies = _name_copies(record, made_in)
    for scope, names in zip(record.scopes, needed):
        given = [*scope.inputs]
        if scope.kind in _JUDGES and len(names) == 2 and len(given) == 1:
            given = _with_converted(record, given[0], made_in.get(scope.id, []))
        if len(given) != len(names) or len({*given}) < len(given):
            continue  # lists, or what needn't be given: who knows which is which?
        if scope.kind in _JUDGES and not _both_from_outside(record, scope, given, in_losses):
            continue
        for i, name in zip(given, names):
            if i in unnamed and name.lower() not in SAID_BY_ITS_PLACE:
                record.called.setdefault(i, name)
    return copies


def _name_copies(record: Record, made_in: Mapping[int, list[int]]) -> dict[int, int]:
    """Let what a loss or metric reads in place of what it was given have its name: labels as arrays of its own."""
    read, copies = {i for op in record.ops for i in op.inputs} if made_in else set(), dict[int, int]()
    for number, (copy, *more) in made_in.items():
        like = _looks(record, copy)
        given = [i for i in record.scopes[number].inputs if i not in read and _looks(record, i) == like]
        if not more and len(given) == 1 and given[0] in record.called:
            record.called.setdefault(copy, record.called[given[0]])
            copies[copy] = given[0]
    return copies


def _looks(record: Record, tensor: int) -> tuple[tuple[int, ...], str]:
    return record.tensors[tensor].shape, record.tensors[tensor].dtype


def _both_from_outside(record: Record, scope: Scope, given: list[int], in_losses: set[int]) -> bool:
    """Is it a loss or metric by itself? Beside a model's answers, what is no answer is a target, and called so."""
    if all(record.tensors[i].producer is None for i in given):
        return True
    return scope.kind == "metric" and in_losses.isdisjoint(given)


def _read_in_judges(record: Record, unnamed: Collection[int]) -> dict[int, list[int]]:
    """For each loss and metric, what its ops read that nobody is known to have given: lists that became tensors."""
    given = {i for scope in record.scopes for i in scope.inputs}
    found: dict[int, list[int]] = {}
    for op in record.ops:
        new = [i for i in op.inputs if i in unnamed and i not in given] if op.phase in ("forward", "metric") else []
        for scope in record.ancestors(op.scope) if new else ():
            if scope.kind in _JUDGES:
                held = found.setdefault(scope.id, [])
                held += [i for i in dict.fromkeys(new) if i not in held]
    return found


def _with_converted(record: Record, known: int, converted: list[int]) -> list[int]:
    """Target and prediction where one of them was a list: gradients are asked of predictions, and lists are targets."""
    if len(converted) != 1:
        return [known]
    differentiated = any(info.gradient_of == converted[0] for info in record.tensors)
    return [known, *converted] if differentiated else [*converted, known]
