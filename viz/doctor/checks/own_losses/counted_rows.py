"""Why no row counts in a loss: sample weights of 0, a mask that is False everywhere, or labels that are all ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import Tensor
from viz.doctor.check_base import host, tensors

__all__ = ["CountedRows"]


class CountedRows:
    """Remembers whether any row of the batches that were looked at counts in a loss.

    Attributes:
        weighted: whether some sample weight differs from 0; None without sample weights.
        place: the line of a custom loss that multiplies everything by 0; None for other reasons.
    """

    def __init__(self) -> None:
        self.weighted: bool | None = None
        self.place: Any = None
        self._counted = False
        self._ignored = ""

    def on_train_step(self, batch: Any) -> None:
        """Look at the sample weights of a batch, `(x, y, sample_weight)`."""
        if isinstance(batch, tuple) and len(batch) > 2 and batch[2] is not None:
            some = any(host(w.data).any() for w in tensors(batch[2]))
            self.weighted = bool(self.weighted) or some

    def on_loss(self, loss: Any, inputs: Any) -> None:
        """Look at the labels of a loss and at the mask of its predictions."""
        labels, predicted = inputs if isinstance(inputs, tuple) and len(inputs) == 2 else (None, None)
        mask = getattr(predicted, "mask", None)
        ignored = getattr(loss, "settings", {}).get("ignore_class")
        if mask is not None and not host(mask.data).any():
            self._ignored = "the mask of the predictions leaves out every one of them"
        elif ignored is not None and (host(labels.data if isinstance(labels, Tensor) else labels) == ignored).all():
            self._ignored = f"each label is {ignored}, which ignore_class={ignored} leaves out"
        else:
            self._counted = True

    def on_mask(self, op: str, inputs: Any, place: Callable[[], Any]) -> None:
        """Look at an op that may leave out values of a custom loss: `multiply` by a mask, or `where`."""
        masks = inputs[:1] if op == "where" else inputs
        known = [x for x in masks if not isinstance(x, Tensor) or x.key is None]
        data = [host(x.data if isinstance(x, Tensor) else x) for x in known]
        if not self._ignored and any(x.size > 1 and not x.any() for x in data):
            self.place = place()
            self._ignored = f"{op} leaves everything out of the loss, with a mask that is 0 everywhere"

    @property
    def ignored(self) -> str:
        """Why no label counts; empty where some did."""
        return "" if self._counted else self._ignored
