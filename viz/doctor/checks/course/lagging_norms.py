"""`batchnorm_misuse.validation`: rows to train with are answered as badly as others, once their batch doesn't count."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, no_grad
from eagerflow.core import random
from eagerflow.core.observe import unobserved
from viz.doctor.check_base import host, tensors
from viz.doctor.loss_questions import value_of
from viz.doctor.variable_owners import layers_in

__all__ = ["TrainedBatch"]

_LAG_EXPLAINS = 0.5  # of what a validation loss is higher by, rows to train with are, too, in inference mode
_LAG_ANSWERS = 0.25  # of their variance, by which the answers to these rows differ between the two modes


class TrainedBatch:
    """The last batch that a model with BatchNormalization was trained with, which can be answered in inference mode.

    In that mode the layer takes its moving averages. As long as these lag behind, the very rows that were trained with
    get a high loss, too, and a high validation loss is no matter of rows that were learnt by heart.
    """

    def __init__(self) -> None:
        self._model: Any = None
        self._norms: list[Any] = []
        self._given: Any = None
        self._answers: numpy.ndarray | None = None
        self._losses: list[tuple[Any, Any]] = []  # each with its labels

    def answered(self, opened: Any, outputs: Any) -> None:
        """Hear of what a model answers."""
        found = tensors(outputs)
        if not found or found[0].key is None or not opened.training:
            return
        if opened.owner is not self._model:
            self._model = opened.owner
            inside = layers_in(opened.owner)
            known = [each for each in inside if type(each).__name__ == "BatchNormalization" and each.trainable]
            self._norms = [] if any(getattr(each, "stateful", False) for each in inside) else known
        self._losses = []
        self._given, self._answers = None, None
        if self._norms and len(found) == 1 and isinstance(opened.scope.inputs, tuple):
            self._given, self._answers = opened.scope.inputs, host(found[0].data)

    def judged(self, opened: Any) -> None:
        """Hear of a loss."""
        given = opened.scope.inputs
        if self._given is not None and isinstance(given, tuple) and len(given) == 2:
            labels = given[0].data if isinstance(given[0], Tensor) else numpy.asarray(given[0])
            self._losses.append((opened.owner, labels))

    @property
    def norm(self) -> Any:
        """The layer whose averages have most of what they began with."""
        return max(self._norms, key=lambda each: float(each.momentum), default=None)

    def lags(self, trained: float, validation: float) -> float | None:
        """The loss of that batch in inference mode, where it explains most of a validation loss; None where it doesn't.

        Args:
            trained: the loss of rows that are trained with.
            validation: the loss of others, which is higher.
        """
        if self._given is None or self._answers is None or len(self._losses) > 1:
            return None
        inputs = [each for each in self._given if not isinstance(each, bool)]
        try:
            with unobserved(), no_grad(), random.frozen():
                made = tensors(self._model(*inputs, training=False))
        except Exception:  # noqa: BLE001  (a call that wants more than that can't be asked)
            return None
        if len(made) != 1 or made[0].data.shape != self._answers.shape:
            return None
        answers = host(made[0].data)
        if not self._losses:  # written by hand: then the answers themselves have to be others
            moved = float(numpy.square(answers - self._answers).mean())
            return validation if moved > _LAG_ANSWERS * float(self._answers.var()) else None
        loss, labels = self._losses[0]
        now = value_of(loss, host(labels), answers)
        return now if now - trained >= _LAG_EXPLAINS * (validation - trained) else None
