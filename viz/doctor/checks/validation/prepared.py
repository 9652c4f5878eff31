"""`validation_mismatch`: rows to judge by that are scaled otherwise than those to train with, or are among them."""

from __future__ import annotations

import weakref
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.fit_arrays import inputs_of, running_fit
from viz.doctor.facts.host_arrays import first_tensor, host, tensors, tracked
from viz.doctor.facts.prepared_rows import Seen, otherwise
from viz.doctor.facts.validation_data import row_hashes

__all__ = ["Prepared", "SharedRows"]

_LOOKED = 32  # calls of a model in training, and as many outside of it

_SOME = (0.3, 0.98)  # of the rows to validate with are known; where all are, it is a training accuracy that is asked


class Prepared(Check):
    """Compares what a trained model is given in `evaluate` and `predict` with what it was given in `fit`."""

    rules = {
        "validation_mismatch.prepared": Rule.warning(
            "the inputs that {of!r} {how}: what it learnt doesn't hold for them",
            "Prepare rows in the same way wherever the network is given any: divide by the same number, or use mean "
            "and standard deviation of the training data for all (scaler.transform, not fit_transform).",
        )
    }
    of_script = True
    always = ("on_scope_begin", "on_answer")
    begins = ("step",)

    def begin(self) -> None:
        self._known: weakref.WeakKeyDictionary[Any, list[Seen | None]] = weakref.WeakKeyDictionary()  # by the model
        self._makers: dict[Any, weakref.WeakSet[Any]] = {}  # models, by the shape of a row of their outputs
        self._asked: dict[tuple[int, bool], int] = {}  # calls in a loop that were looked at

    def on_answer(self, opened: Any, outputs: Any) -> None:
        if opened.kind != "model":
            return
        for output in tensors(outputs):
            self._makers.setdefault(output.data.shape[1:], weakref.WeakSet()).add(opened.owner)
        trains = tracked(first_tensor(outputs))
        if self.watch.inside("step") or self._asked.get((id(opened.owner), trains), 0) >= _LOOKED:
            return
        self._asked[id(opened.owner), trains] = self._asked.get((id(opened.owner), trains), 0) + 1
        inputs = tuple(x for x in tensors(opened.scope.inputs) if x.data.ndim)
        if not inputs or any(map(tracked, inputs)):
            return
        self._compare(opened.owner, inputs, [host(x.data) for x in inputs], trains, "is given outside of training")

    def on_scope_begin(self, opened: Any) -> None:
        name, inputs, feed = opened.scope.name, opened.scope.inputs, self.watch.feed
        if feed is None or opened.owner is None:
            return
        fit = running_fit() if name == "test_step" else None
        by_size = fit is None or not inputs_of(fit.validation)  # those of arrays are compared by `ValidationRows`
        by_columns = fit is not None or (name == "test_step" and _labelled(inputs))
        given = inputs[0] if isinstance(inputs, tuple) and inputs else inputs
        rows = inputs_of(feed) or [host(x.data) for x in tensors(given) if x.data.ndim]
        called = "fit as validation data" if fit is not None else {"test_step": "evaluate"}.get(name, "predict")
        self._compare(opened.owner, inputs, rows, name == "train_step", f"is given by {called}", by_size, by_columns)

    def _compare(
        self, model: Any, given: Any, rows: Any, trains: bool, how: str, by_size: bool = True, by_columns: bool = True
    ) -> None:
        """Remember rows that a model is trained with; others are compared with them."""
        known, now = self._known.get(model, []), [Seen.of(x) for x in rows]
        if trains:
            both = [*known, *[None] * (len(now) - len(known))]
            self._known[model] = [b if a is None else a.and_those(b) for a, b in zip(now, both)]
            return
        for before, seen in zip(known, now):
            words = otherwise(before, seen, by_size, by_columns) if before is not None and seen is not None else ""
            if words and seen is not None and not self._made_by_another(model, given):
                about = {"rows": seen.rows, "low": seen.low, "high": seen.high, "of": getattr(model, "name", "")}
                self.tell("validation_mismatch.prepared", place=self.watch.called_at(), how=f"{how} {words}", **about)
                return

    def _made_by_another(self, model: Any, inputs: Any) -> bool:
        """May another model have made some of them? Then they have the range that it gives them."""
        shapes = {x.data.shape[1:] for x in tensors(inputs)}
        return any(other is not model for shape in shapes for other in self._makers.get(shape, ()))


def _labelled(batch: Any) -> bool:
    """Has it labels? What is to be answered with itself may be odd rows, on purpose."""
    x, y = (tensors(part) for part in batch[:2]) if isinstance(batch, tuple) and len(batch) > 1 else ([], [])
    return bool(y) and all(a.data.shape != y[0].data.shape for a in x)


class SharedRows(Check):
    """Compares rows that a model is given on the way to a loss with those that it is given outside of training."""

    rules = {
        "validation_overlap.rows": Rule.warning(
            "{overlap:.0%} of {rows} different rows that are validated with are trained with, too: what is measured "
            "tells how well they are remembered, not how well others are answered",
            "Split once, and take both parts of the one order: rows = torch.randperm(n); train, held = rows[k:], "
            "rows[:k]; or random_split. In Keras, validation_split=0.2.",
        )
    }

    always = ("on_answer",)

    def begin(self) -> None:
        self._rows: dict[tuple[int, bool], set[int]] = {}  # by the model, and whether it is trained with them
        self._places: dict[int, Any] = {}

    def on_answer(self, opened: Any, outputs: Any) -> None:
        given = [host(x.data) for x in tensors(opened.scope.inputs) if x.data.ndim]
        trains, made = tracked(first_tensor(outputs)), first_tensor(outputs)
        if self.watch.inside("step") or not given or made is None or any(map(tracked, tensors(opened.scope.inputs))):
            return
        known = self._rows.setdefault((id(opened.owner), trains), set())
        if len({len(x) for x in given}) != 1 or given[0].ndim < 2 or len(known) >= limits.LOOKED or not given[0].size:
            return
        if not any(x.dtype.kind == "f" and (x[:2] % 1).any() for x in given):
            return  # whole numbers, of which equal rows may come by chance
        known.update(row_hashes(given).tolist())
        if not trains:
            self._places[id(opened.owner)] = self.watch.called_at()

    def finish(self) -> None:
        """Judge each model that was asked outside of training."""
        for number, place in self._places.items():
            train, held = (self._rows.get((number, trains), set()) for trains in (True, False))
            common = len(train & held)
            if min(len(train), len(held)) < 2 * limits.FEW_ROWS or self.watch.step < limits.FEW_STEPS:
                continue
            if _SOME[0] <= common / len(held) <= _SOME[1] and common <= limits.MOST * len(train):
                about = {"overlap": common / len(held), "chance": 0.0, "rows": len(held)}
                self.tell("validation_overlap.rows", place=place, key=("validation_overlap", "rows"), **about)
