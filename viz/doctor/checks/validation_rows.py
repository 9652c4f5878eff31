"""`validation_overlap`: rows of the validation data that the network is trained with."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host
from viz.doctor.checks.endings import running_fit
from viz.recorder.descriptions import flat

__all__ = ["ValidationRows", "inputs_of", "shared_rows"]


class ValidationRows(Check):
    """Compares the arrays that `fit` was given, once, after the first epoch."""

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._seen: list[Any] = []

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind != "epoch" or "val_loss" not in logs:
            return
        fit = running_fit()
        if fit is None or any(fit is each for each in self._seen):
            return
        self._seen.append(fit)
        train, held = inputs_of(fit.feed), inputs_of(fit.validation)
        if not train or [x.shape[1:] for x in train] != [x.shape[1:] for x in held]:
            return
        if min(len(train[0]), len(held[0])) >= limits.OVERLAP_ROWS:
            self._judge(train, held)

    def _judge(self, train: list[numpy.ndarray], held: list[numpy.ndarray]) -> None:
        overlap, chance, looked = shared_rows(train, held)
        if overlap < limits.OVERLAP or overlap < limits.OVERLAP_CHANCE * chance:
            return
        self.watch.report(
            "validation_overlap",
            "warning",
            f"{overlap:.0%} of {looked} rows of the validation data looked at are in the training data too (by "
            "chance "
            f"it would be about {chance:.0%}): val_loss tells how well they are remembered, not how well others are "
            "answered",
            place=self.watch.called_at(),
            evidence={"overlap": overlap, "chance": chance, "rows": looked},
        )


def shared_rows(train: list[numpy.ndarray], held: list[numpy.ndarray]) -> tuple[float, float, int]:
    """Which part of the held rows is among those to train with, what to expect by chance, and how many were looked at.

    By chance is what equal rows among the training data explain.
    """
    hashes = _hashes(train)
    kinds, at, counts = numpy.unique(hashes, return_index=True, return_counts=True)
    order = numpy.linspace(0, len(held[0]) - 1, min(len(held[0]), limits.OVERLAP_LOOKED)).astype(int)
    asked = _hashes([x[order] for x in held])
    place = numpy.searchsorted(kinds, asked).clip(0, len(kinds) - 1)
    alike = kinds[place] == asked
    rows = at[place[alike]]
    # Hashes are of the bytes of some columns: only equal rows count.
    same = [all((a[i] == b[j]).all() for a, b in zip(train, held)) for i, j in zip(rows, order[alike])]
    return sum(same) / len(order), float((counts[counts > 1]).sum() / len(hashes)), len(order)


def inputs_of(feed: Any) -> list[numpy.ndarray]:
    """The inputs of a feed of arrays; empty for any other."""
    parts = getattr(feed, "parts", None)
    found = list(flat(parts[0] if isinstance(parts, tuple) else parts))
    if parts is None or not all(hasattr(x, "dtype") and x.dtype.kind in "fiub" and x.ndim for x in found):
        return []
    return [host(x) for x in found if x.size]


def _hashes(arrays: list[numpy.ndarray]) -> numpy.ndarray:
    """A number for each row, equal for equal rows of all arrays."""
    found = numpy.zeros(len(arrays[0]), "uint64")
    for rows in arrays:
        columns = rows.reshape(len(rows), -1)
        stride = max(1, columns.shape[1] // limits.OVERLAP_COLUMNS)
        some = numpy.ascontiguousarray(columns[:, ::stride][:, : limits.OVERLAP_COLUMNS], dtype="float64") + 0.0
        factors = numpy.random.default_rng(0).integers(1, 2**63, some.shape[1], dtype="uint64") | numpy.uint64(1)
        found = found * numpy.uint64(31) + (some.view("uint64") * factors).sum(axis=1, dtype="uint64")
    return found
