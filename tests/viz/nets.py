"""Small networks and training steps to record."""

from __future__ import annotations

from typing import Any

import numpy as np

import eagerflow as ef
from eagerflow import layers
from eagerflow.core import observe


def mlp(name: str = "mlp", hidden: int = 1) -> ef.Sequential:
    inner = [layers.Dense(16, activation="tanh", name=f"hidden_{i}") for i in range(hidden)]
    return ef.Sequential([*inner, layers.Dense(3, name="head")], name=name)


def batch(rows: int = 8, columns: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, columns)).astype("float32"), rng.integers(0, 3, rows)


class Trainer:
    """A custom training loop around a model."""

    def __init__(self, model: Any = None, optimizer: Any = None) -> None:
        self.model = model or mlp()
        self.optimizer = optimizer or ef.optimizers.SGD(0.1)
        self.loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True, name="crossentropy")
        self.x, self.y = batch()

    def step(self) -> Any:
        with observe.scope("step", "train_step"):
            with ef.GradientTape() as tape:
                loss = self.loss(self.y, self.model(self.x, training=True))
            self.gradients = tape.gradient(loss, self.model.trainable_variables)
            self.optimizer.apply(self.gradients, self.model.trainable_variables)
        return loss
