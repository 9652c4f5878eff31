"""One pass over the rows of an epoch without training: the numbers that `fit` or `evaluate` would report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor
from eagerflow.data.arrays import rows_of
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.sandbox import sandbox
from eagerflow.training.step_runner import loss_of
from viz.frameworks.owners import has_own, layer_role

__all__ = ["Totals", "caught_up", "has_own_steps", "run_pass"]


class Totals(NamedTuple):
    """What a pass gave."""

    loss: float  # the mean of the loss of the data
    penalties: float  # the mean of what weights and layers added to it
    metrics: dict[str, float]  # other numbers, by name
    rows: int


def has_own_steps(model: Any) -> bool:
    """Whether `fit` or `evaluate` runs a step of the user's."""
    return has_own(model, "train_step", "test_step")


def run_pass(model: Any, batches: Iterable[Any], training: bool, weighted: bool = True) -> Totals:
    """Run all batches; the model is left as it was."""
    losses, penalties, rows = 0.0, 0.0, 0
    # What layers add is the loss itself where there is no other, as of a variational autoencoder.
    alone = model._ef_state.compiled.loss is None
    with sandbox(model):
        model.reset_metrics()
        for batch in batches:
            x, y, sample_weight = unpack_x_y_sample_weight(batch)
            sample_weight = sample_weight if weighted else None
            y_pred = model(x, training=training)
            loss = float(loss_of(model, x, y, y_pred, sample_weight, training))
            added = 0.0 if alone else sum(_number(term) for term in model.losses)
            count = rows_of(x)
            losses, penalties, rows = losses + (loss - added) * count, penalties + added * count, rows + count
            model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        metrics = {name: _number(value) for name, value in model.get_metrics_result().items() if name != "loss"}
    if not rows:
        raise ValueError("gap: the data gave no batch.")
    return Totals(losses / rows, penalties / rows, metrics, rows)


def _number(value: Any) -> float:
    """A number, of an array its sum: as terms of the loss count."""
    data = value.data if isinstance(value, Tensor) else value
    return float(data.sum()) if getattr(data, "size", 1) != 1 else float(data)


def caught_up(model: Any, batches: Iterable[Any], forward: Callable[[Any], Any]) -> list[tuple[Any, Any]]:
    """The moving statistics, had they been gathered from these rows with the weights of now: variables, and arrays."""
    found = [layer for layer in model._flatten_layers() if _gathers(layer)]
    kept = [layer.momentum for layer in found]
    sums: list[list[Any]] = [[0.0, 0.0, 0.0, 0] for _ in found]
    try:
        for layer in found:
            layer.__dict__["momentum"] = 0.0  # the moving moments are then those of the last batch
        with sandbox(model):
            for batch in batches:
                forward(batch)
                count = rows_of(unpack_x_y_sample_weight(batch)[0])
                for layer, total in zip(found, sums):
                    mean, variance = (v.numpy().astype("float64") for v in (layer.moving_mean, layer.moving_variance))
                    total[0] += mean * count
                    total[1] += variance * count
                    total[2] += mean * mean * count
                    total[3] += count
    finally:
        for layer, momentum in zip(found, kept):
            layer.__dict__["momentum"] = momentum
    arrays = []
    for layer, (means, variances, squares, count) in zip(found, sums):
        mean = means / count
        variance = variances / count + numpy.maximum(squares / count - mean * mean, 0.0)
        arrays += [(layer.moving_mean, mean), (layer.moving_variance, variance)]
    return arrays


def _gathers(layer: Any) -> bool:
    batch_norm = layer_role(layer) == "batch_normalization" and layer.trainable and layer.built
    return batch_norm and not getattr(layer, "renorm", False)
