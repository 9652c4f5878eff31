"""`label_leak` along time: answers that depend on the very step that they are to predict, or labels that are copied."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.asked_again import answer_with
from viz.doctor.facts.host_arrays import host, is_variable, tensors
from viz.doctor.facts.layer_kinds import reads_onward
from viz.doctor.facts.step_facts import Loss
from viz.doctor.user_code import user_line

__all__ = ["AlongTime"]

_STEPS = (2, 20)  # in which a few rows are run again with another value in one time step
_ROWS = 8
_LENGTH = 3  # time steps, at least
_MOVES = 16  # values that differ from the one before
_SHARE = 0.9  # of these are the labels one step earlier: what is left out of the loss may be marked otherwise
_CHANGED = 1e-5  # of the size of the answers: attention over a thousand steps changes a thousandth
_ENOUGH = 3  # batches whose labels are the inputs
_ATTEND = ("TransformerEncoder", "TransformerDecoder", "MultiheadAttention")


class AlongTime(Check):
    """Compares labels of sequences with the inputs, and runs a few rows again with another value in one time step.

    Where labels are the inputs one step later, what a network gives for the step before must stay as it was: the label
    there is the value that was changed. Where they are the inputs themselves, tokens count, as an autoencoder's labels
    are its inputs, too; of several inputs, one that no position sees later steps of: then it is a decoder's.
    """

    rules = {
        "label_leak.ahead": Rule(
            "warning",
            "{model!l} is to predict the next of {steps} steps, and sees it: the labels are its inputs one step later, "
            "and another value in step {step} changes its answers for step {before} by {changed:.2g} times their size",
            "Let no step see later ones: attention(x, x, use_causal_mask=True), Conv1D(padding='causal'), a recurrent "
            "layer without Bidirectional.",
        ),
        "label_leak.copied": Rule(
            "warning",
            "the labels are the inputs themselves: at each of the {positions} positions the network is to answer with "
            "the very token that it is given there, so it learns to copy, and not which token comes next",
            "To predict the next token, shift the labels by one: fit(tokens[:, :-1], tokens[:, 1:]).",
        ),
        "label_leak.twice": Rule(
            "warning",
            "the labels are the inputs two steps later, at each of the {positions} positions: they are shifted twice, "
            "and the network learns to skip a token",
            "Shift them once: where the data set gives tokens[:-1] and tokens[1:], the loss takes all of the answers "
            "and labels as they are; models that shift labels themselves are given the tokens.",
        ),
        "label_leak.teacher": Rule(
            "warning",
            "one of the inputs of {model!l} is the labels themselves: at each of the {positions} positions its decoder "
            "reads the very answer that it is to give there, so it learns to copy",
            "Give the decoder its answers one step later: fit([source, target[:, :-1]], target[:, 1:]).",
        ),
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._called: Any = None  # the model that the program called last, and with what
        self._attends: Any = None  # the line that calls an attention, or what has one
        self._alike = self._twice = 0

    def on_call(self, opened: Any) -> None:
        if self.watch.outermost():
            self._called, self._attends = (opened.owner, opened.scope.inputs), None
        if self._attends is None and type(opened.owner).__name__.startswith(_ATTEND):
            self._attends = self.watch.innermost_user_line(opened)

    def on_loss(self, loss: Loss) -> None:
        if self._called is None or loss.labels is None or not loss.tracked:
            return
        model, given = self._called
        inputs = list({id(x): x for x in tensors(given) if x.data.ndim > 1 and not is_variable(x)}.values())
        labels = [_by_steps(loss.labels, host(x.data)) for x in inputs]
        if self.watch.step in _STEPS and len(loss.shape) > 1:
            shifted = next((x for x, y in zip(inputs, labels) if _is_shifted(host(x.data), y)), None)
            if shifted is not None:
                self._ask(model, given, shifted)
        skips = any(_skips(host(x.data), y, loss.kind) for x, y in zip(inputs, labels))
        self._twice = self._twice + 1 if skips else 0
        if self._twice == _ENOUGH:
            about = {"positions": loss.labels.size // len(labels[0]), "rows": len(labels[0]), "column": 0, "share": 1.0}
            place = user_line(loss.opened.frame, None)
            self.tell("label_leak.twice", place=place, key=("label_leak", "twice"), **about)
        same = next((x for x, y in zip(inputs, labels) if _equal(host(x.data), y, loss.shape)), None)
        self._alike = 0 if same is None else self._alike + 1
        if same is None or self._alike != _ENOUGH:
            return
        way = "copied" if loss.ours and loss.kind == "sparse" and self._onward(model, given, same) else ""
        if len(inputs) > 1:
            ends = [_changes(model, given, same, at) for at in (0, same.data.shape[1] - 1)]
            first, last = [each if each is not None else numpy.zeros(2) for each in ends]
            way = "teacher" if last[:-1].max() <= _CHANGED < min(last[-1], first[1:].max()) else ""
        if way:
            positions = loss.labels.size // len(same.data)
            about = {"model": model, "positions": positions, "rows": len(same.data), "column": 0, "share": 1.0}
            place = self.watch.called_at() if self.watch.has_tapes else user_line(loss.opened.frame, None)
            self.tell(f"label_leak.{way}", place=place, key=("label_leak", way), **about)

    @staticmethod
    def _onward(model: Any, given: Any, x: Any) -> bool:
        """Does it read from the first position to the last? Asked of what can be asked, else told by its layers."""
        if not hasattr(model, "answer_with"):
            return reads_onward(model)
        ends = [_changes(model, given, x, at) for at in (0, x.data.shape[1] - 1)]
        if ends[0] is None or ends[1] is None:
            return False
        return bool(ends[0][1:].max() > _CHANGED >= ends[1][:-1].max())

    def _ask(self, model: Any, given: Any, x: Any) -> None:
        values = host(x.data)[:_ROWS]
        other = numpy.roll(values, 1, axis=0)
        differs = (other != values).reshape(*other.shape[:2], -1).any(axis=2)
        at = 1 + int(differs.sum(axis=0)[1:].argmax())
        apart = _changes(model, given, x, at) if differs[:, at].any() else None
        if apart is not None and apart[at - 1] > _CHANGED:
            about = {"model": model, "step": at, "before": at - 1, "changed": float(apart[at - 1])}
            key, place = ("label_leak.ahead", id(model)), self._attends or self.watch.called_at()
            self.tell("label_leak.ahead", place=place, key=key, steps=values.shape[1], **about)


def _by_steps(labels: numpy.ndarray, x: numpy.ndarray) -> numpy.ndarray:
    """Labels in rows of steps, as the inputs are, where all positions of a batch stand behind each other."""
    flat = labels.ndim == 1 and x.ndim > 1 and len(labels) > len(x) and not len(labels) % len(x)
    return labels.reshape(len(x), -1) if flat else labels


def _skips(x: numpy.ndarray, labels: numpy.ndarray, kind: str) -> bool:
    """Are labels the tokens two steps later, and not one?"""
    steps = x.shape[1] - 2
    if x.ndim != 2 or kind != "sparse" or steps < _LENGTH or labels.ndim != 2 or len(labels) != len(x):
        return False
    if x.dtype.kind not in "iu" or labels.shape[1] < steps or labels.shape[1] > x.shape[1]:
        return False
    moves = x[:, 1:-1] != x[:, 2:]
    same, once = labels[:, :steps] == x[:, 2:], labels[:, :steps] == x[:, 1:-1]
    return bool(moves.sum() >= _MOVES and same[moves].mean() >= _SHARE > once[moves].mean())


def _is_shifted(x: numpy.ndarray, labels: numpy.ndarray) -> bool:
    """Are labels the inputs one step later, wherever these change from one step to the next?"""
    steps = x.shape[1] - 1
    if steps < _LENGTH - 1 or labels.ndim < 2 or len(labels) != len(x) or labels.shape[1] < steps:
        return False
    if x.ndim == 2 and labels.ndim == 3 and labels.shape[2] > 1:  # one-hot rows
        labels = labels.argmax(axis=2)
    if labels.size != len(labels) * labels.shape[1] * int(numpy.prod(x.shape[2:])):
        return False
    now, later = x[:, :-1], x[:, 1:]
    moves = now != later
    same = labels[:, :steps].reshape(later.shape) == later
    return bool(moves.sum() >= _MOVES and same[moves].mean() >= _SHARE)


def _equal(given: numpy.ndarray, labels: numpy.ndarray, answers: tuple[int, ...]) -> bool:
    """Are these tokens the labels, position by position?"""
    if len(answers) < 2 or given.ndim != 2 or given.shape[1] < _LENGTH or given.dtype.kind not in "iu":
        return False
    if any(x.size != math.prod(answers[:-1]) for x in (given, labels)):
        return False
    first, second = (x.reshape(given.shape) for x in (given, labels))
    return bool((first == second).all()) and len(numpy.unique(first)) > 2


def _changes(model: Any, given: Any, x: Any, at: int) -> numpy.ndarray | None:
    """How far a model's answers for each step change, against their size there, with another value in one step.

    None where that isn't known: a model whose calls leave something behind isn't run.
    """
    changed = host(x.data)[:_ROWS].copy()
    changed[:, at] = numpy.roll(changed[:, at], 1, axis=0)
    found = [answer_with(model, given, x, values) for values in (host(x.data)[:_ROWS], changed)]
    one, other = [None if each is None else each.astype("float64") for each in found]
    if one is None or other is None or one.ndim < 2 or one.shape[:2] != changed.shape[:2] or one.shape != other.shape:
        return None
    if not (numpy.isfinite(one).all() and numpy.isfinite(other).all()):
        return None
    sizes = numpy.abs(one).reshape(*changed.shape[:2], -1).max(axis=(0, 2))
    apart = numpy.abs(other - one).reshape(*changed.shape[:2], -1).max(axis=(0, 2))
    return numpy.asarray(apart / numpy.maximum(sizes, 1e-30))
