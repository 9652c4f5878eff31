"""`loss_sign`: a loss of the user's own that is smaller the worse the answers are."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, no_grad
from eagerflow.core.observe import unobserved
from viz.doctor.check_base import Check, host, number
from viz.doctor.checks.losses import is_ours
from viz.doctor.user_code import Place, made_at
from viz.recorder.source_lines import is_internal

__all__ = ["LossSign"]

_BOUNDED = ("softmax", "sigmoid", "hard_sigmoid")


class LossSign(Check):
    """Asks a loss once what it gives for perfect answers."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._asked: dict[int, int] = {}

    def on_scope_begin(self, opened: Any) -> None:
        given, loss = opened.scope.inputs, opened.owner
        if opened.kind != "loss" or loss is None or is_ours(loss) or self._asked.get(id(loss), 0) >= 2:
            return
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if not isinstance(predicted, Tensor) or predicted.key is None:
            return
        labels = host(given[0].data if isinstance(given[0], Tensor) else numpy.asarray(given[0]))
        answers = host(predicted.data)
        if labels.shape != answers.shape or labels.dtype.kind not in "fiub" or not labels.size:
            return
        self._asked[id(loss)] = self._asked.get(id(loss), 0) + 1
        self._judge(loss, labels.astype(answers.dtype), answers, self.watch.made_by(predicted) in _BOUNDED)

    def _judge(self, loss: Any, labels: numpy.ndarray, answers: numpy.ndarray, bounded: bool) -> None:
        if numpy.array_equal(labels, answers):
            return
        toward = answers - labels
        with unobserved(), no_grad():
            perfect, now = _value(loss, labels, labels), _value(loss, labels, answers)
            beyond = _value(loss, labels, labels - 0.5 * toward)
            near = _value(loss, labels, labels + 0.5 * toward)
        if not numpy.isfinite([perfect, now, beyond, near]).all():
            return
        within = bounded and labels.min() >= 0 and labels.max() <= 1
        margin = 1e-6 * max(1.0, abs(perfect))
        wrong = perfect > now + margin and perfect > near + margin and (within or perfect > beyond + margin)
        if not wrong:
            return
        self.watch.report(
            "loss_sign",
            "error",
            f"the loss {getattr(loss, 'name', '')!r} is {number(perfect)} for perfect answers and {number(now)} for "
            "those of "
            "the network, which are wrong: training makes the loss smaller, and so the answers worse",
            place=_written_at(loss) or made_at(loss) or self.watch.called_at(),
            key=("loss_sign", id(loss)),
            evidence={"perfect": perfect, "now": now},
        )


def _value(loss: Any, labels: numpy.ndarray, answers: numpy.ndarray) -> float:
    try:
        with numpy.errstate(all="ignore"):
            result = loss(Tensor(labels), Tensor(answers))
    except Exception:  # noqa: BLE001  (a loss that needs more than labels and answers can't be asked)
        return float("nan")
    return float(host(result.data if isinstance(result, Tensor) else numpy.asarray(result)).mean())


def _written_at(loss: Any) -> Place | None:
    """The line in the loss' function that returns its value, where there is one."""
    function = getattr(loss, "fn", None) or getattr(type(loss), "call", None)
    code = getattr(function, "__code__", None)
    if code is None or is_internal(code.co_filename):
        return None
    return Place(code.co_filename, max(line for _, _, line in code.co_lines() if line is not None))
