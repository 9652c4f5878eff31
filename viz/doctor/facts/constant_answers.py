"""The loss that one gets by answering the same for every row, as well as that can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

__all__ = ["best_constant", "least_loss", "loss_of", "right_answers"]

Pairs = Sequence[tuple[numpy.ndarray, numpy.ndarray]]

_LEAST = 1e-7  # the smallest probability that crossentropies reckon with


def best_constant(
    kind: str, chosen_on: Pairs, judged_on: Pairs, settings: Mapping[str, Any], *, one_for_all_positions: bool = False
) -> float | None:
    """The mean loss of the best answer that doesn't depend on the row; None where it isn't known.

    It is chosen on some batches and judged on others, as a network is: on few rows, an answer that was chosen on
    the very same ones looks better than it is.

    Args:
        kind: `"sparse"`, `"categorical"`, `"binary"`, `"mean_squared_error"` or `"mean_absolute_error"`.
        chosen_on: labels and predictions (which say how many classes there are) of some batches.
        judged_on: those of the batches for which the loss is given.
        settings: of the loss.
        one_for_all_positions: where rows have several positions (pixels, or steps in time), answer the same at each of
            them, as a convolution has to; the crossentropies of classes always do.

    >>> y = numpy.array([0.0, 0.0, 0.0, 1.0])
    >>> round(best_constant("mean_squared_error", [(y, y)], [(y, y)], {}), 4)
    0.1875
    """
    chosen, judged = (_all_targets(kind, pairs, settings) for pairs in (chosen_on, judged_on))
    if chosen is None or judged is None or chosen.shape[1:] != judged.shape[1:]:
        return None
    if one_for_all_positions and chosen.ndim > 2:
        chosen = chosen.reshape(-1, chosen.shape[-1])
    mean = chosen.mean(axis=0)
    if kind == "mean_squared_error":
        return float(numpy.square(judged - mean).mean())
    if kind == "mean_absolute_error":
        return float(numpy.abs(judged - numpy.median(chosen, axis=0)).mean())
    if kind == "binary":
        chance = numpy.clip(mean, _LEAST, 1 - _LEAST)
        return float(-(judged * numpy.log(chance) + (1 - judged) * numpy.log(1 - chance)).mean())
    shares = chosen.reshape(-1, chosen.shape[-1]).mean(axis=0)  # of all positions of a row, too
    total = float(shares.sum())
    return float(-(judged * numpy.log(numpy.clip(shares / total, _LEAST, 1.0))).sum(axis=-1).mean()) if total else None


def _all_targets(kind: str, pairs: Pairs, settings: Mapping[str, Any]) -> numpy.ndarray | None:
    found = [_targets(kind, labels, predicted, settings) for labels, predicted in pairs]
    fitting = [each for each in found if each is not None]
    alike = len(fitting) == len(found) > 0 and len({each.shape[1:] for each in fitting}) == 1
    return numpy.concatenate(fitting) if alike else None


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


def least_loss(kind: str, labels: numpy.ndarray, predicted: numpy.ndarray, settings: Mapping[str, Any]) -> float:
    """The loss of answers that are right: above 0 for crossentropies where labels aren't 0 and 1, but between.

    >>> round(least_loss("binary", numpy.array([[0.5]]), numpy.array([[0.1]]), {}), 4)
    0.6931
    """
    target = _targets(kind, labels, predicted, settings)
    if target is None or kind not in ("sparse", "categorical", "binary"):
        return 0.0
    chance = numpy.clip(target, _LEAST, 1 - _LEAST)
    found = -target * numpy.log(chance)
    if kind == "binary":
        return float((found - (1 - target) * numpy.log(1 - chance)).mean())
    return float(found.sum(axis=-1).mean())


def right_answers(
    kind: str, labels: numpy.ndarray, predicted: numpy.ndarray, settings: Mapping[str, Any]
) -> numpy.ndarray | None:
    """The answers whose crossentropy is the lowest: the labels' chances, as logits where those are wanted.

    >>> right_answers("sparse", numpy.array([1]), numpy.array([[0.4, 0.6]]), {}).round(3)
    array([[0., 1.]])
    """
    target = _targets(kind, labels, predicted, settings)
    if target is None:
        return None
    chance = numpy.clip(target, _LEAST, 1 - _LEAST)
    if not settings.get("from_logits"):
        return chance
    return numpy.log(chance / (1 - chance)) if kind == "binary" else numpy.log(chance)


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
