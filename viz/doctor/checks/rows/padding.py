"""`vanishing_gradient.padding`: sequences that end with padding, which a recurrent layer reads to its end."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, layers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, host, number, tensors
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
    """What most sequences of a batch end with.

    Attributes:
        value: the number that all features of those steps have; None where they differ.
        steps: how many steps it takes up in the median sequence.
        share: of all steps, on average.
        certain: is it zeros, as many as each sequence is too short by, and none of them elsewhere?
    """

    value: float | None
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
            "the sequences end with padding: in the median row the last {padding} of {steps} steps are {what}. Layer "
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
        self._unmasked: dict[int, tuple[int, ...]] = {}  # layers that read such sequences in this step
        self._seen = 0
        self._found: tuple[Any, Any, Tail, int] | None = None
        self._told = False
        self._losses: list[float] = []  # the first ones
        self._last: deque[float] = deque(maxlen=limits.WINDOW)

    def on_call(self, opened: Any) -> None:
        layer, given = opened.owner, first_tensor(opened.scope.inputs)
        if given is None or self._told:
            return
        if self.watch.outermost() or isinstance(layer, layers.Embedding):
            for x in tensors(opened.scope.inputs):
                found = tail_of(host(x.data)) if x.key is None and x.data.ndim > 1 else None
                if found is not None:
                    self._tails[x.data.shape[:2]] = found, layer if isinstance(layer, layers.Embedding) else None
        elif isinstance(layer, (layers.RNN, layers.Bidirectional)):
            self._read(layer, opened, given)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """The last step of all that a recurrent layer gave."""
        if op.name != "take_index" or not self._unmasked or error is not None or self._told:
            return
        origin = self.watch.origin(inputs[0])
        shape = None if origin is None else self._unmasked.get(id(origin.layer))
        if origin is not None and shape is not None and inputs[0].data.shape[:2] == shape:
            index = settings[0] if settings else None
            if isinstance(index, tuple) and len(index) > 1 and index[1] in (-1, shape[1] - 1):
                self._count(origin.layer, shape)

    def on_step_end(self) -> None:
        self._tails.clear()
        self._unmasked.clear()

    def finish(self) -> None:
        """Name it as the cause where the network tells nothing apart, and as no more than a hint where it does."""
        if self._found is None:
            return
        learns = len(self._last) == limits.WINDOW and (
            statistics.fmean(self._last) < _PADDED_LEARNS * statistics.fmean(self._losses)
        )
        if self._told and learns:
            self.watch.retract(_KEY)
            self._tell(*self._found, severity="info")
        elif not self._told and self.watch.has("constant_output", "not_learning"):
            self._tell(*self._found)

    def on_gradients(self, gradients: Gradients) -> None:
        """Follow the loss."""
        self._last.append(gradients.value)
        if len(self._losses) < limits.FIRST:
            self._losses.append(gradients.value)

    def _read(self, layer: Any, opened: Any, given: Tensor) -> None:
        shape, inputs = given.data.shape[:2], tensors(opened.scope.inputs)
        masks = [x for x in inputs if x is not given and x.data.dtype.kind == "b" and x.data.shape == shape]
        if given.data.ndim != 3 or shape not in self._tails or getattr(given, "mask", None) is not None or masks:
            return
        self._unmasked[id(layer)] = shape
        last_only = isinstance(layer, layers.RNN) and not layer.return_sequences and not layer.go_backwards
        if last_only and not any(isinstance(scope.owner, layers.Bidirectional) for scope in self.watch.scopes):
            self._count(layer, shape)  # a layer that reads both ways meets the words last, too

    def _count(self, layer: Any, shape: tuple[int, ...]) -> None:
        tail, embedding = self._tails[shape]
        self._seen += 1
        self._found = layer, embedding, tail, shape[1]
        if self._seen >= limits.FIRST and tail.certain and tail.steps >= _PADDED_STEPS:
            self._tell(*self._found)

    def _tell(self, layer: Any, embedding: Any, tail: Tail, steps: int, severity: str = "warning") -> None:
        self._told = True
        lost = embedding is not None and embedding.mask_zero and tail.value == 0
        hint = severity == "info"
        self.tell(
            "vanishing_gradient.padding",
            severity,
            layer=layer if embedding is None or lost else embedding,
            key=_KEY,
            what="steps that are all the same" if tail.value is None else f"{number(tail.value)} alone",
            reader=layer,
            lost=f"; the mask of layer {layer_label(embedding)!r} is lost on the way" if lost else "",
            left="less is left" if hint else "little is left",
            ratio=1 - tail.share,
            steps=steps,
            padding=tail.steps,
            sizes=[],
        )


def tail_of(values: numpy.ndarray) -> Tail | None:
    """The padding that most sequences end with; None where they don't, or the batch tells too little.

    Args:
        values: (rows, steps) of tokens, or (rows, steps, features).

    >>> words = numpy.arange(1, 401).reshape(20, 20) * (numpy.arange(20) < numpy.arange(1, 21)[:, None])
    >>> found = tail_of(words)
    >>> found.value, found.steps, found.certain
    (0.0, 9, True)
    >>> tail_of(words[:, ::-1]) is None
    True
    """
    if values.ndim not in (2, 3) or values.dtype.kind not in "iuf" or min(values.shape[:2]) < limits.WINDOW:
        return None
    steps = values.reshape(*values.shape[:2], -1)
    kinds, counts = numpy.unique(steps[:, -1], axis=0, return_counts=True)
    last = kinds[counts.argmax()]
    if counts.max() < _PADDED_ROWS * len(values):
        return None
    same = (steps == last).all(axis=2)
    tails = (numpy.cumsum(~same[:, ::-1], axis=1) == 0).sum(axis=1)
    empty = tails == values.shape[1]
    shares = tails / values.shape[1]
    if empty.mean() > _PADDED_EMPTY or float((shares >= _PADDED).mean()) < _PADDED_ROWS:
        return None
    alike = bool((last == last[:1]).all())
    inside = int(same.sum() - tails.sum())
    certain = not last.any() and not inside and len(numpy.unique(tails)) > 2
    median = int(numpy.median(tails[~empty]))
    return Tail(float(last[0]) if alike else None, median, float(shares.mean()), certain)
