"""`dropout_high.asked`: networks that are asked for answers behind their training, with their Dropout still at work."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place

__all__ = ["DroppedAnswers"]


class _Asked:
    """A call with training=True that no tape recorded."""

    def __init__(self, owner: Any, rows: Any, layers: list[Any], place: Place | None) -> None:
        self.owner, self.rows, self.layers, self.place = owner, rows, layers, place


class DroppedAnswers(Check):
    """Looks at the calls behind the last step.

    Earlier ones may be meant: an actor tries something out, a teacher answers altered rows, a generator makes what its
    judge is trained on. So may several answers for the same rows be, whose mean is taken (Monte Carlo dropout), and
    rows of the last batch, which a metric is asked about.
    """

    always = ("on_scope_begin", "on_scope_end")
    begins = ("optimizer",)
    ends = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizers: set[int] = set()
        self._trained: set[int] = set()
        self._fed: Any = None  # the rows of the last call that a tape recorded
        self._dropping: list[Any] = []  # the layers that dropped something in the running call
        self._asked: list[_Asked] = []  # since the last step
        self._step = 0
        self._repeats = False  # were several answers asked for the same rows?

    def on_scope_begin(self, opened: Any) -> None:
        self._optimizers.add(id(opened.owner))

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._trained |= {getattr(source, "identity", 0) for source in sources}

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if type(opened.owner).__name__.endswith("Dropout"):
            made = first_tensor(outputs)
            if made is not None and made.key is None and opened.training and opened.owner.rate > 0:
                self._dropping.append(opened.owner)
        if not self.watch.outermost():
            return
        dropping, self._dropping = self._dropping, []
        x, made = first_tensor(opened.scope.inputs), first_tensor(outputs)
        if error is not None or x is None or made is None or self.watch.inside("step"):
            return
        if made.key is not None:
            self._fed = x.data
        elif dropping and opened.training is True and self.watch.step > 0:
            self._note(_Asked(opened.owner, x.data, dropping, self.watch.called_at()))

    def _note(self, asked: _Asked) -> None:
        if self.watch.step != self._step:
            self._step, self._asked = self.watch.step, []
        rows = host(asked.rows)
        if _alike(rows, self._fed) or len(self._asked) >= limits.ASKED_KEPT:
            return
        same = sum(each.owner is asked.owner and _alike(rows, each.rows) for each in self._asked)
        self._repeats = self._repeats or same >= limits.ASKED_AGAIN or _repeats(rows)
        self._asked.append(asked)

    def finish(self) -> None:
        """Judge the calls behind the last step."""
        if self.watch.interrupted or self._repeats or len(self._optimizers) > 1 or self.watch.training.turns:
            return
        if self.watch.step != self._step or self.watch.raw("batchnorm_misuse"):  # which names such a call, too
            return
        for asked in self._asked[:1]:
            if any(v.identity in self._trained for v in getattr(asked.owner, "trainable_variables", ())):
                self._tell(asked)

    def _tell(self, asked: _Asked) -> None:
        layer, more = asked.layers[0], len(asked.layers) - 1
        others = f" (and {more} more)" if more else ""
        self.watch.report(
            "dropout_high.asked",
            "warning",
            f"layer {layer_label(layer)!r}{others} drops {layer.rate:.0%} where the network is asked for answers after "
            "its training, too, as this call says training=True: the answers depend on chance, and are worse than "
            "what was learnt",
            layer=layer,
            place=asked.place,
            key=("dropout_high", "asked"),
            evidence={"rate": layer.rate, "noise": layer.rate, "layers": [layer_label(each) for each in asked.layers]},
        )


def _alike(rows: numpy.ndarray, others: Any) -> bool:
    return others is not None and rows.shape == others.shape and bool((rows == host(others)).all())


def _repeats(rows: numpy.ndarray) -> bool:
    """Does the first row come again, as in a batch that holds the same rows several times?"""
    return rows.ndim > 0 and bool((rows[1:] == rows[:1]).reshape(len(rows) - 1, -1).all(axis=1).any())
