"""`vanishing_gradient.padding`: sequences that end with padding, which a recurrent layer reads to its end."""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, key_of, tensors, values_of
from viz.doctor.facts.layer_kinds import is_embedding, is_recurrent, reads_to_the_end
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import layer_label
from viz.doctor.user_code import loss_weights, user_line
from viz.recorder.descriptions import flat

__all__ = ["CountedPadding", "Padding", "tail_of"]

_COUNTED = 0.3  # of all labels are padding
_PADDED_EMPTY = 0.2  # of the sequences are nothing but padding, at most: more are data that were lost
_PADDED_STEPS = 12  # an LSTM, whose gates begin at 0.73, keeps a fiftieth over so many, and others less
_KEY = ("vanishing_gradient", "padding")


class Tail(NamedTuple):
    """The zeros that most sequences of a batch end with."""

    steps: int  # that they take up in the median sequence
    share: float  # of all steps, on average
    certain: bool  # are they as many as each sequence is too short by, and are there none elsewhere?


class CountedPadding(Check):
    """Compares labels with tokens: where all rows end with one token, a loss that counts it learns little else."""

    rules = {
        "class_imbalance.padding": Rule.warning(
            "{share:.0%} of the labels are {label}, the padding behind the ends of the rows, and the loss counts them "
            "like any other: it falls by answering padding",
            "Leave it out: ignore_index in cross_entropy, ignore_class in SparseCategoricalCrossentropy, or a mask.",
        )
    }

    def begin(self) -> None:
        self._tokens: list[numpy.ndarray] = []
        self._count = 0

    def on_call(self, opened: Any) -> None:
        if self.watch.outermost():
            given = [x.data for x in tensors(opened.scope.inputs) if x.data.ndim == 2 and x.data.dtype.kind in "iu"]
            self._tokens = [host(x) for x in given]

    def on_loss_end(self, opened: Any, outputs: Any) -> None:
        """Only where the loss is one number: others may leave rows out yet."""
        made, given = tensors(outputs), opened.scope.inputs
        if len(made) != 1 or made[0].data.size != 1 or made[0].key is None or not isinstance(given, tuple):
            return
        labels = values_of(given[0]) if given and hasattr(given[0], "dtype") else None
        ignores = getattr(opened.owner, "settings", {}).get("ignore_class")
        if labels is None or labels.dtype.kind not in "iu" or ignores is not None:
            return
        if loss_weights(opened.frame) is not None or any(getattr(x, "mask", None) is not None for x in given):
            return
        for tokens in self._tokens:
            if labels.size == tokens.size and len(tokens) >= limits.WINDOW:
                ends = _ends(tokens)
                padded = labels.reshape(tokens.shape)[ends] if ends is not None else numpy.zeros(0)
                if ends is not None and len(numpy.unique(padded)) == 1 and ends.mean() >= _COUNTED:
                    self._count += 1
                    if self._count == limits.FIRST:
                        about = {"share": float(ends.mean()), "label": int(padded[0]), "recall_of_others": 0.0}
                        self.tell("class_imbalance.padding", place=user_line(opened.frame, None), **about)


def _ends(tokens: numpy.ndarray) -> numpy.ndarray | None:
    """Where one token fills rows of unequal length up to their ends; None where it doesn't."""
    kinds, counts = numpy.unique(tokens[:, -1], return_counts=True)
    ends = numpy.cumsum(tokens[:, ::-1] != kinds[counts.argmax()], axis=1)[:, ::-1] == 0
    lengths = ends.sum(axis=1)
    usual = counts.max() >= limits.MOST * len(tokens) and len(numpy.unique(lengths)) > 2
    return ends if usual and (tokens == kinds[counts.argmax()]).sum() == ends.sum() else None


class Padding(Check):
    """Remembers which sequences end with padding, and which recurrent layers read it last, without a mask.

    What looks like padding may be data. Unless it is certain, and long, it is told only where nothing is learnt. Where
    the loss falls nevertheless, it is no more than a hint: some states last through some padding.
    """

    rules = {
        "vanishing_gradient.padding": Rule.warning(
            "the sequences end with padding: in the median row the last {padding} of {steps} steps are 0 alone. Layer "
            "{reader!l} reads on to the end without a mask{lost}, so in its last state {left} of what came before",
            "Pad at the beginning, pad_sequences(..., padding='pre'); or let layers skip the padding: Embedding(..., "
            "mask_zero=True) for tokens, or layers.Masking(mask_value=0.0), and supports_masking = True in between.",
        )
    }

    always = ("on_gradients",)

    def begin(self) -> None:
        self._tails: dict[tuple[int, ...], tuple[Tail, Any]] = {}  # by rows and steps; with the Embedding
        self._seen = 0
        self._found: tuple[Any, Any, Tail, int] | None = None
        self._told = False
        self._place: Any = None
        self._waiting: Any = None  # a layer whose last state may be used, and the padding that it reads
        self._states: Any = None  # the keys of all its states, and of the last one
        self._lasts: set[Any] = set()
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
        elif is_recurrent(layer) or reads_to_the_end(layer, [scope.owner for scope in self.watch.scopes]):
            x, shape = given[0], given[0].data.shape[:2]
            masks = [each for each in given[1:] if each.data.dtype.kind == "b" and each.data.shape == shape]
            if x.data.ndim == 3 and shape in self._tails and getattr(x, "mask", None) is None and not masks:
                read = layer, *self._tails[shape], shape[1]
                self._waiting = read if is_recurrent(layer) else None
                if self._waiting is None:
                    self._count(*read)

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        """Of all states, and the last one, it counts which of them is used."""
        if self._waiting is not None and opened.owner is self._waiting[0]:
            states, *last = [x.key for x in tensors(outputs)]
            self._states, self._lasts = states, {*last} - {None}

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self._waiting is None or self._states is None or not inputs:
            return
        index = flat(settings[0]) if op.means == "take_index" and settings else ()
        last = key_of(inputs[0]) == self._states and any(each is not None and each == -1 for each in index)
        if last or any(key_of(x) in self._lasts for x in inputs):
            self._place = self.watch.place()
            self._count(*self._waiting)
            self._waiting = self._states = None

    def on_step_end(self) -> None:
        self._tails.clear()

    def finish(self) -> None:
        """Name it as the cause where the network tells nothing apart, and as no more than a hint where it does."""
        ends = self._losses[: limits.FIRST], self._losses[-limits.WINDOW :]
        learns = len(self._losses) >= limits.WINDOW and (
            statistics.fmean(ends[1]) < limits.LEARNT * statistics.fmean(ends[0])
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
        left = "less is left" if severity == "info" else "little is left"
        lost_at = f"; the mask of layer {layer_label(embedding)!r} is lost on the way" if lost else ""
        at = {"layer": layer if embedding is None or lost else embedding, "key": _KEY, "place": self._place}
        numbers = {"ratio": 1 - tail.share, "steps": steps, "padding": tail.steps, "sizes": []}
        self.tell("vanishing_gradient.padding", severity, reader=layer, lost=lost_at, left=left, **at, **numbers)


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
    if empty.mean() > _PADDED_EMPTY or float((shares >= limits.A_PART).mean()) < limits.MOST:
        return None
    certain = blank.sum() == tails.sum() and len(numpy.unique(tails)) > 2
    return Tail(int(numpy.median(tails[~empty])), float(shares.mean()), bool(certain))
