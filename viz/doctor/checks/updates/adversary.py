"""`loss_sign.adversary`: a GAN's generator that is trained to be found out."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.checks.losses import loss_kind
from viz.doctor.program import layer_label

__all__ = ["Adversary"]


class Adversary(Check):
    """Compares the label that a discriminator learns for made rows with the one that the generator aims at.

    Which of the rows that the discriminator learns from are made ones is told by those that it is given within the
    model that trains the generator: in the first steps, made rows are much like each other, and unlike real ones.
    """

    of_script = True
    begins = ("model", "loss")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._model: Any = None  # the outermost one that runs
        self._given: numpy.ndarray | None = None  # its inputs
        self._inner: dict[int, tuple[Any, numpy.ndarray]] = {}  # what models within it are given
        self._learnt: dict[int, dict[bool, numpy.ndarray]] = {}  # by the discriminator: of what kind a label's rows are
        self._alike = 0

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "loss":
            self._judge(opened)
            return
        given = tensors(opened.scope.inputs)
        values = host(given[0].data) if len(given) == 1 and given[0].data.size <= limits.ANSWER_SIZE else None
        if self.watch.outermost():
            self._model, self._given = opened.owner, values
            self._inner.clear()
        elif values is not None and values.ndim > 1:
            self._inner[id(opened.owner)] = opened.owner, _kind(values)

    def _judge(self, opened: Any) -> None:
        given = opened.scope.inputs
        if not isinstance(given, tuple) or len(given) != 2 or loss_kind(opened.owner) != "binary":
            return
        labels = host(given[0].data if isinstance(given[0], Tensor) else numpy.asarray(given[0])).reshape(-1)
        if not labels.size or labels.dtype.kind not in "fiub" or self._given is None or len(self._given) != len(labels):
            return
        inner = [each for key, each in self._inner.items() if key in self._learnt]
        if inner:
            if float(labels.std()) < limits.LABEL_NOISE:
                self._compare(*inner[0], aim=float(labels.mean()))
            return
        kinds = self._learnt.setdefault(id(self._model), {})
        for one in (False, True):
            rows = self._given[(labels > 0.5) == one]
            if len(rows) > 1 and rows.ndim > 1:
                kinds[one] = _kind(rows)

    def _compare(self, discriminator: Any, made: numpy.ndarray, aim: float) -> None:
        kinds = self._learnt[id(discriminator)]
        if len(kinds) < 2 or any(kind.shape != made.shape for kind in kinds.values()):
            return
        same, other = (float(numpy.linalg.norm(kinds[one] - made)) for one in (aim > 0.5, aim <= 0.5))
        self._alike = self._alike + 1 if limits.MADE_APART * same < other else 0
        if self._alike == limits.FIRST:
            label = round(aim)
            self.watch.report(
                "loss_sign.adversary",
                "error",
                f"{layer_label(discriminator)!r} learns the label {label} for what the generator makes, and "
                f"{layer_label(self._model)!r} trains the generator to get {label} for it, too: the generator learns "
                "to be found out, instead of being taken for real",
                place=self.watch.called_at(),
                key=("loss_sign", "adversary"),
                evidence={"perfect": 1.0 - label, "now": aim},
            )


def _kind(rows: numpy.ndarray) -> numpy.ndarray:
    """The mean and the standard deviation of each column."""
    flat = rows.reshape(len(rows), -1).astype("float64")
    return numpy.concatenate([flat.mean(axis=0), flat.std(axis=0)])
