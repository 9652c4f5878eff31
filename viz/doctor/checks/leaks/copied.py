"""`label_leak.copied`: tokens that are to be answered with themselves, where the next ones were meant."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, Variable, layers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.checks.leaks.looks_ahead import sees_no_later_step
from viz.doctor.loss_questions import is_ours, loss_kind
from viz.doctor.program import layer_label
from viz.doctor.variable_owners import layers_in

__all__ = ["Copied"]

_ENOUGH = 3  # batches
_ATTENTION = (layers.MultiHeadAttention, layers.Attention)
_NARROW = (layers.RepeatVector, layers.Flatten, layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)

_FIXES = {
    "label_leak.copied": ("To predict the next token, shift the labels by one: fit(tokens[:, :-1], tokens[:, 1:])."),
    "label_leak.teacher": (
        "Give the decoder its answers one step later: it reads the start token and all but the last one, "
        "fit([source, target[:, :-1]], target[:, 1:])."
    ),
}


class Copied(Check):
    """Compares the labels of each position with what the model is given there.

    Of a single input, tokens count: an autoencoder's labels are its inputs, too. Of several, as an encoder and a
    decoder have them, one that equals the labels must let no position see later ones: then it is a decoder's.
    """

    fixes = _FIXES

    begins = ("model", "layer", "loss")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._called: Any = None
        self._given: list[Tensor] = []
        self._alike = 0

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if opened.kind in ("model", "layer"):
            if self.watch.outermost():
                self._given = [x for x in tensors(given) if x.data.ndim in (2, 3) and not isinstance(x, Variable)]
                self._called = opened.owner, given
            return
        if not self._given or not isinstance(given, tuple) or len(given) != 2:
            return
        labels, answers = given
        if not isinstance(answers, Tensor) or answers.data.ndim != 3 or answers.data.shape[1] < limits.AHEAD_LENGTH:
            return
        values = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        same = next((x for x in self._given if _equal(host(x.data), values, answers.data.shape)), None)
        self._alike = 0 if same is None else self._alike + 1
        if same is None or self._alike != _ENOUGH:
            return
        if len(self._given) == 1:
            words = same.data.dtype.kind in "iu" and is_ours(opened.owner) and loss_kind(opened.owner) == "sparse"
            if words and answers.data.shape[2] > 2 and _reads_on(self._called[0]):
                self._tell_copied(answers.data.shape[1], len(values))
        elif _reads(self._called[0]) and sees_no_later_step(self._called[0], self._called[1], same):
            self._tell_teacher(answers.data.shape[1], len(values))

    def _tell_copied(self, positions: int, rows: int) -> None:
        self.watch.report(
            "label_leak.copied",
            "warning",
            f"the labels are the inputs themselves: at each of the {positions} positions the network is to answer "
            "with the very token that it is given there, so it learns to copy, and not which token comes next",
            place=self.watch.called_at(),
            key=("label_leak", "copied"),
            evidence={"share": 1.0, "rows": rows, "column": 0},
        )

    def _tell_teacher(self, positions: int, rows: int) -> None:
        self.watch.report(
            "label_leak.teacher",
            "warning",
            f"one of the {len(self._given)} inputs of {layer_label(self._called[0])!r} is the labels themselves: at "
            f"each of the {positions} positions its decoder reads the very answer that it is to give there, so it "
            "learns to copy, and needs neither what came before nor the other input",
            place=self.watch.called_at(),
            key=("label_leak", "teacher"),
            evidence={"share": 1.0, "rows": rows, "column": 0},
        )


def _equal(given: numpy.ndarray, labels: numpy.ndarray, answers: tuple[int, ...]) -> bool:
    """Are these the labels, position by position? Numbers of classes count as their one-hot rows."""
    if given.shape[:2] != answers[:2] or given.dtype.kind not in "fiu" or labels.dtype.kind not in "fiub":
        return False
    if given.ndim == 3 and given.shape == labels.shape:
        return bool((given == labels).all()) and bool((given != given[:, :1]).any())
    both = [x.argmax(axis=2) if x.ndim == 3 and x.shape[2] > 1 else x for x in (given, labels)]
    if both[0].size != both[1].size or both[0].ndim > 3:
        return False
    first, second = (x.reshape(answers[:2]) if x.size == answers[0] * answers[1] else None for x in both)
    if first is None or second is None:
        return False
    return bool((first == second).all()) and len(numpy.unique(first)) > 2


def _reads(model: Any) -> bool:
    """Does a model read sequences? One that looks at each step alone may well be an autoencoder of single steps."""
    return any(isinstance(layer, (layers.RNN, *_ATTENTION)) for layer in layers_in(model))


def _reads_on(model: Any) -> bool:
    """Does a model read from the first position to the last, and hand on what it knows at each of them?

    One that hands a whole sequence on as one vector, as an autoencoder does, has something to learn; and one that
    looks at each token alone can't be meant to know the next.
    """
    inner = layers_in(model)
    both_ways = {id(each) for layer in inner if isinstance(layer, layers.Bidirectional) for each in layers_in(layer)}
    one_way = [layer for layer in inner if isinstance(layer, (layers.RNN, *_ATTENTION)) and id(layer) not in both_ways]
    narrow = any(isinstance(layer, _NARROW) or not getattr(layer, "return_sequences", True) for layer in inner)
    return bool(one_way) and not narrow
