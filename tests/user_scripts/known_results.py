"""Properties and functions of which only a run knows all: what is known has a type, and what is right is accepted."""

from typing import reveal_type

import numpy as np

import eagerflow as keras
from eagerflow import layers, ops

x = ops.ones((2, 3))
inputs = keras.Input((3,))
model = keras.Model(inputs, layers.Dense(3)(inputs))
stack = keras.Sequential([keras.Input((3,)), layers.Dense(3)])

reveal_type(model.input_shape)  # type: AnyShape | Any
reveal_type(stack.output_shape)  # type: tuple[Any, ...]
print(model.input_shape[1:], model.output_shape["a"], model.output_shape[-1] * 2, stack.output_shape[-1] * 2)
height, width, channels = model.input_shape[1:]
for name, shape in model.output_shape.items():
    print(name, shape)

reveal_type(model.output)  # type: AnyTensor | Any
both = keras.Model([model.input, stack.input], {"a": model.output, "b": layers.Dense(2)(model.output)})
print(both.output["a"].shape, both.output.items(), both.input[0], model.layers[-1].output_shape)

reveal_type(model.losses)  # type: list[Tensor]
print(ops.mean(x) + sum(model.losses), ops.sum(model.losses))
reveal_type(model.metrics)  # type: list[AnyMetric | Any]
for metric in model.metrics:
    metric.reset_state()
    print(metric.name, metric.total, metric.result().numpy())

adam = keras.optimizers.Adam()
reveal_type(adam.iterations)  # type: Variable
adam.iterations.asign(0)  # error: asign
print(int(adam.iterations), adam.iterations + 1)

loss = keras.losses.get("mse")
reveal_type(loss(x, x))  # type: Tensor
print(loss.__name__, loss(x, x, from_logits=True), loss(x, x).tolst())  # error: tolst
reveal_type(keras.metrics.get("mae"))  # type: AnyMetric
reveal_type(keras.activations.get("relu")(x))  # type: Tensor
model.compile(loss=loss, metrics=[keras.metrics.get("mae")])

rows = keras.utils.to_categorical([1, 2], 3)
reveal_type(rows.shape)  # type: tuple[Any, ...]
print(rows[0] + 1, rows.argmax(-1), keras.utils.to_categorical(x).numpy())
array: np.ndarray = keras.utils.to_categorical(np.zeros(3))


class Adversarial(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.d_loss = keras.metrics.Mean(name="d_loss")

    @property
    def metrics(self) -> list[keras.metrics.Mean]:
        return [self.d_loss]


class More(keras.Model):
    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*super().metrics, keras.metrics.Mean()]

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (3,)
