"""`validation_mismatch.prepared`: `evaluate` and `predict` on rows scaled otherwise than those to train with."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, tensors
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.columns import Columns, Spread, colours_swapped, moved_apart, otherwise_scaled
from viz.doctor.checks.rows.fit_arrays import inputs_of
from viz.doctor.program import layer_label

__all__ = ["OutputShapes", "Prepared", "Seen", "Trained", "otherwise"]

_SCALED_ROWS = 100  # to train with, from which on a few others can be said to be larger than any
_ONE_SIDED = 0.2  # of the numbers are below 0 in one set of rows, and none in the other
_ONE_SIDED_COLUMNS = 4  # numbers of a row, at least: a single one may well be asked for in one half of its range
_ONE_SIDED_BEGINS = 0.1  # of its largest number is the least one, where numbers begin at about 0
_ONE_SIDED_REACH = 0.7  # of the further end is the nearer one


class Seen(NamedTuple):
    """What some rows of inputs look like.

    Attributes:
        rows: how many.
        columns: how many numbers a row has.
        sizes: the root mean squares of rows: the least and the largest one.
        middles: their medians: the least and the largest one, of several sets of rows.
        low: the least number.
        high: the largest one.
        negative: the part of the numbers that are below 0.
        whole: are all of them whole numbers?
        standard: has each column a mean of 0 and a standard deviation of 1, as exactly as if they were measured here?
        spread: where the numbers lie.
        table: what its columns or colours look like, where it is a table or pictures.
    """

    rows: int
    columns: int
    sizes: tuple[float, float]
    middles: tuple[float, float]
    low: float
    high: float
    negative: float
    whole: bool
    standard: bool
    spread: Spread
    table: Columns | None = None

    @classmethod
    def of(cls, x: numpy.ndarray) -> Seen | None:
        """Look at up to some thousands of rows; None where there is nothing to compare."""
        if x.dtype.kind not in "fiu" or x.ndim < 2 or not x.size:
            return None
        some = x[numpy.linspace(0, len(x) - 1, min(len(x), limits.OVERLAP_LOOKED)).astype(int)]
        flat = some.reshape(len(some), -1).astype("float32")
        if not numpy.isfinite(flat).all():
            return None
        sizes = numpy.sqrt(numpy.square(flat, dtype="float64").mean(axis=1))
        return cls(
            len(x),
            flat.shape[1],
            (float(sizes.min()), float(sizes.max())),
            (float(numpy.median(sizes)),) * 2,
            float(flat.min()),
            float(flat.max()),
            float((flat < 0).mean()),
            bool((flat == numpy.floor(flat)).all()),
            len(some) == len(x) and _standard(flat),
            Spread.of(flat),
            Columns.of(x),
        )

    def and_those(self, others: Seen | None) -> Seen:
        """These rows, and those of other calls of `fit`."""
        if others is None or others.columns != self.columns:
            return self
        rows = self.rows + others.rows
        return Seen(
            rows,
            self.columns,
            (min(self.sizes[0], others.sizes[0]), max(self.sizes[1], others.sizes[1])),
            (min(self.middles[0], others.middles[0]), max(self.middles[1], others.middles[1])),
            min(self.low, others.low),
            max(self.high, others.high),
            (self.negative * self.rows + others.negative * others.rows) / rows,
            self.whole or others.whole,
            self.standard and others.standard,
            self.spread,
            self.table,
        )

    @property
    def range(self) -> str:
        """From the least number to the largest one, in words."""
        return f"{number(self.low)} to {number(self.high)}"


def _standard(flat: numpy.ndarray) -> bool:
    """Are the columns standardized by their own mean and standard deviation? Those of others miss by chance."""
    if flat.ndim != 2 or len(flat) < limits.OVERLAP_ROWS or flat.shape[1] < 2:
        return False
    means, deviations = flat.mean(axis=0, dtype="float64"), flat.std(axis=0, dtype="float64")
    varied = deviations > 0
    if not varied.any():
        return False
    exact = (numpy.abs(means[varied]) < limits.STANDARD) & (numpy.abs(deviations[varied] - 1) < limits.STANDARD)
    return bool(exact.all())


def otherwise(train: Seen, given: Seen, by_size: bool = True, by_columns: bool = False) -> str:
    """How rows were prepared otherwise than those to train with, in words; empty where nothing says so.

    Args:
        train: the rows to train with.
        given: the others.
        by_size: are they compared by how large their numbers are, too?
        by_columns: and column by column? What is asked of a trained network may be far from all that it was shown.

    >>> rows = numpy.random.default_rng(0).random((50, 8)) + 0.1
    >>> otherwise(Seen.of(rows), Seen.of(255 * rows))
    'range from 26 to 280, and those to train with from 0.1 to 1.1'
    >>> otherwise(Seen.of(rows), Seen.of(rows[::2]))
    ''
    """
    if train.columns != given.columns or (train.whole and given.whole):  # numbers of words, say, of any size
        return ""
    ranges = f"range from {given.range}, and those to train with from {train.range}"
    if by_size and _far(train, given):
        return ranges
    enough = given.rows >= limits.OVERLAP_ROWS and given.columns >= _ONE_SIDED_COLUMNS
    signs = sorted([train.negative, given.negative])
    outer, inner = (max(-seen.low, seen.high) for seen in (train, given))  # what lies further out may be odd on purpose
    one_sided = enough and not signs[0] and signs[1] >= _ONE_SIDED and inner <= limits.SCALED_ALREADY * outer
    if one_sided and _from_0(*sorted([train, given], key=lambda seen: seen.negative)):
        return ranges
    if train.standard and given.standard and train.rows != given.rows:
        return "have, like those to train with, a mean of exactly 0 and a deviation of exactly 1: each by its own"
    swapped = scaled = ""
    if train.table is not None and given.table is not None:
        swapped = colours_swapped(train.table, given.table)
        scaled = otherwise_scaled(train.table, given.table) if by_columns else ""
    least, most = sorted([train.spread.size, given.spread.size])  # more than that is told of by the sizes alone
    many = min(train.rows, given.rows)
    if by_columns and not scaled and many >= limits.ROWS_TOLD and most < limits.SCALES_APART * least:
        moved = moved_apart(train.spread, given.spread)
        scaled = f"{ranges} ({moved})" if moved else ""
    return scaled or swapped


def _from_0(without: Seen, both: Seen) -> bool:
    """Do the numbers of the one begin at about 0, and those of the other reach as far below as above?

    What drifts with time, as prices do, ends anywhere.
    """
    reach = max(-both.low, both.high)
    begins = without.low <= _ONE_SIDED_BEGINS * without.high and reach >= 0.5 * without.high
    return begins and min(-both.low, both.high) >= _ONE_SIDED_REACH * reach


def _far(train: Seen, given: Seen) -> bool:
    """Are rows ten times as large or small as those to train with, and further away than any of these?"""
    size, (least, most) = given.middles[0], train.sizes
    few = given.rows < limits.OVERLAP_ROWS  # a single row may be next to 0, as what is given first in a game is
    if few and train.rows < _SCALED_ROWS:
        return False
    if size > max(limits.SCALES_APART * train.middles[1], 2 * most):
        return most > 0
    return not few and 0 < size < min(train.middles[0] / limits.SCALES_APART, least / 2)


class OutputShapes:
    """Which inputs may be the outputs of another model: those have the range that this model gives them."""

    def __init__(self) -> None:
        self._models: dict[Any, weakref.WeakSet[Any]] = {}  # by the shape of a row of their outputs

    def remember(self, model: Any, outputs: Any) -> None:
        """Remember the shapes of what a model returned."""
        for output in tensors(outputs):
            self._models.setdefault(output.data.shape[1:], weakref.WeakSet()).add(model)

    def of_another(self, model: Any, inputs: Any) -> bool:
        """Does another model return rows of the shape of one of these inputs?"""
        shapes = {x.data.shape[1:] for x in tensors(inputs)}
        return any(other is not model for shape in shapes for other in self._models.get(shape, ()))


class Trained:
    """Remembers what models were trained with, and compares what they are given later.

    It is told when a batch is asked of a feed, and of the step that is made with it.
    """

    def __init__(self) -> None:
        self._feed: Any = None
        self._known: weakref.WeakKeyDictionary[Any, list[Seen | None]] = weakref.WeakKeyDictionary()  # by the model
        self._looked: weakref.WeakSet[Any] = weakref.WeakSet()  # feeds, each once

    def hear(
        self, kind: str, name: str, owner: Any, inputs: Any, by_size: bool = True, by_columns: bool = False
    ) -> tuple[str, Seen | None]:
        """Hear of a scope that begins; in words, how its rows were prepared otherwise, and what they look like."""
        if kind == "data":
            self._feed = inputs
            return "", None
        feed, self._feed = self._feed, None
        if feed is None or feed in self._looked or owner is None:
            return "", None
        self._looked.add(feed)
        if name == "train_step":
            now, before = _seen(feed, inputs), self._known.get(owner, [])
            both = [*before, *[None] * (len(now) - len(before))]
            self._known[owner] = [b if a is None else a.and_those(b) for a, b in zip(now, both)]
        elif owner in self._known:
            return _differs(self._known[owner], _seen(feed, inputs), by_size, by_columns)
        return "", None


def _seen(feed: Any, inputs: Any) -> list[Seen | None]:
    """What the inputs look like: all rows where there are arrays, else those of one batch."""
    arrays = inputs_of(feed)
    if not arrays:
        given = tensors(inputs[0] if isinstance(inputs, tuple) and inputs else inputs)
        arrays = [host(x.data) for x in given if x.data.ndim]
    return [Seen.of(x) for x in arrays]


def _differs(
    train: list[Seen | None], given: list[Seen | None], by_size: bool, by_columns: bool
) -> tuple[str, Seen | None]:
    for before, now in zip(train, given):
        words = otherwise(before, now, by_size, by_columns) if before is not None and now is not None else ""
        if words:
            return words, now
    return "", None


def _labelled(batch: Any) -> bool:
    """Has it labels? What is to be answered with itself may be odd rows, on purpose."""
    x, y = (tensors(part) for part in batch[:2]) if isinstance(batch, tuple) and len(batch) > 1 else ([], [])
    return bool(y) and all(a.data.shape != y[0].data.shape for a in x)


class Prepared(Check):
    """Compares what a trained model is given in `evaluate` and `predict` with what it was given in `fit`."""

    of_script = True
    always = ("on_scope_begin", "on_scope_end")
    begins = ("data", "step")
    ends = ("model",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._trained = Trained()
        self._outputs = OutputShapes()

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if error is None and self.watch.outermost():
            self._outputs.remember(opened.owner, outputs)

    def on_scope_begin(self, opened: Any) -> None:
        name = opened.scope.name
        fit = running_fit() if name == "test_step" else None
        validates = fit is not None
        by_size = fit is None or not inputs_of(fit.validation)  # those of arrays are compared by `ValidationRows`
        by_columns = validates or (name == "test_step" and _labelled(opened.scope.inputs))
        words, seen = self._trained.hear(opened.kind, name, opened.owner, opened.scope.inputs, by_size, by_columns)
        if not words or seen is None or self._outputs.of_another(opened.owner, opened.scope.inputs):
            return
        model = repr(layer_label(opened.owner))
        by = f"that {model} is given by {'predict' if name == 'predict_step' else 'evaluate'}"
        self.watch.report(
            "validation_mismatch.prepared",
            "warning",
            f"the inputs {f'in the validation data of {model}' if validates else by} {words}: what it learnt doesn't "
            "hold for them",
            place=self.watch.called_at(),
            evidence={"rows": seen.rows, "low": seen.low, "high": seen.high},
        )
