"""How Keras trains and predicts on each backend: `fit` and `predict`, and its guides' loops of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

if os.environ.get("KERAS_BACKEND") == "eagerflow":
    import eagerflow.keras_backend  # noqa: F401 - lets Keras find it

import keras

from benchmarks.workloads.data import Workload
from benchmarks.workloads.keras_models import compiled, loss_name

__all__ = ["Keras"]


class Keras:
    """Keras, on the backend that the environment chose.

    Args:
        workload: what to run.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.x, self.y = workload.arrays()
        self.model = compiled(keras, workload)
        made = _LOOPS[keras.backend.backend()](self.model, workload, self.x, self.y)
        self.one_step, self.outputs, self.wait = made

    def parameters(self) -> int:
        return sum(_size(v.shape) for v in self.model.trainable_variables)

    def fit(self) -> None:
        """One epoch over shuffled batches."""
        self.model.fit(self.x, self.y, batch_size=self.workload.batch, verbose=0)

    def predict(self) -> Any:
        """The outputs of all samples."""
        return self.model.predict(self.x, batch_size=self.workload.batch, verbose=0)

    def train(self, steps: int) -> None:
        """Steps on one batch."""
        found = None
        for _ in range(steps):
            found = self.one_step()
        self.wait(found)

    def infer(self, steps: int) -> None:
        """Outputs of one batch."""
        found = None
        for _ in range(steps):
            found = self.outputs()
        self.wait(found)


def _size(shape: Any) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


Loop = tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], Any]]


def _tensorflow_loop(model: Any, workload: Workload, x: Any, y: Any) -> Loop:
    import tensorflow as tf

    loss, optimizer = _loss(workload), model.optimizer
    x, y = (tf.constant(array[: workload.batch]) for array in (x, y))
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_weights)
        optimizer.apply(gradients, model.trainable_weights)
        return value

    @tf.function
    def outputs(x: Any) -> Any:
        return model(x, training=False)

    return lambda: step(x, y), lambda: outputs(x), lambda found: found.numpy()


def _torch_loop(model: Any, workload: Workload, x: Any, y: Any) -> Loop:
    import torch

    loss, optimizer = _loss(workload), model.optimizer
    x, y = (torch.from_numpy(array[: workload.batch].copy()) for array in (x, y))
    optimizer.build(model.trainable_variables)

    def step() -> Any:
        model.zero_grad()
        value = loss(y, model(x, training=True))
        value.backward()
        weights = list(model.trainable_weights)
        with torch.no_grad():
            optimizer.apply([w.value.grad for w in weights], weights)
        return value

    def outputs() -> Any:
        with torch.no_grad():
            return model(x, training=False)

    return step, outputs, lambda found: found


def _jax_loop(model: Any, workload: Workload, x: Any, y: Any) -> Loop:
    import jax

    loss, optimizer = _loss(workload), model.optimizer
    x, y = (jax.numpy.asarray(array[: workload.batch]) for array in (x, y))
    optimizer.build(model.trainable_variables)

    def value_of(trainable: Any, others: Any, x: Any, y: Any) -> Any:
        y_pred, others = model.stateless_call(trainable, others, x, training=True)
        return loss(y, y_pred), others

    differentiated = jax.value_and_grad(value_of, has_aux=True)

    @jax.jit
    def step(state: Any, x: Any, y: Any) -> Any:
        trainable, others, slots = state
        (value, others), gradients = differentiated(trainable, others, x, y)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return value, (trainable, others, slots)

    @jax.jit
    def outputs(trainable: Any, others: Any, x: Any) -> Any:
        return model.stateless_call(trainable, others, x, training=False)[0]

    def values(variables: Any) -> list[Any]:
        return [jax.numpy.array(v.value) for v in variables]

    state = [
        tuple(values(vs)) for vs in (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    ]
    held = {"state": tuple(map(list, state))}

    def one_step() -> Any:
        value, held["state"] = step(held["state"], x, y)
        return value

    def infer() -> Any:
        return outputs(held["state"][0], held["state"][1], x)

    return one_step, infer, jax.block_until_ready


def _eagerflow_loop(model: Any, workload: Workload, x: Any, y: Any) -> Loop:
    import eagerflow as ef

    loss, optimizer = _loss(workload), model.optimizer
    x, y = (ef.convert_to_tensor(array[: workload.batch]) for array in (x, y))
    optimizer.build(model.trainable_variables)

    def step() -> Any:
        with ef.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        weights = model.trainable_weights
        optimizer.apply(tape.gradient(value, weights), weights)
        return value

    return step, lambda: model(x, training=False), lambda found: found


_LOOPS = {"eagerflow": _eagerflow_loop, "tensorflow": _tensorflow_loop, "torch": _torch_loop, "jax": _jax_loop}


def _loss(workload: Workload) -> Any:
    return keras.losses.get(
        {"sparse_categorical_crossentropy": "SparseCategoricalCrossentropy"}.get(
            loss_name(workload), "BinaryCrossentropy"
        )
    )
