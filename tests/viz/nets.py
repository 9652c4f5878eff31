"""Small networks and training steps to record."""

from __future__ import annotations

from typing import Any

import numpy as np

import eagerflow as ef
import viz
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


def adversarial_step(generator, discriminator, noise, real):
    """A recorded step of a generative adversarial network, whose gradients come from one forward pass.

    `noise` gives what the generator makes something of.
    """
    loss, first, second = ef.losses.BinaryCrossentropy(from_logits=True), ef.optimizers.Adam(), ef.optimizers.Adam()
    with viz.trace() as t, ef.GradientTape() as of_generator, ef.GradientTape() as of_discriminator:
        made = generator(noise(), training=True)
        right, wrong = discriminator(real, training=True), discriminator(made, training=True)
        fooled = loss(ef.ops.ones_like(wrong), wrong)
        told = loss(ef.ops.ones_like(right), right) + loss(ef.ops.zeros_like(wrong), wrong)
        for tape, total, optimizer, net in (
            (of_generator, fooled, first, generator),
            (of_discriminator, told, second, discriminator),
        ):
            weights = net.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(total, weights), weights, strict=True))
    return t
