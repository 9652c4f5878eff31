"""The loss that one gets by answering the same for every row, as well as that can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

__all__ = ["best_constant", "loss_of"]

_LEAST = 1e-7  # the smallest probability that crossentropies reckon with


def best_constant(
    kind: str, labels: Sequence[numpy.ndarray], predicted: Sequence[numpy.ndarray], settings: Mapping[str, Any]
) -> float | None:
    """The smallest mean loss of an answer that doesn't depend on the row; None where it isn't known.

    Args:
        kind: `"sparse"`, `"categorical"`, `"binary"`, `"mean_squared_error"` or `"mean_absolute_error"`.
        labels: of some batches.
        predicted: the predictions for them, which say how many classes there are.
        settings: of the loss.

    >>> y = [numpy.array([0.0, 0.0, 0.0, 1.0])]
    >>> round(best_constant("mean_squared_error", y, y, {}), 4), best_constant("mean_absolute_error", y, y, {})
    (0.1875, 0.25)
    """
    targets = [_targets(kind, y, p, settings) for y, p in zip(labels, predicted)]
    if any(t is None for t in targets) or len({t.shape[1:] for t in targets if t is not None}) != 1:
        return None
    every = numpy.concatenate([t for t in targets if t is not None])
    mean = every.mean(axis=0)
    if kind == "mean_squared_error":
        return float(numpy.square(every - mean).mean())
    if kind == "mean_absolute_error":
        return float(numpy.abs(every - numpy.median(every, axis=0)).mean())
    chance = numpy.clip(mean, _LEAST, 1 - _LEAST)
    if kind == "binary":
        return float(-(mean * numpy.log(chance) + (1 - mean) * numpy.log(1 - chance)).mean())
    shares = every.reshape(-1, every.shape[-1]).mean(axis=0)  # of all positions of a row, too
    total = float(shares.sum())
    return float(-(shares * numpy.log(numpy.clip(shares / total, _LEAST, 1.0))).sum()) if total else None


def loss_of(kind: str, labels: numpy.ndarray, predicted: numpy.ndarray, settings: Mapping[str, Any]) -> float:
    """The mean loss of one batch of predictions."""
    target = _targets(kind, labels, predicted, settings)
    answer = predicted.reshape(target.shape).astype("float64") if target is not None else predicted
    if target is None:
        return float("nan")
    if kind == "mean_squared_error":
        return float(numpy.square(target - answer).mean())
    if kind == "mean_absolute_error":
        return float(numpy.abs(target - answer).mean())
    logits = bool(settings.get("from_logits"))
    if kind == "binary":
        answer = 1 / (1 + numpy.exp(-numpy.clip(answer, -60, 60))) if logits else answer
        answer = numpy.clip(answer, _LEAST, 1 - _LEAST)
        return float(-(target * numpy.log(answer) + (1 - target) * numpy.log(1 - answer)).mean())
    if logits:
        answer = numpy.exp(answer - answer.max(axis=-1, keepdims=True))
    sums = answer.sum(axis=-1, keepdims=True)
    answer = numpy.clip(answer / numpy.where(sums > 0, sums, 1.0), _LEAST, 1.0)
    return float(-(target * numpy.log(answer)).sum(axis=-1).mean())


def _targets(
    kind: str, labels: numpy.ndarray, predicted: numpy.ndarray, settings: Mapping[str, Any]
) -> numpy.ndarray | None:
    """Labels as the loss compares them with the predictions, rows first; None where they don't fit."""
    if not predicted.ndim or not predicted.size:
        return None
    units = predicted.shape[-1]
    smoothing = float(settings.get("label_smoothing") or 0.0)
    if kind == "sparse":
        numbers = labels.reshape(-1).astype(int)
        if units < 2 or numbers.size * units != predicted.size or numbers.min() < 0 or numbers.max() >= units:
            return None
        return numpy.eye(units)[numbers].reshape(predicted.shape)
    if labels.size != predicted.size:
        return None
    target = labels.reshape(predicted.shape).astype("float64")
    if kind == "categorical":
        return target * (1 - smoothing) + smoothing / units
    if kind == "binary":
        target = target * (1 - smoothing) + 0.5 * smoothing
        return target if target.min() >= 0 and target.max() <= 1 else None
    return target if numpy.isfinite(target).all() else None
