"""`class_imbalance.padding`: a mask that is turned round, so that the padding counts, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.fit_arrays import inputs_of, labels_of

__all__ = ["CountedPadding", "counts_padding"]


class CountedPadding(Check):
    """Compares the mask that losses are multiplied by, or the weights that `fit` is given, with the zeros of tokens."""

    always = ("on_logs",)
    begins = ("loss", "model", "layer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._labels: numpy.ndarray | None = None
        self._tokens: list[numpy.ndarray] = []  # that the outermost model was given
        self._looked: Any = None

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if opened.kind != "loss":
            if self.watch.heavy and self.watch.outermost():
                self._tokens = [host(x.data) for x in tensors(given) if x.data.ndim == 2]
        elif isinstance(given, tuple) and len(given) == 2:
            self._note(given[0])

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name == "sparse_softmax_crossentropy" and not self.watch.inside("loss"):
            self._note(inputs[0])
        elif op.name == "multiply" and self._labels is not None and getattr(outputs, "key", None) is not None:
            masks = [x for x in inputs if getattr(x, "key", None) is None and hasattr(x, "shape")]
            mask = _array(masks[0]) if len(masks) == 1 else None
            if counts_padding(self._labels, mask) or any(self._ends(tokens, mask) for tokens in self._tokens):
                self._tell(self.watch.own_line() or self.watch.called_at())

    def _ends(self, tokens: numpy.ndarray, mask: numpy.ndarray | None) -> bool:
        """Does a mask leave what stands behind the tokens of the input, all with one label? Gaps are to be filled."""
        whole = tokens.astype("int64")
        if self._labels is None or self._labels.shape != tokens.shape or not numpy.array_equal(whole, tokens):
            return False
        behind = numpy.cumsum(tokens[:, ::-1] != 0, axis=1)[:, ::-1] == 0
        same = len(numpy.unique(self._labels[behind])) == 1
        return same and numpy.array_equal(tokens == 0, behind) and counts_padding(whole, mask)

    def _note(self, labels: Any) -> None:
        found = _array(labels)
        self._labels = found if found is not None and found.dtype.kind in "iu" and found.ndim == 2 else None

    def on_step_end(self) -> None:
        self._labels = None
        self._tokens.clear()

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is None or fit is self._looked:
            return
        self._looked = fit
        parts = getattr(fit.feed, "parts", None)
        weights = _array(parts[2]) if isinstance(parts, tuple) and len(parts) > 2 else None
        tokens = [*inputs_of(fit.feed), labels_of(fit.feed)] if weights is not None else []
        if any(x is not None and counts_padding(x, weights) for x in tokens):
            self._tell(self.watch.called_at())

    def _tell(self, place: Any) -> None:
        self.watch.report(
            "class_imbalance.padding",
            "warning",
            "the weights are 0 for all tokens, and above 0 for the padding (number 0) alone: the loss counts nothing "
            "but the padding",
            place=place,
            key=("class_imbalance", "padding"),
            evidence={"share": 1.0, "recall_of_others": 0.0},
        )


def counts_padding(tokens: numpy.ndarray, weights: numpy.ndarray | None) -> bool:
    """Have just those places a weight that hold no token, but the number 0?

    >>> tokens = numpy.array([[3, 5, 0], [4, 0, 0]])
    >>> counts_padding(tokens, tokens == 0), counts_padding(tokens, tokens != 0)
    (True, False)
    """
    if weights is None or tokens.ndim != 2 or weights.shape != tokens.shape or tokens.dtype.kind not in "iu":
        return False
    padding = tokens == 0
    several = len(numpy.unique(tokens)) > 2
    return several and bool(((weights > 0) == padding).all()) and bool(padding.any())


def _array(x: Any) -> numpy.ndarray | None:
    data = x.data if isinstance(x, Tensor) else x
    return host(data) if hasattr(data, "dtype") else None
