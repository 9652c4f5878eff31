"""Passes over an epoch by a model's own `train_step` and `test_step`, whose numbers only these know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from eagerflow import Model
from eagerflow.data.arrays import rows_of
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.sandbox import only_kept, sandbox
from viz.fit_gap.passes import Totals, number_of

__all__ = ["has_own_steps", "own_pass", "own_step", "reports_batches"]


def has_own_steps(model: Any) -> bool:
    """Whether `fit` or `evaluate` runs a step of the user's."""
    return any(getattr(type(model), step) is not getattr(Model, step) for step in ("train_step", "test_step"))


def own_pass(model: Any, batches: Iterable[Any], training: bool, weighted: bool = True) -> Totals:
    """Run all batches through the model's own step; each leaves nothing but what metrics counted.

    Args:
        model: a compiled model.
        batches: as steps get them.
        training: by `train_step`, whose updates are taken back after each batch; else by `test_step`.
        weighted: with sample weights, where there are some.
    """
    logs: Any = {}
    rows = 0
    with sandbox(model):
        model.reset_metrics()
        for batch in batches:
            x, y, _ = unpack_x_y_sample_weight(batch)
            given = batch if weighted or not isinstance(batch, tuple) or len(batch) < 3 else (x, y)
            logs = own_step(model, given, training)
            rows += rows_of(x)
    if not rows:
        raise ValueError("gap: the data gave no batch.")
    numbers = {name: number_of(value) for name, value in logs.items()} if isinstance(logs, dict) else {}
    return Totals(numbers.get("loss", 0.0), 0.0, numbers, rows)


def own_step(model: Any, batch: Any, training: bool, also: Iterable[Any] = ()) -> Any:
    """One step on a batch, and what it reports; only what metrics counted, and random draws, stay."""
    with only_kept(lambda: [*_staying(model), *also]):
        try:
            step = model.make_train_function() if training else model.make_test_function()
            return step(batch)
        except Exception as error:
            which = "train_step" if training else "test_step"
            told = f"gap: the {which} of {type(model).__name__} fails: {type(error).__name__}: {error}"
            wanted = "" if training else " evaluate needs one that reports the numbers of its train_step."
            raise ValueError(f"{told[:400].rstrip('.')}.{wanted}") from error


def reports_batches(model: Any, name: str) -> bool:
    """Whether a number is that of the last batch alone: the step returns it, and no metric averages it."""
    return not any(metric.name == name for metric in model.metrics)


def _staying(model: Any) -> Iterator[Any]:
    """What a step may change: what metrics count, and the states of random generators, so that draws differ."""
    for metric in model.metrics:
        yield from metric.variables
    for variable in model.variables:
        if str(variable.dtype).startswith("uint"):
            yield variable
