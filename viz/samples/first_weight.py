"""What reaches the first weight of a model: samples as the network meets them."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, Variable
from eagerflow.core.observe import Observer, observing, unobserved
from viz.samples.row_keys import host

__all__ = ["at_first_weight"]

_PREPARING = "eagerflow.layers.preprocessing"


class _Reached(Exception):
    """The first weight was read."""


class _Waiting(Observer):
    """Ends the run at the first op that reads a weight together with data."""

    def __init__(self, weights: set[int], rows: int) -> None:
        self._weights = weights
        self._rows = rows
        self._copies: list[Tensor] = []  # of weights, in another type
        self.found: numpy.ndarray | None = None
        self.weight = ""

    def on_op(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        outputs: Any,
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        given = [x for x in inputs if isinstance(x, Tensor)]
        weights = [x for x in given if id(x) in self._weights or any(x is copy for copy in self._copies)]
        data = [x for x in given if not any(x is w for w in weights) and x.shape[:1] == (self._rows,)]
        if weights and data:
            self.found = host(data[0]).copy()
            self.weight = next((x.path for x in weights if isinstance(x, Variable)), op.name)
            raise _Reached
        if weights and isinstance(outputs, Tensor):
            self._copies.append(outputs)


def at_first_weight(model: Any, x: list[Any], rows: int) -> tuple[numpy.ndarray | None, str]:
    """What reaches the first weight, and which weight that is; `(None, "")` where no op reads one with data.

    The model is called as in training, so augmentation is part of it, and only as far as that weight.

    Args:
        model: the model.
        x: the arguments of the call.
        rows: how many samples.
    """
    weights = {id(v) for layer in _layers_of(model) for v in layer._ef_state.own_weights if v.dtype.kind == "f"}
    waiting = _Waiting(weights, rows)
    try:
        with unobserved(), observing(waiting):
            model(*x, training=True)
    except _Reached:
        pass
    return waiting.found, waiting.weight


def _layers_of(model: Any) -> list[Any]:
    found = model._flatten_layers() if hasattr(model, "_flatten_layers") else [model]
    return [layer for layer in found if not type(layer).__module__.startswith(_PREPARING)]
