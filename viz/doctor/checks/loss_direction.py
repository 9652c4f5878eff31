"""`loss_sign`: a loss of the user's own that is smaller the worse the answers are."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.loss_questions import value_of
from viz.doctor.facts.step_facts import Loss
from viz.doctor.user_code import Place, made_at
from viz.recorder.source_lines import is_internal

__all__ = ["LossSign"]

_BOUNDED = ("softmax", "sigmoid", "hard_sigmoid")
_OTHERS = 8  # wrong classes that are tried in place of the right ones


class LossSign(Check):
    """Asks a loss once what it gives for perfect answers."""

    rules = {
        "loss_sign": Rule(
            "error",
            "the loss {loss!r} is {perfect!n} for perfect answers and {now!n} for those of the network, which are "
            "wrong: training makes the loss smaller, and so the answers worse",
            "Turn the sign: return -value, or 1 - value, of what should become large.",
        )
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._asked: dict[int, int] = {}

    def on_loss(self, loss: Loss) -> None:
        labels, owner = loss.labels, loss.owner
        if owner is None or loss.ours or not loss.tracked or self._asked.get(id(owner), 0) >= 2:
            return
        if labels is None or not labels.size:
            return
        self._asked[id(owner)] = self._asked.get(id(owner), 0) + 1
        made_by = self.watch.made_by(loss.answers)
        if labels.shape == loss.shape:
            self._judge(owner, labels.astype(loss.values.dtype), loss.values, made_by in _BOUNDED)
        elif made_by == "softmax":
            self._judge_classes(owner, labels, loss.values)

    def _judge(self, loss: Any, labels: numpy.ndarray, answers: numpy.ndarray, bounded: bool) -> None:
        if numpy.array_equal(labels, answers):
            return
        within = bounded and labels.min() >= 0 and labels.max() <= 1
        perfect, near, now = _on_the_way(loss, labels, labels, answers)
        beyond = near if within else value_of(loss, labels, labels - 0.5 * (answers - labels))
        if _worse(perfect, [near, now, beyond]):
            self._tell("loss_sign", loss, perfect, now)

    def _judge_classes(self, loss: Any, labels: numpy.ndarray, answers: numpy.ndarray) -> None:
        """The same for numbers of classes: the right class has to be the worst of several, or it may be another's."""
        classes = answers.shape[-1]
        numbers = labels.reshape(-1).astype("int64")
        whole = numpy.array_equal(numbers, labels.reshape(-1)) and numbers.min() >= 0 and numbers.max() < classes
        if not whole or numbers.size * classes != answers.size:
            return
        one_hot = numpy.eye(classes, dtype=answers.dtype)
        shifts = range(1, min(classes, _OTHERS + 1))
        right = one_hot[numbers].reshape(answers.shape)
        perfect, near, now = _on_the_way(loss, labels, right, answers)
        if not _worse(perfect, [near, now]):
            return
        wrong = [one_hot[(numbers + k) % classes].reshape(answers.shape) for k in shifts]
        others = [_on_the_way(loss, labels, each, answers)[0] for each in wrong]
        if _worse(perfect, others):
            self._tell("loss_sign", loss, perfect, now)

    def _tell(self, rule: str, loss: Any, perfect: float, now: float, **about: Any) -> None:
        place = _written_at(loss) or made_at(loss) or self.watch.called_at()
        about |= {"loss": getattr(loss, "name", ""), "perfect": perfect, "now": now}
        self.tell(rule, place=place, key=("loss_sign", id(loss)), **about)


def _on_the_way(
    loss: Any, labels: numpy.ndarray, aim: numpy.ndarray, answers: numpy.ndarray
) -> tuple[float, float, float]:
    """The loss of perfect answers (or, where it has no value there, right beside them), half way, and now."""
    perfect, beside, near, now = (
        value_of(loss, labels, aim + part * (answers - aim)) for part in (0.0, 0.02, 0.5, 1.0)
    )
    return perfect if numpy.isfinite(perfect) else beside, near, now


def _worse(perfect: float, others: list[float]) -> bool:
    """Is the loss of perfect answers larger than all others, beyond rounding?"""
    finite = bool(numpy.isfinite([perfect, *others]).all())
    return finite and perfect > max(others) + 1e-6 * max(1.0, abs(perfect))


def _written_at(loss: Any) -> Place | None:
    """The line in the loss' function that returns its value, where there is one."""
    function = getattr(loss, "fn", None) or getattr(type(loss), "call", None)
    code = getattr(function, "__code__", None)
    if code is None or is_internal(code.co_filename):
        return None
    return Place(code.co_filename, max(line for _, _, line in code.co_lines() if line is not None))
