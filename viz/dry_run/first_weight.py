"""What reaches the first weight of a model: data as the network meets them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

from eagerflow.core.observe import Scope, observing
from viz.doctor.facts.host_arrays import array_of, host, is_tensor, is_variable
from viz.recorder.descriptions import flat
from viz.recorder.listening import Listening

__all__ = ["PRODUCTS", "Seen", "at_first_weight"]

PRODUCTS = (
    *("matmul", "dense", "einsum", "conv", "conv_bias", "depthwise_conv", "conv_transpose", "conv_transpose_bias"),
    *("lstm", "gru", "simple_rnn"),
)


class Seen(NamedTuple):
    """What an op was given with a weight."""

    op: str
    layer: Any
    values: numpy.ndarray
    weight: str


class _Reached(Exception):
    """The first weight was read."""


class _FirstWeight:
    """Keeps what the first op is given that has a weight among its inputs, and ends the run there."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self._cast: list[Any] = []  # weights in half precision, as a layer multiplies by them
        self._layers: list[Any] = []

    def on_scope_begin(self, scope: Scope) -> None:
        if scope.kind in ("layer", "model"):
            self._layers.append(scope.owner)

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        if scope.kind in ("layer", "model") and self._layers:
            self._layers.pop()

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, *times: Any) -> None:
        given = [each for each in flat(list(inputs)) if each is not None]
        if op.name == "cast" and is_variable(given[0]) and is_tensor(outputs):
            self._cast.append(outputs)
            return
        product = op.name in PRODUCTS  # in which frozen weights are weights, too, unlike the means of a Normalization
        weights = [each for each in given if self._is_weight(each, product)]
        others = [each for each in given if not any(each is w for w in weights) and getattr(each, "shape", None)]
        if weights and others:
            x = others[0]
            layer = self._layers[-1] if self._layers else None
            values = host(array_of(x)).copy()
            self.seen = Seen(op.name, layer, values, getattr(weights[0], "path", op.name))
            raise _Reached

    def _is_weight(self, given: Any, product: bool) -> bool:
        if is_variable(given):
            return bool(given.trainable or product)
        return any(given is each for each in self._cast)


def at_first_weight(call: Callable[[], Any]) -> Seen | None:
    """What the first weight meets in `call`, which runs only as far as that; None where no op reads one with data."""
    watch = _FirstWeight()
    with contextlib.suppress(_Reached), observing(Listening.to(watch)):
        call()
    return watch.seen
