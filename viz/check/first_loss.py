"""Is the loss at the start what chance gives? And the lowest one that the labels allow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow import Tensor, no_grad, tree
from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.check.row import Row, fault, fine, open_question
from viz.check.subject import ROUNDING, Subject, leaves, number_of
from viz.doctor import thresholds as limits
from viz.doctor.facts.constant_answers import best_constant, loss_of, right_answers
from viz.doctor.facts.host_arrays import number, rms
from viz.doctor.facts.loss_questions import answer_kind
from viz.dry_run.first_step import FirstStep

__all__ = ["chance_loss", "check_first_loss", "lowest_loss"]

_FINE = 2.0  # times what chance gives; so much below it, the weights have learnt something already
_FAR = 5.0
_LARGE = 1000.0  # the size of targets that are thousands of times the answers: these need longer for the mean
_OUTPUTS = 4.0  # the mean square of a healthy network's first answers, whatever its targets
_FIX = (
    "weights that start too large, inputs that aren't scaled, or a wrong last activation can cause this; "
    "the first steps are then spent on undoing it"
)
_SCALE = (
    "scale the targets, (y - y.mean()) / y.std(), and the answers back: a last layer begins with answers around 0, and "
    "takes very long to reach targets that are far from it"
)
_CLASSES = ("sparse", "categorical", "binary")


def check_first_loss(subject: Subject, first_step: float | None) -> Row:
    """✗ where the first loss is far above that of a network that knows nothing but the shares of the labels.

    The lower one counts of this, in inference mode, and what the first step minimized, in training mode.
    """
    first = subject.first
    loss = None if first.loss is None or first.own_step else subject.loss(first.data)
    if loss is None:
        whose = "the model's own training step or loss" if first.own_step else "losses that layers add"
        whose = "the loop, whose loss isn't known as that of one model's outputs" if first.kind == "loop" else whose
        return open_question(f"what chance gives isn't known for {whose}")
    if first_step is not None and math.isfinite(first_step):
        loss = min(loss, first_step) if math.isfinite(loss) else first_step  # averages of batches begin untrue
    if not math.isfinite(loss):
        return fault(f"the first loss is {loss}", "viz nonfinite names the op and its line", loss=str(loss))
    outputs = list(leaves(subject.outputs(first.batch[0])))
    labels = list(leaves(first.batch[1]))
    if len(outputs) != 1:
        return open_question(f"{len(outputs)} outputs have a loss of {number(loss)} together", loss=loss)
    if len(labels) != 1:
        words = f"the loss is made of {len(labels)} arrays and the outputs: the first one is {number(loss)}"
        return open_question(words, loss=loss)
    found = _chance(first.loss, labels[0], outputs[0])
    if found is None:
        name = getattr(first.loss, "given", first.loss).name
        return open_question(f"what chance gives isn't known for {name}: the first loss is {number(loss)}", loss=loss)
    chance, words, most = found
    count = math.prod(outputs[0].shape[:-1]) if _reduction(first.loss) == "sum" else 1
    if count > 1:
        loss, words = loss / count, f"{words}; both for one value, of which the loss adds up {count}"
    if _weighted(first):
        changed = f"weights of samples or outputs change the loss ({number(loss)})"
        return open_question(changed, loss=loss)
    evidence = {"loss": loss, "chance": chance}
    if chance <= 0:
        return open_question(f"all labels are equal: nothing to compare {number(loss)} with", **evidence)
    if _FINE * loss < chance:
        return open_question(
            f"the first loss, {number(loss)}, is far below what chance gives ({words}): have these weights learnt "
            "already, or are the answers among the inputs?",
            **evidence,
        )
    told = f"the first loss is {number(loss)} (in inference mode); chance gives"
    if loss <= _FINE * most:
        if _targets_far_off(loss, chance, labels[0]):
            return fault(f"{told} {words}", _SCALE, subject.compiled_at, **evidence)
        if loss > _FAR * chance:
            words += "; answers begin at around ±1, wherever the targets are"
        return fine(f"{told} {words}", subject.compiled_at, **evidence)
    if loss > _FAR * most:
        return fault(f"{told} {words}", _FIX, subject.compiled_at, **evidence)
    return open_question(
        f"the first loss is {number(loss)}, {loss / most:.1f} times what chance gives ({words}): inputs or weights are "
        "on the large side",
        subject.compiled_at,
        **evidence,
    )


def _targets_far_off(loss: float, chance: float, y: numpy.ndarray) -> bool:
    """Is the loss what it is because the targets are large, and all on one side of 0?"""
    size, times = rms(y.astype("float64")), loss / chance
    return (times > _FAR and size > limits.UNSCALED) or (times > _FINE and size > _LARGE)


def chance_loss(first: FirstStep, y: Any, outputs: Any) -> float | None:
    """The loss of a network that answers the same for every row; None where it isn't known."""
    labels, answers = list(leaves(y)), list(leaves(outputs))
    if first.loss is None or first.own_step or len(labels) != 1 or len(answers) != 1 or _weighted(first):
        return None
    if _reduction(first.loss) in ("sum", "none", None):
        return None  # then it grows with the number of rows
    found = _chance(first.loss, labels[0], answers[0])
    return found[0] if found is not None and found[0] > 0 else None


def _reduction(loss: Any) -> str | None:
    return getattr(getattr(loss, "given", loss), "reduction", "")


def _weighted(first: FirstStep) -> bool:
    weights = getattr(first.loss, "weights", None)
    return first.batch[2] is not None or weights not in (None, 1.0)


def _chance(loss: Any, y: numpy.ndarray, outputs: numpy.ndarray) -> tuple[float, str, float] | None:
    """The loss of always giving the same answer, in words, and the largest that is still chance; None for others."""
    given = getattr(loss, "given", loss)
    kind, settings = answer_kind(given), getattr(given, "settings", {})
    if kind in ("sparse", "categorical"):
        classes = outputs.shape[-1] if outputs.ndim > 1 else 0
        chance = math.log(max(classes, 1))
        return (chance, f"{chance:.2f} (ln {classes})", chance) if classes > 1 else None
    pairs = [(y, outputs)]
    constant = best_constant(kind, pairs, pairs, settings) if kind else None
    if constant is None:
        return None
    if kind == "binary":
        words = f"{math.log(2):.2f} (ln 2)"
        if limits.NO_LOSS < constant < 0.8 * math.log(2):
            words += f", and always answering the share of ones {number(constant)}"
        return (constant if constant > limits.NO_LOSS else math.log(2)), words, math.log(2)
    zero = loss_of(kind, y, numpy.zeros_like(outputs), settings)
    what = "variance" if kind == "mean_squared_error" else "mean distance from the median"
    words = f"{number(constant)} (the {what} of the targets)"
    if zero > _FINE * constant:
        words += f", and answers of 0 {number(zero)}, as the targets' mean isn't 0"
    return constant, words, max(constant, zero, _OUTPUTS)


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
    return lowest if math.isfinite(lowest) and least >= lowest - ROUNDING * max(1.0, abs(lowest)) else None


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
    for factor, added in ((1.01, 0.0), (0.99, 0.0), (1.0, 0.01)):

        def other(each: Any, factor: float = factor, added: float = added) -> Any:
            values = next(leaves(each))
            return Tensor(values * values.dtype.type(factor) + values.dtype.type(added))

        yield tree.map_structure(other, answers)
