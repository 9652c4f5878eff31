"""The workloads: their data, batch sizes, losses and optimizers. NumPy alone: every process makes its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["RATE", "WORKLOADS", "Workload"]

# The learning rate of RMSprop and Adam. Small: networks that have learned a few batches by heart compute with numbers
# so near to zero that processors take many times as long for each, and that would be measured instead.
RATE = 1e-6


@dataclass(frozen=True)
class Workload:
    """What all frameworks are given alike.

    Attributes:
        name: what tables call it.
        batch: samples per step.
        steps: steps per epoch of `fit` and per `predict`, so that one takes some tenths of a second.
        inputs: the shape of a sample, channels last; tokens have one length.
        targets: "classes", "binary" or "inputs" (an autoencoder).
        optimizer: its name in lower case.
        target: the ratio to PyTorch's time that is aimed at, None where there is none.
        classes: the number of classes.
        words: the number of different tokens; 0 for floats.
    """

    name: str
    batch: int
    steps: int
    inputs: tuple[int, ...]
    targets: str
    optimizer: str
    target: float | None = None
    classes: int = 10
    words: int = 0

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """`steps` batches of inputs and targets, the same in every process."""
        rng = np.random.default_rng(0)
        rows = self.batch * self.steps
        if self.words:
            x = rng.integers(0, self.words, (rows, *self.inputs), dtype=np.int32)
        else:
            x = rng.random((rows, *self.inputs), dtype=np.float32)
        return x, self._labels(rng, x)

    def _labels(self, rng: Any, x: np.ndarray) -> np.ndarray:
        if self.targets == "inputs":
            return x
        if self.targets == "binary":
            return rng.integers(0, 2, (len(x), 1)).astype(np.float32)
        return rng.integers(0, self.classes, len(x), dtype=np.int32)


_ALL = (
    Workload("mlp", 128, 40, (784,), "classes", "rmsprop", target=0.8),
    Workload("tiny", 32, 400, (100,), "binary", "rmsprop", target=0.5),
    Workload("convnet", 128, 4, (28, 28, 1), "classes", "adadelta", target=0.6),
    Workload("lstm", 32, 12, (200,), "binary", "rmsprop", target=1.0, words=10_000),
    Workload("gru", 32, 12, (200,), "binary", "rmsprop", target=0.6, words=10_000),
    Workload("bidirectional", 32, 6, (200,), "binary", "rmsprop", words=10_000),
    Workload("resnet", 64, 2, (32, 32, 3), "classes", "adam", target=0.75),
    Workload("mobilenet", 64, 2, (32, 32, 3), "classes", "adam", target=2.0),
    Workload("transformer", 32, 4, (200,), "binary", "adam", target=0.9, words=10_000),
    Workload("autoencoder", 128, 3, (28, 28, 1), "inputs", "adam", target=1.0),
    Workload("conv3d", 16, 4, (24, 24, 24, 1), "classes", "adam"),
)

WORKLOADS = {workload.name: workload for workload in _ALL}
