"""`loss_sign`: losses that are smaller the worse the answers are, likelihoods among them."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first, first_gradient, host, is_variable, tracked
from viz.doctor.facts.loss_questions import value_of
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.user_code import Place, made_at
from viz.recorder.source_lines import is_internal

__all__ = ["Likelihoods", "LossSign"]

_BOUNDED = ("softmax", "sigmoid", "hard_sigmoid")
_EQUAL = 1e-2  # by which factors of single rows may differ: something small is added before a logarithm
_CLEAR = -9.2  # logarithm of a chance, above which what is added to it (1e-7, say) changes little
_FALLS = 1.2  # times as far below 0 as at first it is in the end
_CHANCES = ("softmax", "log_softmax", "sigmoid")


class LossSign(Check):
    """Asks a loss once what it gives for perfect answers."""

    rules = {
        "loss_sign": Rule.error(
            "the loss {loss!r} is {perfect!n} for perfect answers and {now!n} for those of the network: training makes "
            "it smaller, and so the answers worse",
            "Turn the sign: return -value, or 1 - value, of what should become large.",
        )
    }

    def begin(self) -> None:
        self._asked: dict[int, int] = {}

    def on_loss(self, loss: Loss) -> None:
        labels, owner = loss.labels, loss.owner
        if owner is None or loss.ours or not loss.tracked or self._asked.get(id(owner), 0) >= 2:
            return
        if labels is None or not labels.size or labels.shape != loss.shape or numpy.array_equal(labels, loss.values):
            return
        self._asked[id(owner)] = self._asked.get(id(owner), 0) + 1
        aim = labels.astype(loss.values.dtype)
        away = loss.values - aim
        perfect, beside, near, now = (value_of(owner, aim, aim + part * away) for part in (0.0, 0.02, 0.5, 1.0))
        perfect = perfect if numpy.isfinite(perfect) else beside  # a logarithm may have no value there
        within = self.watch.made_by(loss.answers) in _BOUNDED and labels.min() >= 0 and labels.max() <= 1
        others = [near, now] if within else [near, now, value_of(owner, aim, aim - 0.5 * away)]
        if numpy.isfinite([perfect, *others]).all() and perfect > max(others) + 1e-6 * max(1.0, abs(perfect)):
            place = _written_at(owner) or made_at(owner) or self.watch.called_at()
            about = {"loss": getattr(owner, "name", ""), "perfect": perfect, "now": now}
            self.tell("loss_sign", place=place, key=("loss_sign", id(owner)), **about)


def _written_at(loss: Any) -> Place | None:
    """The line in the loss' function that returns its value, where there is one."""
    function = getattr(loss, "fn", None) or getattr(type(loss), "call", None)
    code = getattr(function, "__code__", None)
    if code is None or is_internal(code.co_filename):
        return None
    return Place(code.co_filename, max(line for _, _, line in code.co_lines() if line is not None))


class Likelihoods(Check):
    """Asks the backward pass which class of each row the loss makes less likely.

    Of a likelihood of labels, the gradient at the logarithms of the chances has the same number in one place of each
    row, and zeros beside it. This speaks only where all weights behind the answers are trained so from their beginning,
    where nothing outweighs it, and where the likelihood did fall.
    """

    rules = {
        "loss_sign.likelihood": Rule.error(
            "the loss grows with the log-likelihood of the labels, and training makes it small: the likelihood of a "
            "label fell from {before!n} to {after!n}, and the loss can fall without end",
            "Give the loss a minus sign: loss = -mean(log_likelihood); or take a loss of the library.",
        )
    }

    always = ("on_gradients",)

    def begin(self) -> None:
        self._answers: dict[int, tuple[str, numpy.ndarray]] = {}  # chances of this step, by their keys
        self._found: list[Any] = []  # mean log-likelihoods of labels, by what the loss grows with one, and how many
        self._used: set[int] = set()  # the weights that ops were given since the last gradients
        self._course: list[Any] = []
        self._always = True
        self._place: Place | None = None

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if self._always:
            self._used.update(x.identity for x in inputs if is_variable(x) and x.trainable)
            if op.means in _CHANCES and tracked(outputs):
                self._answers[outputs.key] = op.means, host(outputs.data)

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        kind, answers = self._answers.pop(first(out_keys), ("", None))
        if answers is not None:
            self._found += _asked(kind, answers.astype("float64"), first_gradient(gradients).astype("float64"))

    def on_gradients(self, gradients: Gradients) -> None:
        if len(self._found) == 1:
            mean, factor, rows = self._found[0]
            counted, value = mean * factor * rows, gradients.value
            whole = abs(value - counted) <= limits.MOST * abs(counted) or not numpy.isfinite(value)
            # Weights that stay as they are may be misled; or it is another term that the loss is about.
            self._always = self._always and self._used <= gradients.asked and whole
            self._course += self._found
            self._place = self._place or getattr(self.watch.origin(first(gradients.targets)), "place", None)
        elif self._found:
            self._always = False
        self._answers, self._found, self._used = {}, [], set()

    def finish(self) -> None:
        if not self._always or len(self._course) < limits.WINDOW or self.watch.training.known:
            return
        means, factors, rows = (numpy.array(each) for each in zip(*self._course))
        # The loss may be a mean, or a sum, of batches that have other numbers of rows.
        if not any(numpy.ptp(each) <= 1e-3 * each.min() for each in (factors, factors * rows)):
            return
        part = len(means) // 4
        before, after = float(means[:part].mean()), float(means[-part:].mean())
        if numpy.isfinite([before, after]).all() and after < _FALLS * before and not self.watch.has("loss_sign"):
            chances = {"before": float(numpy.exp(before)), "after": float(numpy.exp(after))}
            self.tell("loss_sign.likelihood", place=self._place, perfect=before, now=after, **chances)


def _asked(kind: str, chances: numpy.ndarray, gradient: numpy.ndarray) -> list[Any]:
    """What a loss asks of chances, where it is the likelihood of one class a row, with a plus; else nothing."""
    if gradient.shape != chances.shape or not chances.ndim:
        return []
    if kind == "sigmoid":  # of yes, and 1 minus them
        chances = numpy.stack([chances, 1 - chances], axis=-1)
        gradient = numpy.stack([gradient.clip(0), (-gradient).clip(0)], axis=-1)
    chosen = gradient.reshape(-1, chances.shape[-1]) != 0
    if chosen.sum() < limits.OFTEN or (chosen.sum(axis=0) > 0).sum() < 2 or (chosen.sum(axis=1) > 1).any():
        return []  # one class for all rows: no labels of data
    logs = picked = chances.reshape(chosen.shape)[chosen]
    slopes = gradient.reshape(chosen.shape)[chosen]
    if kind != "log_softmax":
        logs, slopes = numpy.log(numpy.maximum(picked, 1e-300)), slopes * picked
    clear = slopes[logs > _CLEAR]
    factor = float(clear.mean()) if clear.size else 0.0
    if not numpy.isfinite(factor) or factor <= 0 or numpy.abs(clear - factor).max() > _EQUAL * factor:
        return []
    return [(float(logs.mean()), factor, len(logs))]
