"""`vanishing_gradient.padding`: sequences that end with padding, which a recurrent layer reads to its end."""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, tensors
from viz.doctor.facts.layer_kinds import is_embedding, reads_to_the_end
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import layer_label

__all__ = ["Padding", "tail_of"]

_PADDED = 0.25  # of the steps of a sequence are zeros behind its last token
_PADDED_ROWS = 0.5  # of the sequences end with so many
_PADDED_EMPTY = 0.2  # of the sequences are nothing but padding, at most: more are data that were lost
_PADDED_STEPS = 12  # an LSTM, whose gates begin at 0.73, keeps a fiftieth over so many, and others less
_PADDED_LEARNS = 0.7  # of the first losses are the last ones: then padding does little harm
_KEY = ("vanishing_gradient", "padding")


class Tail(NamedTuple):
    """The zeros that most sequences of a batch end with.

    Attributes:
        steps: how many steps they take up in the median sequence.
        share: of all steps, on average.
        certain: are they as many as each sequence is too short by, and are there none elsewhere?
    """

    steps: int
    share: float
    certain: bool


class Padding(Check):
    """Remembers which sequences end with padding, and which recurrent layers read it last, without a mask.

    What looks like padding may be data. Unless it is certain, and long, it is told only where nothing is learnt. Where
    the loss falls nevertheless, it is no more than a hint: some states last through some padding.
    """

    rules = {
        "vanishing_gradient.padding": Rule(
            "warning",
            "the sequences end with padding: in the median row the last {padding} of {steps} steps are 0 alone. Layer "
            "{reader!l} reads on to the end without a mask{lost}, so in the state that it ends with {left} of what "
            "came before the padding",
            "Pad at the beginning of the sequences, pad_sequences(..., padding='pre'). Or pad with a number that "
            "nothing else has, and let the layers skip it: Embedding(..., mask_zero=True) for tokens, or "
            "layers.Masking(mask_value=0.0) as the first layer; what stands between hands the mask on if it has "
            "supports_masking = True.",
        )
    }

    always = ("on_gradients",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._tails: dict[tuple[int, ...], tuple[Tail, Any]] = {}  # by rows and steps; with the Embedding
        self._seen = 0
        self._found: tuple[Any, Any, Tail, int] | None = None
        self._told = False
        self._losses: list[float] = []

    def on_call(self, opened: Any) -> None:
        layer, given = opened.owner, tensors(opened.scope.inputs)
        if not given or self._told:
            return
        if self.watch.outermost() or is_embedding(layer):
            for x in given:
                found = tail_of(host(x.data)) if x.key is None and x.data.ndim > 1 else None
                if found is not None:
                    self._tails[x.data.shape[:2]] = found, layer if is_embedding(layer) else None
        elif reads_to_the_end(layer, [scope.owner for scope in self.watch.scopes]):
            x, shape = given[0], given[0].data.shape[:2]
            masks = [each for each in given[1:] if each.data.dtype.kind == "b" and each.data.shape == shape]
            if x.data.ndim == 3 and shape in self._tails and getattr(x, "mask", None) is None and not masks:
                self._count(layer, *self._tails[shape], shape[1])

    def on_step_end(self) -> None:
        self._tails.clear()

    def finish(self) -> None:
        """Name it as the cause where the network tells nothing apart, and as no more than a hint where it does."""
        ends = self._losses[: limits.FIRST], self._losses[-limits.WINDOW :]
        learns = len(self._losses) >= limits.WINDOW and (
            statistics.fmean(ends[1]) < _PADDED_LEARNS * statistics.fmean(ends[0])
        )
        if self._found is not None and self._told and learns:
            self.watch.retract(_KEY)
            self._tell(*self._found, severity="info")
        elif self._found is not None and not self._told and self.watch.has("constant_output", "not_learning"):
            self._tell(*self._found)

    def on_gradients(self, gradients: Gradients) -> None:
        """Follow the loss: its first values and its last ones."""
        self._losses = [*self._losses[: limits.FIRST], *self._losses[limits.FIRST :][-limits.WINDOW :], gradients.value]

    def _count(self, layer: Any, tail: Tail, embedding: Any, steps: int) -> None:
        self._seen += 1
        self._found = layer, embedding, tail, steps
        if self._seen >= limits.FIRST and tail.certain and tail.steps >= _PADDED_STEPS:
            self._tell(*self._found)

    def _tell(self, layer: Any, embedding: Any, tail: Tail, steps: int, severity: str = "warning") -> None:
        self._told = True
        lost = embedding is not None and embedding.mask_zero
        self.tell(
            "vanishing_gradient.padding",
            severity,
            layer=layer if embedding is None or lost else embedding,
            key=_KEY,
            reader=layer,
            lost=f"; the mask of layer {layer_label(embedding)!r} is lost on the way" if lost else "",
            left="less is left" if severity == "info" else "little is left",
            ratio=1 - tail.share,
            steps=steps,
            padding=tail.steps,
            sizes=[],
        )


def tail_of(values: numpy.ndarray) -> Tail | None:
    """The zeros that most sequences end with; None where they don't, or the batch tells too little.

    Args:
        values: (rows, steps) of tokens, or (rows, steps, features).

    >>> words = numpy.arange(1, 401).reshape(20, 20) * (numpy.arange(20) < numpy.arange(1, 21)[:, None])
    >>> found = tail_of(words)
    >>> found.steps, found.certain
    (9, True)
    >>> tail_of(words[:, ::-1]) is None
    True
    """
    if values.ndim not in (2, 3) or values.dtype.kind not in "iuf" or min(values.shape[:2]) < limits.WINDOW:
        return None
    blank = ~numpy.asarray(values.reshape(*values.shape[:2], -1).any(axis=2))
    tails = (numpy.cumsum(~blank[:, ::-1], axis=1) == 0).sum(axis=1)
    empty, shares = tails == values.shape[1], tails / values.shape[1]
    if empty.mean() > _PADDED_EMPTY or float((shares >= _PADDED).mean()) < _PADDED_ROWS:
        return None
    certain = blank.sum() == tails.sum() and len(numpy.unique(tails)) > 2
    return Tail(int(numpy.median(tails[~empty])), float(shares.mean()), bool(certain))
