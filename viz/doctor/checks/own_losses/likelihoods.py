"""`loss_sign.likelihood`: a likelihood, written by hand, that training makes small."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first, first_gradient, host, means_of_the_ends, number
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.user_code import Place

__all__ = ["Likelihoods"]

_ROWS = 4  # labels of a batch, at least: of fewer, any number is the same for all
_EQUAL = 1e-2  # by which factors of single rows may differ: something small is added before a logarithm
_CLEAR = -9.2  # logarithm of a chance, above which what is added to it (1e-7, say) changes little
_REST = 0.5  # of what a likelihood makes of the loss may be other terms, such as penalties
_FALLS = 1.2  # times as far below 0 as at first it is in the end
_CHANCES = ("softmax", "log_softmax", "sigmoid")


class _Wanted(NamedTuple):
    """What the loss asks of the answers: labels are to be this likely."""

    mean: float  # of the logarithms of the chances of the labels
    each: float  # by what the loss grows with one of them
    counted: float  # what they make of the loss


class Likelihoods(Check):
    """Asks the backward pass which class of each row the loss makes more likely, or less.

    Of a likelihood of labels, the gradient at the logarithms of the chances has the same number in one place of each
    row, and zeros beside it; at the chances themselves it is that number divided by them. A policy's gradient has a
    number for each row, an entropy's is the chances, a density's has no zeros: these are something else. This speaks
    only where all weights behind the answers are trained so from their beginning, where nothing outweighs it, and where
    the likelihood did fall.
    """

    rules = {
        "loss_sign.likelihood": Rule(
            "error",
            "the loss grows with the log-likelihood of the labels, and training makes it small: the likelihood of a "
            "label fell from {before} to {after}, and the loss can fall without end",
            "Give the loss a minus sign: loss = -mean(log_likelihood); or take a loss of the library, as "
            "losses.SparseCategoricalCrossentropy().",
        )
    }

    always = ("on_gradients",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._answers: dict[int, tuple[str, numpy.ndarray]] = {}  # chances of this step, by their keys
        self._found: list[_Wanted] = []
        self._used: set[int] = set()  # the weights that ops were given since the last gradients
        self._course: list[_Wanted] = []
        self._always = True
        self._begun = False
        self._place: Place | None = None

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if not self._always:
            return
        self._used.update(x.identity for x in inputs if isinstance(x, Variable) and x.trainable)
        key = outputs.key if isinstance(outputs, Tensor) else None
        if key is not None and outputs.data.size and op.name in _CHANCES:
            self._answers[key] = op.name, host(outputs.data)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        """Weights that are loaded may have learnt what is unlearnt now."""
        if name == "assign" and variable.trainable and not self._begun:
            self._always = False

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        kind, answers = self._answers.pop(first(out_keys), ("", None))
        gradient = first_gradient(gradients) if answers is not None else None
        if answers is None or gradient is None or gradient.shape != answers.shape:
            return
        find = _of_yes_and_no if kind == "sigmoid" else _of_classes
        found = find(kind, answers.astype("float64"), gradient.astype("float64"))
        if found is not None and found.each < 0:
            self._always = False  # what should be likely becomes so
        elif found is not None:
            self._found.append(found)

    def on_gradients(self, gradients: Gradients) -> None:
        self._begun = True
        if len(self._found) == 1:
            (found,) = self._found
            # Else weights that stay as they are may be misled, or it is another term that it is about.
            value = gradients.value
            whole = abs(value - found.counted) <= _REST * abs(found.counted) or not numpy.isfinite(value)
            self._always = self._always and self._used <= gradients.asked and whole
            self._course.append(found)
            origin = self.watch.origin(first(gradients.targets))
            self._place = self._place or (origin.place if origin is not None else None) or self.watch.called_at()
        elif self._found:
            self._always = False
        for each in (self._answers, self._found, self._used):
            each.clear()  # and not as a step ends, which may be as late as the next one's

    def finish(self) -> None:
        """Judge by how the likelihood went."""
        if not self._always or len(self._course) < limits.WINDOW or self.watch.training.known:
            return
        factors = [each.each for each in self._course]
        # The factor may be another one in batches that have another number of rows, which the mean divides by.
        whole = [each.counted / each.mean for each in self._course if each.mean]
        one_factor = max(factors) - min(factors) <= 1e-3 * min(factors)
        if not one_factor and not (whole and max(whole) - min(whole) <= 1e-3 * abs(min(whole))):
            return
        before, after = means_of_the_ends(numpy.array([each.mean for each in self._course]))
        if numpy.isfinite([before, after]).all() and after < _FALLS * before and not self.watch.has("loss_sign"):
            words = {"before": number(float(numpy.exp(before))), "after": number(float(numpy.exp(after)))}
            key = "loss_sign", "likelihood"
            self.tell("loss_sign.likelihood", place=self._place, key=key, perfect=before, now=after, **words)


def _of_classes(kind: str, chances: numpy.ndarray, gradient: numpy.ndarray) -> _Wanted | None:
    """Of the chances of several classes, or their logarithms; None where the loss isn't the likelihood of one a row."""
    logarithms = kind == "log_softmax"
    classes = chances.shape[-1] if chances.ndim > 1 else 0
    rows = gradient.reshape(-1, classes) if classes > 1 else gradient[:0]
    if len(rows) < _ROWS or not ((rows != 0).sum(axis=-1) == 1).all():
        return None
    chosen = rows != 0
    if (chosen.sum(axis=0) > 0).sum() < 2:
        return None  # one class for all rows: no labels of data
    picked = chances.reshape(-1, classes)[chosen]
    logs = picked if logarithms else numpy.log(numpy.maximum(picked, 1e-300))
    weights = rows[chosen] * (1.0 if logarithms else picked)
    return _wanted(weights[logs > _CLEAR], logs)


def _of_yes_and_no(kind: str, chances: numpy.ndarray, gradient: numpy.ndarray) -> _Wanted | None:
    """Of chances of yes, and 1 minus them: where it is the likelihood of what is wrong, its negative is meant."""
    clear = gradient != 0  # a clip lets nothing through for those that are surest
    clear &= numpy.minimum(chances, 1 - chances) > numpy.exp(_CLEAR)
    p, slope = chances[clear], gradient[clear]
    if p.size < _ROWS or not (slope > 0).any() or not (slope < 0).any():
        return None
    for sign in (1, -1):
        yes = gradient * sign > 0
        likely = numpy.where(yes, chances, 1 - chances)
        logs = numpy.log(numpy.maximum(likely, 1e-7))[gradient != 0]
        found = _wanted(sign * numpy.abs(slope) * likely[clear], logs)
        if found is not None:
            return found
    return None


def _wanted(weights: numpy.ndarray, values: numpy.ndarray) -> _Wanted | None:
    """None where the loss has not the same factor for all."""
    if not weights.size or not numpy.isfinite(weights).all():
        return None
    factor = float(weights.mean())
    if not factor or numpy.abs(weights - factor).max() > _EQUAL * abs(factor):
        return None
    return _Wanted(float(values.mean()), factor, factor * float(values.sum()))
