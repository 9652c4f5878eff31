"""`validation_overlap.rows`: a loop that validates with rows some of which it trains with."""

from __future__ import annotations

from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, host, tensors, tracked
from viz.doctor.facts.validation_data import row_hashes

__all__ = ["SharedRows"]

_COLUMNS = 64  # of a row, by which it is known again
_MOST = 50_000  # rows
_SOME = (0.3, 0.98)  # of the rows to validate with are known; where all are, it is a training accuracy that is asked
_OF_TRAINING = 0.5  # and no more of those to train with are among them, as where all rows there are get an answer


class SharedRows(Check):
    """Compares rows that a model is given on the way to a loss with those that it is given outside of training."""

    rules = {
        "validation_overlap.rows": Rule(
            "warning",
            "{overlap:.0%} of {rows} different rows that are validated with are trained with, too: what is measured "
            "tells how well they are remembered, not how well others are answered",
            "Split once, and take both parts of the one order: rows = torch.randperm(n); train, held = rows[k:], "
            "rows[:k]; or random_split. In Keras, validation_split=0.2.",
        )
    }

    always = ("on_answer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._rows: dict[tuple[int, bool], set[int]] = {}  # by the model, and whether it is trained with them
        self._places: dict[int, Any] = {}

    def on_answer(self, opened: Any, outputs: Any) -> None:
        given = [host(x.data) for x in tensors(opened.scope.inputs) if x.data.ndim]
        trains, made = tracked(first_tensor(outputs)), first_tensor(outputs)
        if self.watch.inside("step") or not given or made is None or any(map(tracked, tensors(opened.scope.inputs))):
            return
        known = self._rows.setdefault((id(opened.owner), trains), set())
        if len({len(x) for x in given}) != 1 or given[0].ndim < 2 or len(known) >= _MOST or not given[0].size:
            return
        if not any(x.dtype.kind == "f" and (x[:2] % 1).any() for x in given):
            return  # whole numbers, of which equal rows may come by chance
        known.update(row_hashes(given, _COLUMNS).tolist())
        if not trains:
            self._places[id(opened.owner)] = self.watch.called_at()

    def finish(self) -> None:
        """Judge each model that was asked outside of training."""
        for number, place in self._places.items():
            train, held = (self._rows.get((number, trains), set()) for trains in (True, False))
            common = len(train & held)
            if min(len(train), len(held)) < 2 * limits.OVERLAP_ROWS or self.watch.step < limits.FEW_STEPS:
                continue
            if _SOME[0] <= common / len(held) <= _SOME[1] and common <= _OF_TRAINING * len(train):
                about = {"overlap": common / len(held), "chance": 0.0, "rows": len(held)}
                self.tell("validation_overlap.rows", place=place, key=("validation_overlap", "rows"), **about)
