"""Metrics of a batch that is shared: each rank counts its own rows, and what is read are the counts of all.

State is in one of two forms. "In parts", each rank holds what it has counted itself; "whole", all ranks hold what all
have counted. When numbers are read, all ranks together make it whole; before the next step it becomes parts again, in
which rank 0 keeps everything and the others start over, so that nothing is ever counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy

from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.variable import Variable
from eagerflow.distribution.batch_shard import BatchShard
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["DistributedMetrics"]


class DistributedMetrics:
    """The metrics of a model whose batches are shared.

    Args:
        model: the model.
        ranks: who share them.
    """

    def __init__(self, model: Any, ranks: Communicator) -> None:
        self._model = model
        self._ranks = ranks
        self._whole = True
        self._before: list[tuple[Variable, Any]] | None = None

    def begin(self, shard: BatchShard) -> None:
        """Before a step: what it counts is this rank's part."""
        if self._whole:
            self._whole = False
            if self._ranks.rank:
                for variable, aggregation in self._states():
                    if aggregation == "sum":
                        variable.clear()
        self._before = None if shard.own else [(v, v.data.copy()) for v, _ in self._states()]

    def end(self) -> None:
        """After a step: one that was made on a borrowed row has counted nothing."""
        if self._before is None:
            return
        known = {id(v): array for v, array in self._before}
        for variable, _ in self._states():
            if id(variable) in known:
                variable.data = known[id(variable)]
            else:
                variable.clear()
        self._before = None

    def merge(self) -> None:
        """Make state whole; all ranks call it at the same step."""
        if self._whole:
            return
        self._whole = True
        states = list(self._states())
        by = {"sum": 1, "mean": self._ranks.size}
        added = [(v, by[aggregation]) for v, aggregation in states if aggregation in by]
        self._together([v for v, _ in added], self._ranks.all_reduce, [n for _, n in added])
        for op in ("max", "min"):
            chosen = [v for v, aggregation in states if aggregation == op]
            self._together(chosen, partial(self._ranks.all_reduce, op=op), [1] * len(chosen))
        first = [v for v, aggregation in states if aggregation in ("only_first_replica", "none")]
        self._together(first, self._ranks.broadcast, [1] * len(first))

    def _together(self, variables: Sequence[Variable], reduce: Callable[[Any], None], divided: Sequence[int]) -> None:
        """Let all variables take what becomes of them in one array of doubles."""
        if not variables:
            return
        flat = numpy.concatenate([to_host(v.data).reshape(-1).astype("float64") for v in variables])
        reduce(flat)
        start = 0
        for variable, by in zip(variables, divided):
            size, kind = variable.data.size, variable.data.dtype
            found = (flat[start : start + size] / by).reshape(variable.data.shape).astype(kind)
            variable.data = place(found, device_of(variable.data))
            start += size

    def _states(self) -> Iterator[tuple[Variable, str]]:
        """All state that ranks count in parts, with what makes it whole."""
        metrics = self._model.metrics
        seen = {id(v) for m in metrics if m._gathers for v in m.variables}
        for metric in metrics:
            if metric._gathers:
                continue
            for variable in metric.variables:
                if id(variable) not in seen:
                    seen.add(id(variable))
                    yield variable, metric._aggregations.get(variable.identity, "sum")
