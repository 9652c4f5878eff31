"""`label_leak`: a column of the inputs, or one step of sequences, that is the label or tells it alone."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, tensors
from viz.doctor.checks.leaks.rounding import is_cut, is_rounded
from viz.doctor.checks.leaks.spread_label import Spread, as_bits, as_one_hot, as_sum, listed
from viz.doctor.loss_questions import CROSSENTROPIES
from viz.recorder.descriptions import flat
from viz.recorder.names.input_names import names_of_outputs

__all__ = ["LabelLeak"]

_LEAK_LOOKED = 2000
_LEAK_ELEMENTS = 4_000_000  # of rows that are kept: fewer of wide ones, as long sequences are
_LEAK_COLUMNS = 10_000

# In a loss that is written out: how labels are compared with what a model answers, or with its logarithm.
_COMPARING = ("subtract", "squared_difference", *CROSSENTROPIES)
_LOGARITHMS = ("log", "log_softmax")

_FIXES = {
    "label_leak": (
        "Leave that column out: x = numpy.delete(x, column, axis=1). What is made of the label, or known only after "
        "it, isn't there when the network is asked about new rows."
    ),
    "label_leak.one_hot": (
        "Leave these columns out: x = numpy.delete(x, columns, axis=1). They are the label itself, which isn't there "
        "when the network is asked about new rows; encode the inputs after the label was taken out of the table."
    ),
    "label_leak.sum": (
        "Are these parts known before the label is? If not, leave them out: x = numpy.delete(x, columns, axis=1). If "
        "they are, the sum does what this network does."
    ),
    "label_leak.time_step": (
        "End each window before what is to be predicted: x[:, :-1], or labels from the step after the last one. What "
        "is known only with the label isn't there when the network is asked about new data."
    ),
    "label_leak.threshold": (
        "Was it made of the label, or is it only known after it? Then leave it out: "
        "x = numpy.delete(x, column, axis=1). Else a comparison does what this network does."
    ),
}


class _Rows:
    """Rows of inputs with their labels, as one loss got them.

    Args:
        place: where the loss was asked for.
        output: the name of the output that the labels belong to; empty for the only one.
        steps: time steps and features, where the columns are those of sequences.
    """

    def __init__(self, place: Any, output: str, steps: tuple[int, int] | None) -> None:
        self.place = place
        self.of_output = f" of output {output!r}" if output else ""
        self.steps = steps
        self.parts: list[tuple[numpy.ndarray, numpy.ndarray]] = []
        self.count = 0

    def named(self, column: int) -> str:
        """A column, in words."""
        if self.steps is None:
            return f"column {column} of the inputs"
        step, feature = divmod(column, self.steps[1])
        return f"feature {feature} in time step {step} of the inputs' {self.steps[0]}"

    def all_named(self, columns: list[int]) -> str:
        """Several columns, in words."""
        numbers, of = sorted(columns), "of the inputs"
        where = {column // self.steps[1] for column in columns} if self.steps else set()
        if self.steps and len(where) == 1:
            of = f"in time step {min(where)} of the inputs' {self.steps[0]}"
            numbers = [column % self.steps[1] for column in numbers]
        return f"{'features' if where else 'columns'} {listed(numbers)} {of}"

    def comes_last(self, column: int) -> bool:
        """Does a column belong to the end of a window, which may be one step too long? Tables have none."""
        return self.steps is None or column // self.steps[1] == self.steps[0] - 1


class LabelLeak(Check):
    """Keeps rows of the steps that are looked at closely, and compares columns with labels in the end.

    Tables are meant, with a label for each row: a network that has nothing to learn but which column to copy looks
    better than any other, until it is asked about rows whose label isn't known. Of sequences, each feature of each
    time step is a column, or each time step is a row where it has a label of its own.
    """

    fixes = _FIXES

    begins = ("optimizer", "loss")
    ends = ("model", "layer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._made: dict[int, Any] = {}  # what models made in this step outside of the tape, and what became of it
        self._optimizers: set[int] = set()
        self._inputs: list[numpy.ndarray] = []
        self._outputs: list[tuple[str, Any]] = []
        self._answers: set[int] = set()  # keys of what a model gave for these inputs
        self._rows: dict[tuple[Any, str], _Rows] = {}  # by the loss, or its line, and the output

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if not self.watch.outermost() or error is not None:
            return
        given = tensors(opened.scope.inputs)
        if any(id(x) in self._made for x in given):  # a generator's rows, say, which are told from real ones
            self._inputs = []
            return
        self._made.update({id(x): x for x in tensors(outputs) if x.key is None})
        tables = all(x.key is None and not isinstance(x, Variable) and x.data.ndim in (2, 3) for x in given)
        self._inputs = [host(x.data) for x in given] if given and tables else []
        self._outputs = names_of_outputs(opened.owner, outputs) if self._inputs else []
        self._answers = {x.key for x in tensors(outputs) if x.key is not None} if self._inputs else set()

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """Follow what models made: rows of it may be put between rows of data."""
        if self._made and error is None and any(id(x) in self._made for x in flat(list(inputs))):
            self._made.update({id(x): x for x in tensors(outputs) if x.key is None})
        written = op.name in _COMPARING or op.name == "multiply"
        if self._answers and written and error is None and not self.watch.inside("loss", "metric", "layer", "model"):
            self._by_hand(op.name, *inputs[:2])

    def _by_hand(self, op: str, first: Any, second: Any) -> None:
        """A loss that is written out compares answers with data."""
        for answers, labels in ((first, second), (second, first)):
            key = getattr(answers, "key", None)
            compared = key in self._answers if op in _COMPARING else self.watch.made_by(answers) in _LOGARITHMS
            if key is None or not compared or isinstance(labels, Variable) or getattr(labels, "key", None) is not None:
                continue
            given = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
            if (
                given.ndim and given.size and (op in _COMPARING or _one_each(given) is not None)
            ):  # else it may be a mask
                self._keep(self.watch.place(), given, answers)
                return

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "optimizer":
            self._optimizers.add(id(opened.owner))
            return
        given = opened.scope.inputs
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if not self._inputs or not isinstance(predicted, Tensor) or predicted.key is None:
            return
        self._keep(id(opened.owner), given[0], predicted)

    def _keep(self, loss: Any, given: Any, predicted: Tensor) -> None:
        """Keep the rows of this step, with the labels that a loss was given."""
        labels = host(given.data if isinstance(given, Tensor) else numpy.asarray(given))
        if labels.dtype.kind not in "fiub" or any(x.dtype.kind not in "fiub" for x in self._inputs):
            return
        alike = labels.ndim and all(len(x) == len(labels) for x in self._inputs)
        columns, steps = _columns(self._inputs, labels) if alike else (None, None)
        if columns is None:
            return
        output = next((name for name, x in self._outputs if x is predicted), "")
        kept = self._rows.setdefault((loss, output), _Rows(self.watch.called_at(), output, steps))
        enough = kept.count * columns.shape[1] >= _LEAK_ELEMENTS or kept.count >= _LEAK_LOOKED
        if not enough and len(self._rows) <= limits.ANSWERS_LOSSES:
            labels = labels.reshape(-1) if len(columns) > len(labels) else labels
            kept.parts.append((columns.astype("float64"), labels.copy()))
            kept.count += len(columns)

    def on_step_end(self) -> None:
        self._inputs, self._outputs, self._answers = [], [], set()
        self._made.clear()

    def finish(self) -> None:
        """Compare each column with the labels."""
        for key, kept in self._rows.items():
            if len({(x.shape[1:], y.shape[1:]) for x, y in kept.parts}) != 1:
                continue
            inputs, labels = (numpy.concatenate(part) for part in zip(*kept.parts))
            y = _one_each(labels)
            _, at = numpy.unique(inputs, axis=0, return_index=True)  # rows come again in each epoch
            if len(at) < limits.LEAK_ROWS or not numpy.isfinite(inputs).all():
                continue
            if y is None:
                found = as_bits(inputs[at], labels[at].reshape(len(at), -1))
                if found is not None:
                    self._tell_spread(key, kept, found, inputs[at], labels[at].reshape(len(at), -1)[:, 0])
            else:
                self._judge(key, kept, inputs[at], y[at])

    def _judge(self, key: tuple[Any, str], kept: _Rows, inputs: numpy.ndarray, y: numpy.ndarray) -> None:
        kinds, counts = numpy.unique(y, return_counts=True)
        classes = len(kinds) <= limits.LEAK_CLASSES and bool((kinds == kinds.round()).all())
        if len(kinds) < 2 or not numpy.isfinite(kinds).all():
            return
        spread = as_one_hot(inputs, y) or (None if kept.steps else as_sum(inputs, y))
        if spread is not None:
            self._tell_spread(key, kept, spread, inputs, y)
            return
        if classes and counts.min() < limits.LEAK_OF_CLASS:
            return
        alike = _correlations(inputs, y)
        column = int(alike.argmax())
        unit = "" if numpy.array_equal(inputs[:, column], y) else " in another unit"
        how = f"is the label{kept.of_output}{unit}"
        if alike[column] < 1 - limits.LEAK_ROUNDING:
            if classes:
                column = next((i for i, each in enumerate(inputs.T) if _names(each, y, len(kinds))), -1)
                how = f"has a value of its own for each class{kept.of_output}, always the same"
            elif is_rounded(inputs[:, column], y):
                how = f"is the label{kept.of_output}{unit}, rounded"
            elif is_rounded(y, inputs[:, column]):
                how = f"is what the label{kept.of_output} was rounded from"
            else:
                cut = next(((i, cuts) for i, each in enumerate(inputs.T) if (cuts := is_cut(each, y))), None)
                column = -1 if cut is None else cut[0]
                how = "" if cut is None else _compared(kept.of_output, cut[1])
        if column >= 0:
            words = f"{kept.named(column)} {how}, in all {len(y)} rows looked at"
            severity = "warning" if kept.comes_last(column) else "info"  # what comes earlier may be to be remembered
            self._tell("label_leak", severity, words, key, kept, column, alike, len(y))
            return
        if len(kinds) == 2:
            self._judge_threshold(key, kept, inputs, y, alike)

    def _judge_threshold(
        self, key: tuple[Any, str], kept: _Rows, inputs: numpy.ndarray, y: numpy.ndarray, alike: numpy.ndarray
    ) -> None:
        """Does one column alone tell two classes apart?"""
        kinds = numpy.unique(y)
        if len(self._optimizers) > 1:
            return  # of two networks, one may well tell what the other made from data
        low, high = inputs[y == kinds[0]], inputs[y == kinds[1]]
        apart = (low.max(axis=0) < high.min(axis=0)) | (high.max(axis=0) < low.min(axis=0))
        if apart.any():
            column = int(apart.argmax())
            ends = [float(each[:, column].max()) for each in (low, high)]
            words = (
                f"{kept.named(column)} alone tells the two classes{kept.of_output} apart in all {len(y)} "
                f"rows looked at: one has at most {number(min(ends))} there, the other more"
            )
            self._tell("label_leak.threshold", "info", words, key, kept, column, alike, len(y))

    def _tell_spread(
        self, key: tuple[Any, str], kept: _Rows, spread: Spread, inputs: numpy.ndarray, y: numpy.ndarray
    ) -> None:
        """That several columns are the label together."""
        alike = _correlations(inputs, y)
        column = spread.columns[0]
        rows = f"in all {len(y)} rows looked at"
        if spread.weights:
            words = f"the label{kept.of_output} is {spread.summed()} of the inputs, each in its own unit, {rows}"
            severity = "info" if len({*spread.weights}) == 1 else "warning"  # a count may well be asked for
            self._tell("label_leak.sum", severity, words, key, kept, column, alike, len(y))
        else:
            severity = "warning" if any(map(kept.comes_last, spread.columns)) else "info"
            how = f"the label{kept.of_output} as one-hot rows: each tells one of {spread.of} classes"
            how = f"the {spread.of} labels{kept.of_output} of each row themselves" if spread.several else how
            words = f"{kept.all_named(spread.columns)} are {how}, {rows}"
            self._tell("label_leak.one_hot", severity, words, key, kept, column, alike, len(y))

    def _tell(
        self,
        rule: str,
        severity: str,
        words: str,
        key: tuple[Any, str],
        kept: _Rows,
        column: int,
        alike: numpy.ndarray,
        rows: int,
    ) -> None:
        self.watch.report(
            rule if kept.steps is None else "label_leak.time_step",
            severity,
            words,
            place=kept.place,
            key=("label_leak", key),
            evidence={
                "column": column,
                "rows": rows,
                "correlation": float(alike[column]),
                "of_others": float(numpy.delete(alike, column).max()),
            },
        )


def _compared(of_output: str, cuts: list[float]) -> str:
    """What is made of a label by comparing it, in words."""
    if len(cuts) == 1:
        return f"tells whether the label{of_output} is above {number(cuts[0])}"
    return f"tells between which of {len(cuts)} limits the label{of_output} lies"


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
    if not 1 < width <= _LEAK_COLUMNS:
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
