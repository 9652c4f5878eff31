"""`vanishing_gradient.padding`: sequences that end with padding, which a recurrent layer reads to its end."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import layers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host
from viz.doctor.program import layer_label

__all__ = ["Padding"]


class Padding(Check):
    """Remembers the tokens that an `Embedding` without `mask_zero` is given, and who reads their vectors."""

    begins = ("layer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._padded: tuple[Any, tuple[int, ...], float] | None = None  # the layer, the tokens' shape, mean padding
        self._seen = 0

    def on_scope_begin(self, opened: Any) -> None:
        layer, given = opened.owner, first_tensor(opened.scope.inputs)
        if given is None or self._seen > limits.FIRST:
            return
        if isinstance(layer, layers.Embedding):
            share = 0.0 if layer.mask_zero else _padding(host(given.data))
            self._padded = (layer, tuple(given.data.shape), share) if share else None
        elif self._padded is not None and isinstance(layer, layers.RNN) and not layer.return_sequences:
            embedding, shape, share = self._padded
            masked = getattr(given, "mask", None) is not None or layer.go_backwards
            if not masked and tuple(given.data.shape[:2]) == shape and not self._wrapped():
                self._seen += 1
                if self._seen == limits.FIRST:
                    self._tell(embedding, layer, shape, share)

    def _wrapped(self) -> bool:
        """A layer that reads both ways meets the words last, too."""
        return any(isinstance(scope.owner, layers.Bidirectional) for scope in self.watch.scopes)

    def on_step_end(self) -> None:
        self._padded = None

    def _tell(self, embedding: Any, layer: Any, shape: tuple[int, ...], share: float) -> None:
        self.watch.report(
            "vanishing_gradient.padding",
            "warning",
            f"the sequences end with padding (0 in {share:.0%} of their {shape[1]} steps, on average), and layer "
            f"{layer_label(layer)!r} reads it to the end: what it gives is its state after all those zeros, in which "
            "little is left of the words before them",
            layer=embedding,
            key=("vanishing_gradient", "padding"),
            evidence={"ratio": 1 - share, "steps": shape[1], "sizes": []},
        )


def _padding(tokens: numpy.ndarray) -> float:
    """The share of zeros behind the last token, where most rows have many, of unequal numbers; 0 for anything else."""
    if (
        tokens.ndim != 2
        or tokens.dtype.kind not in "iu"
        or len(tokens) < limits.WINDOW
        or tokens.shape[1] < limits.WINDOW
    ):
        return 0.0
    tails = (numpy.cumsum(tokens[:, ::-1] != 0, axis=1) == 0).sum(axis=1)
    inside = int((tokens == 0).sum() - tails.sum())
    shares = tails / tokens.shape[1]
    padded = float((shares >= limits.PADDED).mean()) >= limits.PADDED_ROWS and len(numpy.unique(tails)) > 2
    return float(shares.mean()) if padded and not inside and not (shares == 1).any() else 0.0
