"""`label_leak.copied`: tokens that are to be answered with themselves, where the next ones were meant."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, layers
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.checks.losses import is_ours, loss_kind
from viz.doctor.variable_owners import layers_in

__all__ = ["Copied"]

_ENOUGH = 3  # batches
_ATTENTION = (layers.MultiHeadAttention, layers.Attention)
_NARROW = (layers.RepeatVector, layers.Flatten, layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)


class Copied(Check):
    """Compares the labels of each position with the tokens that the model is given there."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._tokens: numpy.ndarray | None = None
        self._model: Any = None
        self._alike = 0

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if opened.kind in ("model", "layer"):
            if self.watch.outermost():
                found = [x for x in tensors(given) if x.data.ndim == 2 and x.data.dtype.kind in "iu"]
                self._tokens = host(found[0].data) if len(found) == 1 else None
                self._model = opened.owner
            return
        if opened.kind != "loss" or self._tokens is None or not isinstance(given, tuple) or len(given) != 2:
            return
        labels, answers = given
        if not is_ours(opened.owner) or loss_kind(opened.owner) != "sparse" or not isinstance(answers, Tensor):
            return
        numbers = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        shape = answers.data.shape
        positions = len(shape) == 3 and shape[1] > 1 and shape[2] > 2 and numbers.shape[:2] == self._tokens.shape
        fits = positions and numbers.size == self._tokens.size
        same = fits and bool((numbers.reshape(shape[:2]) == self._tokens).all())
        several = same and len(numpy.unique(self._tokens)) > 2
        self._alike = self._alike + 1 if several else 0
        if self._alike == _ENOUGH and _reads_on(self._model):
            self.watch.report(
                "label_leak.copied",
                "warning",
                f"the labels are the inputs themselves: at each of the {shape[1]} positions the network is to answer "
                "with the very token that it is given there, so it learns to copy, and not which token comes next",
                place=self.watch.called_at(),
                key=("label_leak", "copied"),
                evidence={"share": 1.0, "rows": len(numbers), "column": 0},
            )


def _reads_on(model: Any) -> bool:
    """Does a model read from the first position to the last, and hand on what it knows at each of them?

    One that hands a whole sequence on as one vector, as an autoencoder does, has something to learn; and one that
    looks at each token alone can't be meant to know the next.
    """
    inner = layers_in(model)
    both_ways = {id(each) for layer in inner if isinstance(layer, layers.Bidirectional) for each in layers_in(layer)}
    recurrent = [layer for layer in inner if isinstance(layer, layers.RNN) and id(layer) not in both_ways]
    narrow = any(isinstance(layer, _NARROW) or not getattr(layer, "return_sequences", True) for layer in inner)
    return not narrow and (bool(recurrent) or any(isinstance(layer, _ATTENTION) for layer in inner))
