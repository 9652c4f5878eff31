"""`loss_sign.likelihood`, `.cosine`: likelihoods and similarities, written by hand, that training makes small."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first, first_gradient, host, means_of_the_ends, number, total
from viz.doctor.user_code import Place

__all__ = ["Likelihoods"]

_CHANCES = ("softmax", "log_softmax", "sigmoid")
_LIKELIHOOD, _COSINE = "likelihood", "cosine"


class _Wanted(NamedTuple):
    """What the loss asks of the answers: labels are to be this likely, or this similar."""

    what: str
    mean: float  # the mean of the logarithms of the chances of the labels; of the cosines
    each: float  # by what the loss grows with one of them
    counted: float  # what they make of the loss


class Likelihoods(Check):
    """Asks the backward pass which class of each row the loss makes more likely, or less.

    Of a likelihood of labels, the gradient at the logarithms of the chances has the same number in one place of each
    row, and zeros beside it; at the chances themselves it is that number divided by them. A policy's gradient has a
    number for each row, an entropy's is the chances, a density's has no zeros: these are something else. As in
    `turned.py`, this speaks only where all the weights behind the answers are trained so from their beginning, where
    nothing outweighs it, and where the likelihood did fall. So it is with cosines of rows and labels of length 1.
    """

    always = ("on_gradient",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._answers: dict[int, tuple[str, numpy.ndarray]] = {}  # of this step, by their keys: chances, or cosines
        self._found: list[_Wanted] = []
        self._used: set[int] = set()  # the weights that ops were given since the last gradients
        self._course: list[_Wanted] = []
        self._always = True
        self._begun = False
        self._place: Place | None = None

    # ------------------------------------------------------------------ what is computed

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if not self._always:
            return
        self._used.update(x.identity for x in inputs if isinstance(x, Variable) and x.trainable)
        key = outputs.key if isinstance(outputs, Tensor) else None
        if key is None or not outputs.data.size:
            return
        if op.name in _CHANCES:
            self._answers[key] = op.name, host(outputs.data)
        elif op.name == "multiply" and not self.watch.inside("layer", "metric") and _are_of_length_1(inputs):
            self._answers[key] = _COSINE, host(outputs.data)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        """Weights that are loaded may have learnt what is unlearnt now."""
        if name == "assign" and variable.trainable and not self._begun:
            self._always = False

    # ------------------------------------------------------------------ what is differentiated

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        kind, answers = self._answers.pop(first(out_keys), ("", None))
        gradient = first_gradient(gradients) if answers is not None else None
        if answers is None or gradient is None or gradient.shape != answers.shape:
            return
        found = _OF_KIND.get(kind, _of_classes)(kind, answers.astype("float64"), gradient.astype("float64"))
        if found is not None and found.each < 0:
            self._always = False  # what should be likely becomes so
        elif found is not None:
            self._found.append(found)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        asked = {source.identity for source in sources if isinstance(source, Variable)}
        self._begun = True
        if len(self._found) == 1:
            (found,) = self._found
            # Else weights that stay as they are may be misled, or it is another term that it is about.
            whole = abs(total(targets) - found.counted) <= limits.LIKELIHOOD_REST * abs(found.counted)
            self._always = self._always and self._used <= asked and (whole or not numpy.isfinite(total(targets)))
            self._course.append(found)
            origin = self.watch.origin(first(targets))
            self._place = self._place or (origin.place if origin is not None else None) or self.watch.called_at()
        elif self._found:
            self._always = False
        for each in (self._answers, self._found, self._used):
            each.clear()  # and not as a step ends, which may be as late as the next one's gradients

    # ------------------------------------------------------------------ judging

    def finish(self) -> None:
        """Judge by how the likelihood went."""
        if not self._always or len(self._course) < limits.WINDOW or self.watch.training.known:
            return
        kinds, factors = {each.what for each in self._course}, [each.each for each in self._course]
        one_factor = max(factors) - min(factors) <= 1e-3 * min(factors) or self._of_rows()
        if len(kinds) > 1 or not one_factor:
            return
        first_mean, last_mean = means_of_the_ends(numpy.array([each.mean for each in self._course]))
        if self.watch.has("loss_sign") or not numpy.isfinite([first_mean, last_mean]).all():
            return
        if kinds == {_COSINE} and first_mean - last_mean > limits.COSINE_FALLS:
            told = (
                "the loss grows with the cosine of answers and labels, and training makes it small: the cosine fell "
                f"from {number(first_mean)} to {number(last_mean)}, so the answers point away from the labels"
            )
            self._tell("loss_sign.cosine", told, first_mean, last_mean)
        elif kinds == {_LIKELIHOOD} and last_mean < limits.LIKELIHOOD_FALLS * first_mean:
            told = (
                "the loss grows with the log-likelihood of the labels, and training makes it small: the likelihood of "
                f"a label fell from {number(float(numpy.exp(first_mean)))} to {number(float(numpy.exp(last_mean)))}, "
                "and the loss can fall without end"
            )
            self._tell("loss_sign.likelihood", told, first_mean, last_mean)

    def _of_rows(self) -> bool:
        """Is the factor another one only in batches that have another number of rows, which the mean divides by?"""
        whole = [each.counted / each.mean for each in self._course if each.mean]
        return bool(whole) and max(whole) - min(whole) <= 1e-3 * abs(min(whole))

    def _tell(self, rule: str, message: str, perfect: float, now: float) -> None:
        evidence = {"perfect": perfect, "now": now}
        self.watch.report(rule, "error", message, place=self._place, key=("loss_sign", "likelihood"), evidence=evidence)


def _of_classes(kind: str, chances: numpy.ndarray, gradient: numpy.ndarray) -> _Wanted | None:
    """Of the chances of several classes, or their logarithms; None where the loss isn't the likelihood of one a row."""
    logarithms = kind == "log_softmax"
    classes = chances.shape[-1] if chances.ndim > 1 else 0
    rows = gradient.reshape(-1, classes) if classes > 1 else gradient[:0]
    if len(rows) < limits.LIKELIHOOD_ROWS or not ((rows != 0).sum(axis=-1) == 1).all():
        return None
    chosen = rows != 0
    if (chosen.sum(axis=0) > 0).sum() < 2:
        return None  # one class for all rows: no labels of data
    picked = chances.reshape(-1, classes)[chosen]
    logs = picked if logarithms else numpy.log(numpy.maximum(picked, 1e-300))
    weights = rows[chosen] * (1.0 if logarithms else picked)
    return _wanted(weights[logs > limits.LIKELIHOOD_CLEAR], logs)


def _of_yes_and_no(kind: str, chances: numpy.ndarray, gradient: numpy.ndarray) -> _Wanted | None:
    """Of chances of yes, and 1 minus them: where it is the likelihood of what is wrong, its negative is meant."""
    clear = gradient != 0  # a clip lets nothing through for those that are surest
    clear &= numpy.minimum(chances, 1 - chances) > numpy.exp(limits.LIKELIHOOD_CLEAR)
    p, slope = chances[clear], gradient[clear]
    if p.size < limits.LIKELIHOOD_ROWS or not (slope > 0).any() or not (slope < 0).any():
        return None
    for sign in (1, -1):
        yes = gradient * sign > 0
        likely = numpy.where(yes, chances, 1 - chances)
        logs = numpy.log(numpy.maximum(likely, 1e-7))[gradient != 0]
        found = _wanted(sign * numpy.abs(slope) * likely[clear], logs)
        if found is not None:
            return found
    return None


def _of_cosines(kind: str, products: numpy.ndarray, gradient: numpy.ndarray) -> _Wanted | None:
    each = products.sum(axis=-1).reshape(-1)
    found = _wanted(gradient.reshape(-1), each)
    return None if found is None else found._replace(what=_COSINE)


def _wanted(weights: numpy.ndarray, values: numpy.ndarray) -> _Wanted | None:
    """None where the loss has not the same factor for all."""
    if not weights.size or not numpy.isfinite(weights).all():
        return None
    factor = float(weights.mean())
    if not factor or numpy.abs(weights - factor).max() > limits.LIKELIHOOD_EQUAL * abs(factor):
        return None
    return _Wanted(_LIKELIHOOD, float(values.mean()), factor, factor * float(values.sum()))


_OF_KIND = {"sigmoid": _of_yes_and_no, _COSINE: _of_cosines}


def _are_of_length_1(pair: Any) -> bool:
    """Are these rows of answers and, of the same shape, rows of data, all of length 1?"""
    known = [isinstance(x, Tensor) and x.key is not None for x in pair[:2]]
    if len(pair) < 2 or known[0] == known[1] or any(isinstance(x, Variable) for x in pair):
        return False
    rows = [host(x.data if isinstance(x, Tensor) else numpy.asarray(x)) for x in pair[:2]]
    if rows[0].shape != rows[1].shape or rows[0].ndim < 2 or rows[0].shape[-1] < 2:
        return False
    lengths = [numpy.square(each.astype("float64")).sum(axis=-1) for each in rows]
    return all(bool((abs(each - 1) <= limits.COSINE_LENGTH).all()) for each in lengths)
