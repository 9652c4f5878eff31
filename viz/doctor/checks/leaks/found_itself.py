"""`label_leak.itself`: a contrastive loss in which each row is compared with itself, too, and is to find itself."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host

__all__ = ["FoundItself", "finds_itself"]


class FoundItself(Check):
    """Looks at similarities of all rows that a crossentropy takes for the logits of classes."""

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name != "sparse_softmax_crossentropy" or error is not None or len(inputs) < 2:
            return
        labels, logits = (host(x.data if isinstance(x, Tensor) else x) for x in inputs[:2])
        if getattr(inputs[1], "key", None) is None or not finds_itself(labels, logits):
            return
        self.watch.report(
            "label_leak.itself",
            "warning",
            f"of {len(logits)} rows, each is compared with all {len(logits)}, itself included, and the label is the "
            "row itself: nothing is as much like a row as the row itself, so there is nothing to be learnt",
            place=self.watch.own_line() or self.watch.called_at(),
            key=("label_leak", "itself"),
            evidence={"rows": len(logits), "next": 0.0, "correlation": 1.0},
        )


def finds_itself(labels: numpy.ndarray, logits: numpy.ndarray) -> bool:
    """Are logits the similarities of rows with the same rows, and is the diagonal the answer?

    >>> rows = numpy.random.default_rng(0).normal(size=(16, 4))
    >>> rows /= numpy.linalg.norm(rows, axis=1, keepdims=True)
    >>> finds_itself(numpy.arange(16), rows @ rows.T), finds_itself(numpy.arange(16), rows @ rows[::-1].T)
    (True, False)
    """
    n = len(logits)
    if logits.shape != (n, n) or n < limits.ORDER_ROWS or not numpy.array_equal(labels.reshape(-1), numpy.arange(n)):
        return False
    size = float(abs(logits).max())
    alike = bool((abs(logits - logits.T) <= limits.SYMMETRIC * size).all())
    return alike and bool((logits.diagonal()[:, None] >= logits - limits.SYMMETRIC * size).all()) and size > 0
