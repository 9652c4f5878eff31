"""What is gathered of the samples while a script trains: how large the loss of each was, each time it came."""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy

from eagerflow import Tensor, tree
from eagerflow.core.observe import Scope, unobserved
from eagerflow.data.feed import ArrayFeed
from viz.doctor.facts.host_arrays import key_of, values_of
from viz.recorder.names.shown_names import ShownNames
from viz.recorder.scopes import OpenScope, Scopes
from viz.recorder.step_tracker import StepTracker
from viz.samples.judging import as_chances
from viz.samples.row_keys import keys_of

__all__ = ["Gatherer", "Gathering", "row_losses"]

_MOST_BYTES = 1 << 29  # of samples that are kept because no array of the script's holds them; of sums of answers
_SAME = 1e-3  # of a loss, which may be a sum of many in float32


class Gathering:
    """What was gathered of one model's samples."""

    def __init__(self, model: Any, names: ShownNames) -> None:
        self.model, self.names = model, names  # the names are those of the model and its layers
        self.losses: list[Any] = []  # that it was trained with, in the order in which a step computed them
        self.feeds: dict[int, list[Any]] = {}  # the arrays that samples came from, with how many times one did
        self._rows: dict[int, set[int]] = {}  # of each feed
        self.slots: dict[int, int] = {}
        self.count = numpy.zeros(0, dtype=int)  # for each different sample, how often it was met
        self.total = numpy.zeros(0)  # and the sum of its losses
        self.answers: numpy.ndarray | None = None  # the sums of outputs, of a classifier those of chances, where known
        self.inputs: list[list[Any]] = []  # the samples, as lists of arrays by leaf; what a feed holds isn't copied
        self.targets: list[list[Any]] = []
        self.structure: tuple[Any, Any] = (None, None)
        self.full = False  # were samples left out, as there were too many?
        self.met = self.largest = 0  # rows in all, and of the largest batch
        self.first_bad: int | None = None  # the first training step in which a loss was NaN or infinite
        self._bytes = 0

    @property
    def feed(self) -> Any:
        """The arrays that most samples came from, None where they came in batches."""
        found = max(self.feeds.values(), key=lambda each: each[1], default=(None, 0))
        return found[0] if found[1] * 2 >= self.met else None

    def _holds(self, feed: Any, leaves: list[numpy.ndarray]) -> bool:
        """Whether the first and the last row of a batch are in a feed's arrays: a step may make data of its own."""
        if not isinstance(feed, ArrayFeed):
            return False
        if id(feed) not in self.feeds:
            x = feed.parts[0] if isinstance(feed.parts, tuple) else feed.parts
            arrays = [numpy.asarray(leaf) for leaf in tree.flatten(x)]
            if [leaf.shape[1:] for leaf in arrays] != [leaf.shape[1:] for leaf in leaves]:
                return False
            typed = [a if a.dtype == leaf.dtype else a.astype(leaf.dtype) for a, leaf in zip(arrays, leaves)]
            self.feeds[id(feed)] = [feed, 0]
            self._rows[id(feed)] = set(keys_of(typed))
        return set(keys_of([leaf[[0, -1]] for leaf in leaves])) <= self._rows[id(feed)]

    def add(self, x: Any, y: Any, found: numpy.ndarray, outputs: Any, feed: Any, step: int = 0) -> None:
        """A batch was met: what the model was called with, the targets, the loss of each row, what the model gave."""
        leaves = [values_of(leaf) for leaf in tree.flatten(x)]
        targets = [values_of(leaf) for leaf in tree.flatten(y)]
        if any(len(leaf) != len(found) for leaf in (*leaves, *targets) if leaf.ndim) or not leaves[0].ndim:
            return
        self.structure = x, y
        self.met += len(found)
        if self.first_bad is None and not numpy.isfinite(found).all():
            self.first_bad = step
        self.largest = max(self.largest, len(found))
        held = len(found) > 0 and self._holds(feed, leaves)
        if held:
            self.feeds[id(feed)][1] += len(found)
        slots = self._slots(leaves, targets, held)
        known = slots >= 0
        numpy.add.at(self.count, slots[known], 1)
        numpy.add.at(self.total, slots[known], found[known])
        self._add_answers(slots, known, outputs)

    def _slots(self, leaves: list[numpy.ndarray], targets: list[numpy.ndarray], held: bool) -> numpy.ndarray:
        """The position of each row among the different samples; -1 for one that there was no room for."""
        found = []
        for row, key in enumerate(keys_of([*leaves, *[each.astype("float64") for each in targets]])):
            slot = self.slots.get(key)
            if slot is None and not self.full:
                slot = self.slots[key] = len(self.slots)
                self._keep(leaves, targets, row, held)
            found.append(-1 if slot is None else slot)
        self.count, self.total = [_grown(sums, len(self.slots)) for sums in (self.count, self.total)]
        return numpy.array(found, dtype=int)

    def _keep(self, leaves: list[numpy.ndarray], targets: list[numpy.ndarray], row: int, held: bool) -> None:
        for kept, arrays in ((self.inputs, leaves), (self.targets, targets)):
            kept.append([] if held else [numpy.array(leaf[row]) for leaf in arrays])
        self._bytes += sum([each.nbytes for each in self.inputs[-1]])
        self.full = self._bytes > _MOST_BYTES

    def _add_answers(self, slots: numpy.ndarray, known: numpy.ndarray, outputs: Any) -> None:
        if not isinstance(outputs, Tensor) or len(outputs.shape) > 2:
            return
        answers = as_chances(values_of(outputs).reshape(len(slots), -1).astype("float64"), self.losses[0])
        if self.answers is None:
            self.answers = numpy.zeros((0, answers.shape[1]))
        if self.answers.shape[1] != answers.shape[1] or self.count.nbytes * answers.shape[1] > _MOST_BYTES:
            return
        self.answers = _grown(self.answers, len(self.count))
        numpy.add.at(self.answers, slots[known], answers[known])


def _grown(sums: numpy.ndarray, rows: int) -> numpy.ndarray:
    """The sums of more rows, which begin with 0."""
    return numpy.concatenate([sums, numpy.zeros((rows - len(sums), *sums.shape[1:]), sums.dtype)])


class Gatherer:
    """Hears which samples a script trains with, and what their losses are."""

    def __init__(self) -> None:
        self.gatherings: dict[int, Gathering] = {}
        self.notes: list[str] = []
        self.names = ShownNames()
        self._open = Scopes[OpenScope]()
        self._feed: Any = None
        # The outermost model that ran last, what it was called with, and what it gave.
        self._last: tuple[Any, Any, Any] | None = None
        self._pending: dict[int, list[Any]] = {}
        self._steps = StepTracker()

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._steps.on_gradient(sources, results)

    def on_scope_begin(self, scope: Scope) -> None:
        self._steps.on_scope_begin(scope)
        if scope.kind in ("layer", "model"):
            self.names.hear(scope.owner, (each.owner for each in self._open), sys._getframe(1))
        self._open.append(OpenScope(scope))
        if scope.kind == "data":
            self._feed = scope.inputs

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        self._open.end(scope)
        if error is None:
            self._heard(scope, outputs)
        self._steps.on_scope_end(scope)

    def _heard(self, scope: Scope, outputs: Any) -> None:
        """A scope ended well."""
        if scope.kind in ("model", "layer") and not self._open.inside("model", "layer", "loss", "metric"):
            given = [x for x in scope.inputs or () if any(hasattr(leaf, "shape") for leaf in tree.flatten(x))]
            self._last = scope.owner, given, outputs
            if not self._steps.begun:
                self._steps.on_op(outputs)
        elif scope.kind == "loss" and not self._open.inside("metric", "loss"):
            with unobserved():
                self._hear(scope)
        if scope.kind in ("step", "backward"):
            self._settle()
        if scope.kind == "step":
            self._feed = None  # it was of this batch

    def _hear(self, scope: Scope) -> None:
        """A loss was computed; that of training, if its predictions are on a tape."""
        y_true, y_pred = scope.inputs
        if self._last is None or not any(key_of(leaf) is not None for leaf in tree.flatten(y_pred)):
            return
        model, x, given = self._last
        if not _is_part(y_pred, given):
            self.note(f"the loss {scope.name!r} compares something other than a model's outputs; that isn't judged")
            return
        values = row_losses(scope.owner, y_true, y_pred)
        if values is None:
            self.note(
                f"the loss {scope.name!r} gives one value for the batch, which is no mean or sum of the rows': samples "
                "can't be distinguished by it"
            )
            return
        self._pending.setdefault(id(model), []).append(
            (model, x, y_true, y_pred, values, scope.owner, self._steps.upcoming)
        )

    def note(self, note: str) -> None:
        """Say this with the samples, once."""
        if note not in self.notes:
            self.notes.append(note)

    def _settle(self) -> None:
        """Gradients were computed: of several losses, if the model has several outputs, which add up."""
        pending, self._pending = self._pending, {}
        for parts in pending.values():
            model, x = parts[0][:2]
            gathering = self.gatherings.setdefault(id(model), Gathering(model, self.names))
            sizes = {len(part[4]) for part in parts}
            if len(sizes) == 1 and x:
                gathering.losses = [part[5] for part in parts]
                several = len(parts) > 1
                y = [part[2] for part in parts] if several else parts[0][2]
                outputs = [part[3] for part in parts] if several else parts[0][3]
                gathering.add(x, y, sum(part[4] for part in parts), outputs, self._feed, parts[0][6])

    def chosen(self) -> Gathering | None:
        """The model that met the most samples; None where none did."""
        self._settle()
        found = [each for each in self.gatherings.values() if each.slots]
        return max(found, key=lambda each: (hasattr(each.model, "fit"), each.met)) if found else None


def row_losses(loss: Any, y_true: Any, y_pred: Any) -> numpy.ndarray | None:
    """The loss of each row, None where it gives none.

    One that gives a number for the whole batch is asked row by row, and counts if it is the mean or the sum of these.
    """
    if not hasattr(loss, "_compute"):
        return None
    alone = copy.copy(loss)
    alone.reduction, alone._checks_count = "none", False
    values = values_of(alone._compute(y_true, tree.map_structure(_untracked, y_pred), None))
    first = tree.flatten(y_pred)[0]
    if not values.ndim:
        return _row_by_row(alone, y_true, y_pred, len(first), float(values))
    if values.shape[0] != first.shape[0]:
        return None
    return values.reshape(len(values), -1).mean(axis=1).astype("float64")


def _row_by_row(loss: Any, y_true: Any, y_pred: Any, rows: int, whole: float) -> numpy.ndarray | None:
    """The loss of each row alone; None where that of the batch is something else than their mean or sum."""
    found = numpy.empty(rows)
    for i in range(rows):
        y, given = [tree.map_structure(lambda t: _untracked(t)[i : i + 1], each) for each in (y_true, y_pred)]  # noqa: B023
        value = values_of(loss._compute(y, given, None))
        if value.ndim:
            return None
        found[i] = float(value)
    if not numpy.isfinite(whole):
        return None if numpy.isfinite(found).all() else found
    parts = (found.mean(), found.sum())
    return found if any(abs(whole - part) <= _SAME * max(abs(whole), abs(part)) for part in parts) else None


def _untracked(x: Any) -> Any:
    """The same tensor for the loss, but on no tape, so that nothing more is recorded there."""
    if not isinstance(x, Tensor):
        return x
    copied = Tensor(x.data)
    for name in ("mask", "logits"):
        kept = getattr(x, name, None)
        if kept is not None:
            setattr(copied, name, (kept[0], Tensor(kept[1].data), *kept[2:]) if name == "logits" else kept)
    return copied


def _is_part(y_pred: Any, given: Any) -> bool:
    """Whether predictions are outputs of the model, and not made of them."""
    arrays = [leaf.data for leaf in tree.flatten(given) if isinstance(leaf, Tensor)]
    return all(any(leaf.data is array for array in arrays) for leaf in tree.flatten(y_pred) if isinstance(leaf, Tensor))
