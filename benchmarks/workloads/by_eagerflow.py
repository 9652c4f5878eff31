"""How eagerflow trains and predicts: `fit` and `predict`, and a loop with a tape."""

from __future__ import annotations

from typing import Any

import eagerflow as ef
from benchmarks.machine import on_gpu
from benchmarks.workloads.data import Workload
from benchmarks.workloads.keras_models import compiled

__all__ = ["Eagerflow"]


class Eagerflow:
    """Ours.

    Args:
        workload: what to run.
        captured: capture steps and replay them, in `fit`, `predict` and the loops.
    """

    def __init__(self, workload: Workload, captured: bool = False) -> None:
        self.workload = workload
        self.x, self.y = workload.arrays()
        self.model = compiled(ef, workload)
        losses = ef.losses
        self.loss = (
            losses.SparseCategoricalCrossentropy() if workload.targets == "classes" else losses.BinaryCrossentropy()
        )
        self.model.jit_compile = captured
        self._step = ef.function(self._trained, jit_compile=captured)
        self._outputs = ef.function(self._inferred, jit_compile=captured)
        self.batch = tuple(ef.convert_to_tensor(array[: workload.batch]) for array in (self.x, self.y))

    def parameters(self) -> int:
        return sum(v.data.size for v in self.model.trainable_variables)

    def fit(self) -> None:
        """One epoch over shuffled batches."""
        self.model.fit(self.x, self.y, batch_size=self.workload.batch, verbose=0)

    def predict(self) -> Any:
        """The outputs of all samples."""
        return self.model.predict(self.x, batch_size=self.workload.batch, verbose=0)

    def _trained(self, x: Any, y: Any) -> None:
        model = self.model
        with ef.GradientTape() as tape:
            value = self.loss(y, model(x, training=True))
        variables = model.trainable_variables
        model.optimizer.apply(tape.gradient(value, variables), variables)

    def _inferred(self, x: Any) -> Any:
        return self.model(x, training=False)

    def train(self, steps: int) -> None:
        """Steps on one batch."""
        for _ in range(steps):
            self._step(*self.batch)
        _wait()

    def infer(self, steps: int) -> None:
        """Outputs of one batch."""
        for _ in range(steps):
            self._outputs(self.batch[0])
        _wait()


def _wait() -> None:
    """Until a GPU has done what it was asked for."""
    if on_gpu():
        import cupy

        cupy.cuda.get_current_stream().synchronize()
