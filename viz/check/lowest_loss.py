"""The lowest loss that labels allow: that of answers which are right, and above 0 for some losses and labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow import Tensor, no_grad, tree
from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.check.subject import leaves, number_of
from viz.doctor.facts.constant_answers import right_answers
from viz.doctor.facts.loss_questions import answer_kind
from viz.dry_run.first_step import FirstStep

__all__ = ["lowest_loss"]

_CLASSES = ("sparse", "categorical", "binary")
_NEAR = 0.01  # how far from the labels other answers are asked for
_ROUNDING = 1e-6


def lowest_loss(first: FirstStep, data: Any) -> float | None:
    """The loss of answers that are right; None where it isn't known.

    Of crossentropies these are the labels' own chances; of all other losses the labels themselves, where no answer
    near them has a lower loss. So the Poisson loss of a count y is y - y log y, and never 0.
    """
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    if first.loss is None or y is None:
        return None
    try:
        with no_grad():
            outputs = first.call(x, False)
            answers = _right(first, y, outputs)
            if answers is None:
                return None
            lowest = _value(first, y, answers, sample_weight)
            near = [_value(first, y, other, sample_weight) for other in _near(answers)]
    except (ValueError, TypeError):
        return None
    least = min([value for value in near if math.isfinite(value)], default=math.inf)
    return lowest if math.isfinite(lowest) and least >= lowest - _ROUNDING * max(1.0, abs(lowest)) else None


def _right(first: FirstStep, y: Any, outputs: Any) -> Any:
    """The answers with the lowest loss, as far as one can tell from the kind of loss."""
    labels, answers = list(leaves(y)), list(leaves(outputs))
    loss = getattr(first.loss, "given", first.loss)
    kind = answer_kind(loss) if len(labels) == len(answers) == 1 else ""
    if kind in _CLASSES:
        found = right_answers(kind, labels[0], answers[0], getattr(loss, "settings", {}))
        return None if found is None else Tensor(found.astype(answers[0].dtype))
    if len(labels) == len(answers) == 1 and labels[0].size == answers[0].size:
        return Tensor(labels[0].reshape(answers[0].shape).astype(answers[0].dtype))
    return y if labels and [a.shape for a in labels] == [a.shape for a in answers] else None


def _value(first: FirstStep, y: Any, answers: Any, sample_weight: Any) -> float:
    with numpy.errstate(all="ignore"):
        return number_of(first.loss_of(y, answers, sample_weight))


def _near(answers: Any) -> Iterator[Any]:
    """Answers that are a little larger or smaller."""
    for factor, added in ((1 + _NEAR, 0.0), (1 - _NEAR, 0.0), (1.0, _NEAR)):

        def other(each: Any, factor: float = factor, added: float = added) -> Any:
            values = next(leaves(each))
            return Tensor(values * values.dtype.type(factor) + values.dtype.type(added))

        yield tree.map_structure(other, answers)
