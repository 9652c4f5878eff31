"""`class_imbalance.counted`: padding that is one of the classes, so that most of the accuracy is that of padding."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.loss_questions import is_ours, loss_kind

__all__ = ["PaddingClass", "padding_share"]

_PADDING_COUNTED = 0.4  # of the labels: from here on, an accuracy is more one of padding than of words

_FIXES = {
    "class_imbalance.counted": (
        "Leave padding out of the loss and the accuracy: Embedding(..., mask_zero=True), whose mask both heed; or "
        "fit(..., sample_weight=(tokens != 0)) with weighted_metrics instead of metrics."
    )
}


class PaddingClass(Check):
    """Compares labels of sequences, one for each step, with the zeros that the sequences themselves end with.

    Taggers of padded sentences reach an accuracy of 95 % so, and people believe it.
    """

    fixes = _FIXES

    begins = ("model", "layer", "step", "loss", "metric")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._tokens: list[numpy.ndarray] = []
        self._weighed = False
        self._shares: list[float] = []
        self._shape: tuple[int, ...] = ()
        self._accuracy = ""

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if opened.kind == "step":
            self._weighed = isinstance(given, tuple) and len(given) > 2 and given[2] is not None
        elif opened.kind in ("model", "layer"):
            if self.watch.outermost() and self.watch.step < limits.WINDOW:
                self._tokens = [x for x in map(_whole, tensors(given)) if x is not None]
        elif self._weighed or not isinstance(given, tuple) or len(given) != 2:
            return
        elif opened.kind == "metric":
            name = type(opened.owner).__name__ + str(getattr(opened.owner, "name", ""))
            if self._shares and "acc" in name.lower() and _labels_of(given[0]) == self._shape:
                self._judge(opened.owner)
        elif self._tokens and is_ours(opened.owner) and loss_kind(opened.owner) in ("sparse", "categorical"):
            self._answered(opened.owner, given)

    def _answered(self, loss: Any, given: Any) -> None:
        labels, predicted = given
        settings = getattr(loss, "settings", {})
        masked = getattr(predicted, "mask", None) is not None or settings.get("ignore_class") is not None
        if masked or not isinstance(predicted, Tensor) or predicted.key is None or predicted.data.ndim != 3:
            return
        values = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        if values.shape == predicted.data.shape and loss_kind(loss) == "categorical":
            values = values.argmax(axis=-1)
        values = values.reshape(values.shape[:2]) if values.ndim == 3 and values.shape[2] == 1 else values
        for tokens in self._tokens:
            share = padding_share(tokens, values)
            if share:
                self._shares.append(share)
                self._shape = _labels_of(labels)
                return

    def _judge(self, metric: Any) -> None:
        share = float(numpy.mean(self._shares))
        if len(self._shares) < limits.FIRST or share < _PADDING_COUNTED:
            return
        self.watch.report(
            "class_imbalance.counted",
            "warning",
            f"{share:.0%} of the labels are the padding behind the sequences (0, where the tokens are 0, too), and "
            f"the loss and {getattr(metric, 'name', 'the accuracy')!r} count it as a class: answering 0 for everything "
            f"gets {share:.0%} already",
            place=self.watch.called_at(),
            key=("class_imbalance", "counted"),
            evidence={"share": share, "recall_of_others": 0.0},
        )


def padding_share(tokens: numpy.ndarray, labels: numpy.ndarray) -> float:
    """Which part of labels stands for padding: they are 0 where the tokens end with zeros, and nowhere else.

    >>> tokens = numpy.array([[7, 3, 0, 0], [4, 0, 0, 0], [5, 6, 1, 0]])
    >>> padding_share(tokens, numpy.array([[1, 2, 0, 0], [1, 0, 0, 0], [2, 2, 1, 0]]))
    0.5
    >>> padding_share(tokens, numpy.array([[0, 2, 0, 0], [1, 0, 0, 0], [2, 2, 1, 0]]))  # 0 is a label of words, too
    0.0
    """
    if tokens.shape != labels.shape or tokens.ndim != 2 or labels.dtype.kind not in "iuf":
        return 0.0
    padding = labels == 0
    behind = numpy.cumsum(tokens[:, ::-1] != 0, axis=1)[:, ::-1] == 0
    lengths = behind.sum(axis=1)
    if not numpy.array_equal(padding, behind) or lengths.min() == lengths.max():
        return 0.0
    return float(padding.mean())


def _whole(x: Any) -> numpy.ndarray | None:
    """Numbers of tokens, rows first; None for anything else."""
    values = host(x.data)
    whole = values.ndim == 2 and values.size and (values.dtype.kind in "iu" or bool((values % 1 == 0).all()))
    return values if whole else None


def _labels_of(labels: Any) -> tuple[int, ...]:
    return tuple(getattr(labels, "shape", ()))
