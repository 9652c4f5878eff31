"""How eagerflow trains and predicts: `fit` and `predict`, and a loop with a tape."""

from __future__ import annotations

from typing import Any

import eagerflow as ef
from benchmarks.workloads.data import Workload
from benchmarks.workloads.keras_models import compiled

__all__ = ["Eagerflow"]


class Eagerflow:
    """Ours.

    Args:
        workload: what to run.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.x, self.y = workload.arrays()
        self.model = compiled(ef, workload)
        losses = ef.losses
        self.loss = (
            losses.SparseCategoricalCrossentropy() if workload.targets == "classes" else losses.BinaryCrossentropy()
        )
        self.batch = tuple(ef.convert_to_tensor(array[: workload.batch]) for array in (self.x, self.y))

    def parameters(self) -> int:
        return sum(v.data.size for v in self.model.trainable_variables)

    def fit(self) -> None:
        """One epoch over shuffled batches."""
        self.model.fit(self.x, self.y, batch_size=self.workload.batch, verbose=0)

    def predict(self) -> Any:
        """The outputs of all samples."""
        return self.model.predict(self.x, batch_size=self.workload.batch, verbose=0)

    def train(self, steps: int) -> None:
        """Steps on one batch."""
        x, y = self.batch
        model, loss, optimizer = self.model, self.loss, self.model.optimizer
        for _ in range(steps):
            with ef.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(value, variables), variables)

    def infer(self, steps: int) -> None:
        """Outputs of one batch."""
        x, model = self.batch[0], self.model
        for _ in range(steps):
            model(x, training=False)
