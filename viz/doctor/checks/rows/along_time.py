"""`label_leak` along time: answers that depend on the very step that they are to predict, or labels that are copied."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, no_grad, tree
from eagerflow.core import random
from eagerflow.core.observe import unobserved
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_tensor, is_variable, tensors
from viz.doctor.facts.layer_kinds import may_run_again, reads_onward
from viz.doctor.facts.step_facts import Loss
from viz.doctor.facts.variable_owners import layers_in

__all__ = ["AlongTime"]

_STEPS = (2, 20)  # in which a few rows are run again with another value in one time step
_ROWS = 8
_LENGTH = 3  # time steps, at least
_MOVES = 16  # values that differ from the one before
_SHARE = 0.9  # of these are the labels one step earlier: what is left out of the loss may be marked otherwise
_CHANGED = 1e-5  # of the size of the answers: attention over a thousand steps changes a thousandth
_ENOUGH = 3  # batches whose labels are the inputs


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
        self._alike = 0

    def on_call(self, opened: Any) -> None:
        if self.watch.outermost():
            self._called = opened.owner, opened.scope.inputs

    def on_loss(self, loss: Loss) -> None:
        if self._called is None or loss.labels is None or not loss.tracked:
            return
        model, given = self._called
        inputs = [x for x in tensors(given) if x.data.ndim > 1 and not is_variable(x)]
        if self.watch.step in _STEPS and len(loss.shape) > 1:
            shifted = next((x for x in inputs if _is_shifted(host(x.data), loss.labels)), None)
            if shifted is not None:
                self._ask(model, given, shifted)
        same = next((x for x in inputs if _equal(host(x.data), loss.labels, loss.shape)), None)
        self._alike = 0 if same is None else self._alike + 1
        if same is None or self._alike != _ENOUGH:
            return
        way = "copied" if loss.ours and loss.kind == "sparse" and reads_onward(model) else ""
        if len(inputs) > 1:
            ends = [_changes(model, given, same, at) for at in (0, loss.shape[1] - 1)]
            first, last = [each if each is not None else numpy.zeros(2) for each in ends]
            way = "teacher" if last[:-1].max() <= _CHANGED < min(last[-1], first[1:].max()) else ""
        if way:
            about = {"model": model, "positions": loss.shape[1], "rows": len(loss.labels), "column": 0, "share": 1.0}
            self.tell(f"label_leak.{way}", place=self.watch.called_at(), key=("label_leak", way), **about)

    def _ask(self, model: Any, given: Any, x: Any) -> None:
        values = host(x.data)[:_ROWS]
        other = numpy.roll(values, 1, axis=0)
        differs = (other != values).reshape(*other.shape[:2], -1).any(axis=2)
        at = 1 + int(differs.sum(axis=0)[1:].argmax())
        apart = _changes(model, given, x, at) if differs[:, at].any() else None
        if apart is not None and apart[at - 1] > _CHANGED:
            about = {"model": model, "step": at, "before": at - 1, "changed": float(apart[at - 1])}
            key, place = ("label_leak.ahead", id(model)), self.watch.called_at()
            self.tell("label_leak.ahead", place=place, key=key, steps=values.shape[1], **about)


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
    if len(answers) != 3 or answers[1] < _LENGTH or given.dtype.kind not in "iu":
        return False
    if any(x.size != answers[0] * answers[1] for x in (given, labels)):
        return False
    first, second = (x.reshape(answers[:2]) for x in (given, labels))
    return bool((first == second).all()) and len(numpy.unique(first)) > 2


def _changes(model: Any, given: Any, x: Any, at: int) -> numpy.ndarray | None:
    """How far a model's answers for each step change, against their size there, with another value in one step.

    Its variables stay as they are. None where that isn't known: a model whose calls leave something behind isn't run.
    """
    if not may_run_again(model):
        return None
    found, kept = [], [(v, v.data) for layer in layers_in(model) for v in layer.variables]  # replaced where it changes
    changed = host(x.data)[:_ROWS].copy()
    changed[:, at] = numpy.roll(changed[:, at], 1, axis=0)
    for values in (host(x.data)[:_ROWS], changed):

        def cut(each: Any, values: Any = values) -> Any:
            return Tensor(values if each is x else each.data[:_ROWS]) if is_tensor(each) else each

        inputs = [each for each in given if not isinstance(each, bool)]
        with unobserved(), no_grad(), random.frozen():
            made = model(*tree.map_structure(cut, inputs), training=False)
        found.append(host(made.data).astype("float64") if is_tensor(made) else numpy.empty(0))
    for variable, array in kept:
        if variable.data is not array:
            variable.data = array
    if found[0].shape[:2] != changed.shape[:2] or not numpy.isfinite(found).all():
        return None
    sizes = numpy.abs(found[0]).reshape(*changed.shape[:2], -1).max(axis=(0, 2))
    apart = numpy.abs(found[1] - found[0]).reshape(*changed.shape[:2], -1).max(axis=(0, 2))
    return apart / numpy.maximum(sizes, 1e-30)
