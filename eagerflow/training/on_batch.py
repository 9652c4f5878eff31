"""A step on a single batch, as `train_on_batch` and its kin make it."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.callbacks import CallbackList
from eagerflow.core.observe import logs as announce_logs, state
from eagerflow.core.strategy import active
from eagerflow.training.loop import as_numbers, check_numbers, observed_step
from eagerflow.training.state_snapshot import StateSnapshot

__all__ = ["as_list", "in_order", "one_step", "shared_step"]


def one_step(
    model: Any, name: str, step: Any, data: Any, states: StateSnapshot | None = None, reset: bool = True
) -> dict[str, Any]:
    """Make one step of a model; gives its numbers."""
    compiled = model._ready(name)
    if reset:
        model.reset_metrics()
    step = shared_step(model, name, step)
    deferred, compiled.deferred = compiled.deferred, False  # a callback of `fit` may make steps too
    before = None if states is None else states.taken()
    try:
        with numpy.errstate(all="ignore"):
            logs = observed_step(model, name, step, data)
        check_numbers(logs, name)
    except BaseException:
        if states is not None and before is not None:
            states.undo(before)
        raise
    finally:
        compiled.deferred = deferred
    if states is not None and before is not None:
        states.settle(before)
    numbers = as_numbers(logs)
    if state.on:
        announce_logs("step", 0, numbers)
    return numbers


def shared_step(model: Any, name: str, step: Any) -> Any:
    """The step; where ranks share each batch, one that gives all of them the numbers of the whole batch."""
    if active.shard is not None:
        return step
    loop = active.strategy.loop(model, name.removesuffix("_step"), CallbackList(), False, 1)
    return step if loop is None else loop.one


def in_order(model: Any, numbers: dict[str, Any]) -> dict[str, Any]:
    """Loss, losses of single outputs and whatever is named like one of `metrics`; then the rest by name."""
    first = [m.name for m in model.metrics if m.name in numbers]
    return {name: numbers[name] for name in (*first, *sorted(numbers))}


def as_list(numbers: dict[str, Any]) -> Any:
    """The numbers in a list; one alone without."""
    values = list(numbers.values())
    return values[0] if len(values) == 1 else values
