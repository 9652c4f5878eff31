"""`label_leak`: a column of the inputs, or one step of sequences, that is the label; answers that see it ahead."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.asked_again import changes_with
from viz.doctor.facts.host_arrays import host, is_variable, tensors
from viz.doctor.facts.layer_kinds import reads_onward
from viz.doctor.facts.step_facts import Loss
from viz.doctor.user_code import user_line
from viz.frameworks.contract import Tensor
from viz.recorder.descriptions import flat
from viz.recorder.names.input_names import names_of_outputs

__all__ = ["AlongTime", "LabelLeak"]

_CLASSES = 20  # whole numbers of more kinds are amounts
_ROUNDING = 1e-9  # float32 columns that were scaled keep their correlation to 1e-13
_ELEMENTS = 4_000_000  # of rows that are kept: fewer of wide ones, as long sequences are
_COLUMNS = 10_000
_STEPS = (2, 20)  # in which a few rows are run again with another value in one time step
_ASKED_ROWS = 8
_MOVES = 16  # values that differ from the one before
_CHANGED = 1e-5  # of the size of the answers: attention over a thousand steps changes a thousandth
_ATTEND = ("TransformerEncoder", "TransformerDecoder", "MultiheadAttention")


class _Rows:
    """Rows of inputs with their labels, as one loss got them."""

    def __init__(self, place: Any, output: str, steps: tuple[int, int] | None) -> None:
        self.place = place  # where the loss was asked for
        self.output = output  # that the labels belong to; empty for the only one
        self.steps = steps  # time steps and features, where the columns are those of sequences
        self.parts: list[tuple[numpy.ndarray, numpy.ndarray]] = []
        self.count = 0

    def named(self, column: int) -> str:
        """A column, in words."""
        if self.steps is None:
            return f"column {column} of the inputs"
        step, feature = divmod(column, self.steps[1])
        return f"feature {feature} in time step {step} of the inputs' {self.steps[0]}"


class LabelLeak(Check):
    """Keeps rows of the steps that are looked at closely, and compares columns with labels in the end.

    Tables are meant, with a label for each row: a network that has nothing to learn but which column to copy looks
    better than any other, until it is asked about rows whose label isn't known. Of sequences, each feature of each
    time step is a column, or each time step is a row where it has a label of its own.
    """

    rules = {
        "label_leak": Rule.warning(
            "{where} {how}, in all {rows} rows looked at",
            "Leave that column out: x = numpy.delete(x, column, axis=1). What is made of the label, or known only "
            "after it, isn't there when the network is asked about new rows.",
        ),
        "label_leak.time_step": Rule.warning(
            "{where} {how}, in all {rows} rows looked at",
            "End each window before what is to be predicted: x[:, :-1], or labels from the step after the last one. "
            "What is known only with the label isn't there when the network is asked about new data.",
        ),
    }

    def begin(self) -> None:
        self._made: dict[int, Any] = {}  # what models made in this step outside of the tape, and what became of it
        self._inputs: list[numpy.ndarray] = []
        self._outputs: list[tuple[str, Any]] = []
        self._rows: dict[tuple[Any, str], _Rows] = {}  # by the loss and the output

    def on_answer(self, opened: Any, outputs: Any) -> None:
        given = tensors(opened.scope.inputs)
        if any(id(x) in self._made for x in given):  # a generator's rows, say, which are told from real ones
            self._inputs = []
            return
        self._made.update({id(x): x for x in tensors(outputs) if x.key is None})
        tables = all(x.key is None and not is_variable(x) and x.data.ndim in (2, 3) for x in given)
        self._inputs = [host(x.data) for x in given] if given and tables else []
        self._outputs = names_of_outputs(opened.owner, outputs) if self._inputs else []

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """Follow what models made: rows of it may be put between rows of data."""
        if self._made and error is None and any(id(x) in self._made for x in flat(list(inputs))):
            self._made.update({id(x): x for x in tensors(outputs) if x.key is None})

    def on_loss(self, loss: Loss) -> None:
        if self._inputs and loss.tracked and loss.labels is not None:
            self._keep(id(loss.owner), loss.labels, loss.answers)

    def _keep(self, loss: Any, labels: numpy.ndarray, predicted: Tensor) -> None:
        """Keep the rows of this step, with the labels that a loss was given."""
        if labels.dtype.kind not in "fiub" or any(x.dtype.kind not in "fiub" for x in self._inputs):
            return
        alike = labels.ndim and all(len(x) == len(labels) for x in self._inputs)
        columns, steps = _columns(self._inputs, labels) if alike else (None, None)
        if columns is None:
            return
        output = next((name for name, x in self._outputs if x is predicted), "")
        kept = self._rows.setdefault((loss, output), _Rows(self.watch.called_at(), output, steps))
        enough = kept.count * columns.shape[1] >= _ELEMENTS or kept.count >= limits.OVERLAP_LOOKED
        if not enough and len(self._rows) <= limits.ANSWERS_LOSSES:
            labels = labels.reshape(-1) if len(columns) > len(labels) else labels
            kept.parts.append((columns.astype("float64"), labels.copy()))
            kept.count += len(columns)

    def on_step_end(self) -> None:
        self._inputs, self._outputs = [], []
        self._made.clear()

    def finish(self) -> None:
        for key, kept in self._rows.items():
            if len({(x.shape[1:], y.shape[1:]) for x, y in kept.parts}) != 1:
                continue
            inputs, labels = (numpy.concatenate(part) for part in zip(*kept.parts))
            y = _one_each(labels)
            _, at = numpy.unique(inputs, axis=0, return_index=True)  # rows come again in each epoch
            if y is not None and len(at) >= limits.MANY and numpy.isfinite(inputs).all():
                self._judge(key, kept, inputs[at], y[at])

    def _judge(self, key: tuple[Any, str], kept: _Rows, inputs: numpy.ndarray, y: numpy.ndarray) -> None:
        kinds, counts = numpy.unique(y, return_counts=True)
        classes = len(kinds) <= _CLASSES and bool((kinds == kinds.round()).all())
        if len(kinds) < 2 or not numpy.isfinite(kinds).all() or (classes and counts.min() < limits.FEW_ROWS):
            return
        alike = _correlations(inputs, y)
        column, of_output = int(alike.argmax()), f" of output {kept.output!r}" if kept.output else ""
        how = f"is the label{of_output}{'' if numpy.array_equal(inputs[:, column], y) else ' in another unit'}"
        if alike[column] < 1 - _ROUNDING:
            named = [i for i, each in enumerate(inputs.T) if _names(each, y, len(kinds))] if classes else []
            if not named:
                return
            column, how = named[0], f"has a value of its own for each class{of_output}, always the same"
        last = kept.steps is None or column // kept.steps[1] == kept.steps[0] - 1
        rule = "label_leak" if kept.steps is None else "label_leak.time_step"
        about = {"column": column, "rows": len(y), "correlation": float(alike[column])}
        about |= {"of_others": float(numpy.delete(alike, column).max())}
        at, where = {"place": kept.place, "key": ("label_leak", key)}, kept.named(column)
        severity = "warning" if last else "info"  # what comes earlier may be to be remembered
        self.tell(rule, severity, where=where, how=how, **at, **about)


def _columns(inputs: list[numpy.ndarray], labels: numpy.ndarray) -> tuple[numpy.ndarray | None, tuple[int, int] | None]:
    """The inputs as a table, and the time steps and features that its columns are; None where it is too wide."""
    width = sum(int(numpy.prod(x.shape[1:])) for x in inputs)
    first = inputs[0].shape
    if len(inputs) > 1 or len(first) == 2:
        steps = None
        if any(x.ndim > 2 for x in inputs):
            return None, None
    elif labels.shape[:2] == first[:2] and labels.size == first[0] * first[1] and first[1] > 1:
        return (inputs[0].reshape(-1, first[2]), None) if first[2] > 1 else (None, None)
    else:
        steps = (first[1], first[2]) if first[1] > 1 else None
    if not 1 < width <= _COLUMNS:
        return None, None
    return numpy.concatenate([x.reshape(len(x), -1) for x in inputs], axis=1), steps


def _one_each(labels: numpy.ndarray) -> numpy.ndarray | None:
    """A number for each row, which of one-hot rows is that of the class; None for any other labels."""
    rows = labels.reshape(len(labels), -1).astype("float64")
    if rows.shape[1] == 1:
        return rows[:, 0]
    one_hot = ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()
    return rows.argmax(axis=1).astype("float64") if one_hot else None


def _correlations(inputs: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """How nearly each column is the label times a number, plus another: 1 where it is, to the last digits."""
    columns, centred = inputs - inputs.mean(axis=0), y - y.mean()
    sizes = numpy.sqrt((columns * columns).sum(axis=0) * (centred @ centred))
    with numpy.errstate(all="ignore"):
        return numpy.nan_to_num(numpy.abs(centred @ columns) / sizes)


def _names(column: numpy.ndarray, y: numpy.ndarray, classes: int) -> bool:
    """Does a column have one value for each class, and no class two of them?"""
    values = numpy.unique(column)
    return len(values) == classes and len(numpy.unique(numpy.stack([column, y]), axis=1).T) == classes


class AlongTime(Check):
    """Compares labels of sequences with the inputs, and runs a few rows again with another value in one time step.

    Where labels are the inputs one step later, what a network gives for the step before must stay as it was: the label
    there is the value that was changed. Where they are the inputs themselves, tokens count, as an autoencoder's labels
    are its inputs, too.
    """

    rules = {
        "label_leak.ahead": Rule.warning(
            "{model!l} is to predict the next of {steps} steps, and sees it: the labels are its inputs one step later, "
            "and another value in step {step} changes its answers for step {before} by {changed:.2g} times their size",
            "Let no step see later ones: attention(x, x, use_causal_mask=True), Conv1D(padding='causal'), a recurrent "
            "layer without Bidirectional.",
        ),
        "label_leak.copied": Rule.warning(
            "the labels are the inputs themselves: at each of the {positions} positions the network is to answer with "
            "the very token that it is given there, so it learns to copy, and not which token comes next",
            "To predict the next token, shift the labels by one: fit(tokens[:, :-1], tokens[:, 1:]).",
        ),
        "label_leak.twice": Rule.warning(
            "the labels are the inputs two steps later, at each of the {positions} positions: they are shifted twice, "
            "and the network learns to skip a token",
            "Shift them once: where the data set gives tokens[:-1] and tokens[1:], the loss takes all of the answers "
            "and labels as they are; models that shift labels themselves are given the tokens.",
        ),
    }

    def begin(self) -> None:
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
        if self._twice == limits.AGAIN:
            about = {"positions": loss.labels.size // len(labels[0]), "rows": len(labels[0]), "column": 0, "share": 1.0}
            place = user_line(loss.opened.frame, None)
            self.tell("label_leak.twice", place=place, key=("label_leak", "twice"), **about)
        same = next((x for x, y in zip(inputs, labels) if _equal(host(x.data), y, loss.shape)), None)
        self._alike = 0 if same is None else self._alike + 1
        if same is None or self._alike != limits.AGAIN:
            return
        if len(inputs) == 1 and loss.ours and loss.kind == "sparse" and self._onward(model, given, same):
            about = {"positions": loss.labels.size // len(same.data), "rows": len(same.data), "column": 0, "share": 1.0}
            place = self.watch.called_at() if self.watch.has_tapes else user_line(loss.opened.frame, None)
            self.tell("label_leak.copied", place=place, key=("label_leak", "copied"), **about)

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
        values = host(x.data)[:_ASKED_ROWS]
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
    if x.ndim != 2 or kind != "sparse" or steps < limits.AGAIN or labels.ndim != 2 or len(labels) != len(x):
        return False
    if x.dtype.kind not in "iu" or labels.shape[1] < steps or labels.shape[1] > x.shape[1]:
        return False
    moves = x[:, 1:-1] != x[:, 2:]
    same, once = labels[:, :steps] == x[:, 2:], labels[:, :steps] == x[:, 1:-1]
    return bool(moves.sum() >= _MOVES and same[moves].mean() >= limits.NEARLY_ALL > once[moves].mean())


def _is_shifted(x: numpy.ndarray, labels: numpy.ndarray) -> bool:
    """Are labels the inputs one step later, wherever these change from one step to the next?"""
    steps = x.shape[1] - 1
    if steps < limits.AGAIN - 1 or labels.ndim < 2 or len(labels) != len(x) or labels.shape[1] < steps:
        return False
    if x.ndim == 2 and labels.ndim == 3 and labels.shape[2] > 1:  # one-hot rows
        labels = labels.argmax(axis=2)
    if labels.size != len(labels) * labels.shape[1] * int(numpy.prod(x.shape[2:])):
        return False
    now, later = x[:, :-1], x[:, 1:]
    moves = now != later
    same = labels[:, :steps].reshape(later.shape) == later
    return bool(moves.sum() >= _MOVES and same[moves].mean() >= limits.NEARLY_ALL)


def _equal(given: numpy.ndarray, labels: numpy.ndarray, answers: tuple[int, ...]) -> bool:
    """Are these tokens the labels, position by position?"""
    if len(answers) < 2 or given.ndim != 2 or given.shape[1] < limits.AGAIN or given.dtype.kind not in "iu":
        return False
    if any(x.size != math.prod(answers[:-1]) for x in (given, labels)):
        return False
    first, second = (x.reshape(given.shape) for x in (given, labels))
    return bool((first == second).all()) and len(numpy.unique(first)) > 2


def _changes(model: Any, given: Any, x: Any, at: int) -> numpy.ndarray | None:
    """How far a model's answers for each step change, against their size there, with another value in one step.

    None where that isn't known: a model whose calls leave something behind isn't run.
    """
    values = host(x.data)[:_ASKED_ROWS]
    changed = values.copy()
    changed[:, at] = numpy.roll(changed[:, at], 1, axis=0)
    found = changes_with(model, given, x, values, changed)
    if found is None or found[0].ndim < 2 or found[0].shape[:2] != changed.shape[:2]:
        return None
    sizes, apart = (numpy.abs(each).reshape(*changed.shape[:2], -1).max(axis=(0, 2)) for each in found)
    return numpy.asarray(apart / numpy.maximum(sizes, 1e-30))
