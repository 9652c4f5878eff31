"""Where a training is, beyond weights and random states: the place in the data, metrics, what callbacks remember."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.serialization import as_json
from eagerflow.core.variable import Variable
from eagerflow.metrics.means import Mean

__all__ = ["notes_of", "put_back_callbacks", "put_back_metrics", "put_back_states"]

Arrays = dict[str, numpy.ndarray]


def notes_of(fit: Any) -> tuple[dict[str, Any], Arrays]:
    """Values that fit into JSON, and arrays by path."""
    found = {str(i): _remembered(c) for i, c in enumerate(fit.callbacks.callbacks)}
    arrays = {f"metrics/{i}": v.numpy() for i, v in enumerate(_metric_variables(fit.model))}
    arrays |= {f"states/{i}": v.numpy() for i, v in enumerate(_state_variables(fit.model))}
    for i, callback in enumerate(fit.callbacks.callbacks):
        for j, array in enumerate(getattr(callback, "best_weights", None) or ()):
            arrays[f"callbacks/{i}/{j}"] = numpy.asarray(array)
    return {"data": fit.feed.position(), "callbacks": {k: v for k, v in found.items() if v is not None}}, arrays


def _remembered(callback: Any) -> dict[str, Any] | None:
    """A callback's state for resuming; custom callbacks return it from `get_state`."""
    kind = type(callback).__name__
    if callable(getattr(callback, "get_state", None)) and callable(getattr(callback, "set_state", None)):
        state = callback.get_state()
    else:
        names = getattr(callback, "_remembers", ())
        state = {name: getattr(callback, name) for name in names} if names else None
    if state is None:
        return None
    try:
        as_json(state)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{kind}.get_state() must give numbers, text, and lists and dicts of them, for the backup. ({error})"
        ) from None
    return {"class_name": kind, "state": state}


def put_back_callbacks(fit: Any, notes: Mapping[str, Any], arrays: Arrays) -> None:
    """Let callbacks know what those at the same places of the interrupted training knew."""
    for place, noted in notes.get("callbacks", {}).items():
        callbacks = fit.callbacks.callbacks
        callback: Any = callbacks[int(place)] if int(place) < len(callbacks) else None
        if type(callback).__name__ != noted["class_name"]:
            continue
        if callable(getattr(callback, "set_state", None)):
            callback.set_state(noted["state"])
            continue
        for name in getattr(callback, "_remembers", ()):
            if name in noted["state"]:
                setattr(callback, name, noted["state"][name])
        kept = _kept(arrays, f"callbacks/{place}/")
        if kept and hasattr(callback, "best_weights"):
            callback.best_weights = kept


def _kept(arrays: Arrays, beginning: str) -> list[numpy.ndarray]:
    """The arrays under a path, by their numbers."""
    numbers = {int(p.removeprefix(beginning)): a for p, a in arrays.items() if p.startswith(beginning)}
    return [numbers[i] for i in sorted(numbers)]


def put_back_states(model: Any, arrays: Arrays) -> None:
    """Let stateful recurrent layers go on with the states that they had."""
    for variable, value in zip(_state_variables(model), _kept(arrays, "states/")):
        variable.assign(value)


def put_back_metrics(model: Any, arrays: Arrays) -> None:
    """Let metrics go on in the middle of an epoch."""
    variables, kept = _metric_variables(model), _kept(arrays, "metrics/")
    if [v.shape for v in variables] != [a.shape for a in kept]:
        warnings.warn(
            "the metrics of the interrupted epoch start over: they are only known after a first step. Weights go on "
            "exactly.",
            stacklevel=2,
        )
        return
    for variable, value in zip(variables, kept):
        variable.assign(value)
    for metric in model.metrics:
        if isinstance(metric, Mean):
            metric.updated = bool(metric.count.numpy() != 0)
    if model._ef_state.compiled is not None:
        model._ef_state.compiled.measured = True


def _metric_variables(model: Any) -> list[Variable]:
    return [variable for metric in model.metrics for variable in metric.variables]


def _state_variables(model: Any) -> list[Variable]:
    """The states of stateful recurrent layers, which files of weights don't hold."""
    held = [tree.flatten(getattr(layer, "states", None)) for layer in model._flatten_layers()]
    return [state for states in held for state in states if isinstance(state, Variable)]
