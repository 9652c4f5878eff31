"""`unscaled_input.rows`: a table whose rows were standardized, each by its own mean, where its columns should be."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host
from viz.doctor.user_code import Place

__all__ = ["StandardizedRows", "rows_are_standardized"]


class StandardizedRows(Check):
    """Looks at the rows of the first batches, and speaks where nothing was learnt. Asked after `Answers`."""

    begins = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._batches: list[bool] = []
        self._place: Place | None = None

    def on_scope_begin(self, opened: Any) -> None:
        if len(self._batches) >= limits.WINDOW or not self.watch.outermost():
            return
        given = first_tensor(opened.scope.inputs)
        if given is not None and given.key is None:
            self._place = self._place or self.watch.called_at()
            self._batches.append(rows_are_standardized(host(given.data)))

    def finish(self) -> None:
        """A hint: windows of a series may well be standardized one by one."""
        idle = any(finding.rule == "not_learning" for finding in self.watch.raw("not_learning"))
        if not idle or not self._batches or not all(self._batches):
            return
        self.watch.report(
            "unscaled_input.rows",
            "info",
            "each row of the inputs has the mean 0 and the standard deviation 1, and the columns haven't: they were "
            "standardized row by row, with axis=1 perhaps. If the columns are quantities of their own, as age and "
            "income are, that mixes them up",
            place=self._place,
            key=("unscaled_input", "rows"),
            evidence={"batches": len(self._batches)},
        )


def rows_are_standardized(table: numpy.ndarray) -> bool:
    """Has each row of a table the mean 0 and the standard deviation 1, and not each column?

    >>> table = numpy.random.default_rng(0).normal(size=(40, 5)) * [1, 2, 3, 4, 5] + 7
    >>> by_row = (table - table.mean(1, keepdims=True)) / table.std(1, keepdims=True)
    >>> rows_are_standardized(by_row), rows_are_standardized((table - table.mean(0)) / table.std(0))
    (True, False)
    """
    if table.ndim != 2 or table.dtype.kind != "f" or len(table) < 2 or not 3 <= table.shape[1] <= limits.TABLE_COLUMNS:
        return False
    values = table.astype("float64")
    means, deviations = values.mean(axis=1), values.std(axis=1)
    near = limits.TABLE_ROUNDING
    rows = bool((abs(means) < near).all() and (abs(deviations - 1) < near).all())
    return rows and bool((abs(values.mean(axis=0)) > limits.TABLE_APART).any())
