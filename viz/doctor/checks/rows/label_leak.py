"""`label_leak`: a column of the inputs, or one step of sequences, that is the label."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_variable, tensors
from viz.doctor.facts.step_facts import Loss
from viz.frameworks.contract import Tensor
from viz.recorder.descriptions import flat
from viz.recorder.names.input_names import names_of_outputs

__all__ = ["LabelLeak"]

_LOOKED = 2000
_ROWS = 100  # different ones; of fewer, a column may tell the classes by chance
_CLASSES = 20  # whole numbers of more kinds are amounts
_OF_CLASS = 10  # rows of each class
_ROUNDING = 1e-9  # float32 columns that were scaled keep their correlation to 1e-13
_ELEMENTS = 4_000_000  # of rows that are kept: fewer of wide ones, as long sequences are
_COLUMNS = 10_000


class _Rows:
    """Rows of inputs with their labels, as one loss got them.

    Args:
        place: where the loss was asked for.
        output: the name of the output that the labels belong to; empty for the only one.
        steps: time steps and features, where the columns are those of sequences.
    """

    def __init__(self, place: Any, output: str, steps: tuple[int, int] | None) -> None:
        self.place, self.output, self.steps = place, output, steps
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
        "label_leak": Rule(
            "warning",
            "{where} {how}, in all {rows} rows looked at",
            "Leave that column out: x = numpy.delete(x, column, axis=1). What is made of the label, or known only "
            "after it, isn't there when the network is asked about new rows.",
        ),
        "label_leak.time_step": Rule(
            "warning",
            "{where} {how}, in all {rows} rows looked at",
            "End each window before what is to be predicted: x[:, :-1], or labels from the step after the last one. "
            "What is known only with the label isn't there when the network is asked about new data.",
        ),
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
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
        enough = kept.count * columns.shape[1] >= _ELEMENTS or kept.count >= _LOOKED
        if not enough and len(self._rows) <= limits.ANSWERS_LOSSES:
            labels = labels.reshape(-1) if len(columns) > len(labels) else labels
            kept.parts.append((columns.astype("float64"), labels.copy()))
            kept.count += len(columns)

    def on_step_end(self) -> None:
        self._inputs, self._outputs = [], []
        self._made.clear()

    def finish(self) -> None:
        """Compare each column with the labels."""
        for key, kept in self._rows.items():
            if len({(x.shape[1:], y.shape[1:]) for x, y in kept.parts}) != 1:
                continue
            inputs, labels = (numpy.concatenate(part) for part in zip(*kept.parts))
            y = _one_each(labels)
            _, at = numpy.unique(inputs, axis=0, return_index=True)  # rows come again in each epoch
            if y is not None and len(at) >= _ROWS and numpy.isfinite(inputs).all():
                self._judge(key, kept, inputs[at], y[at])

    def _judge(self, key: tuple[Any, str], kept: _Rows, inputs: numpy.ndarray, y: numpy.ndarray) -> None:
        kinds, counts = numpy.unique(y, return_counts=True)
        classes = len(kinds) <= _CLASSES and bool((kinds == kinds.round()).all())
        if len(kinds) < 2 or not numpy.isfinite(kinds).all() or (classes and counts.min() < _OF_CLASS):
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
        self.tell(
            "label_leak" if kept.steps is None else "label_leak.time_step",
            "warning" if last else "info",  # what comes earlier may be to be remembered
            place=kept.place,
            key=("label_leak", key),
            where=kept.named(column),
            how=how,
            column=column,
            rows=len(y),
            correlation=float(alike[column]),
            of_others=float(numpy.delete(alike, column).max()),
        )


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
