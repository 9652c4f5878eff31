"""What a type checker says of a script: `# error: WORDS` and `# type: NAME` stand where it does, and nowhere else."""

from typing import Any, reveal_type

import eagerflow as keras
from eagerflow import layers, ops

dense = layers.Dense("four")  # error: str
dense = layers.Dense(4, activatoin="relu")  # error: activatoin
dense = layers.Dense(4, activation="relu", name="head", dtype="float32", input_shape=(3,), trainable=False)
conv = layers.Conv2D(4, 3, pading="same")  # error: pading
lstm = layers.LSTM(4, return_sequence=True)  # error: return_sequence
words = layers.Embedding(100, 8, input_length=20)
reveal_type(dense)  # type: Dense
reveal_type(dense(ops.ones((2, 3))))  # type: Tensor
reveal_type(lstm(ops.ones((2, 5, 3))))  # type: Tensor

model = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Dense(1)])
reveal_type(model)  # type: Sequential
x = keras.Input((3,))
graph = keras.Model(inputs=x, outputs=layers.Dense(1)(x), name="graph", trainable=False)
reveal_type(graph)  # type: Model
keras.Model(inputs=x, output=x)  # error: output
reveal_type(model(ops.ones((2, 3))))  # type: Tensor
model.compile(optimizer="adam", loss="mse")
model.compile(optimiser="adam")  # error: optimiser
history = model.fit(ops.ones((2, 3)), ops.ones((2, 1)), epochs=2)
model.fit(ops.ones((2, 3)), ops.ones((2, 1)), epoch=2)  # error: epoch
reveal_type(history)  # type: History
reveal_type(keras.models.load_model("model.keras"))  # type: AnyModel | Any
reveal_type(keras.applications.VGG16(weights=None))  # type: Model

h = keras.Input((10,), name="rows")
print(h.name, h.shape)
stack: list[layers.Layer] = [layers.Dense(4), layers.ReLU()]
for each in stack:
    h = each(h)
for each in (layers.Dropout(0.5), layers.Dense(4)):
    h = each(h)
h = ops.tanh(h * 2.0 + 1)
reveal_type(h)  # type: Tensor

optimizer = keras.optimizers.Adam(learning_rate=1e-3)
reveal_type(optimizer)  # type: Adam
keras.optimizers.Adam(learning_ratte=1e-3)  # error: learning_ratte
reveal_type(keras.losses.MeanSquaredError())  # type: MeanSquaredError
print(keras.optimizer)  # error: optimizer
print(layers.Dens)  # error: Dens


class Scale(layers.Layer):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def call(self, inputs: keras.Tensor) -> keras.Tensor:
        return inputs * self.factor


class Twice(keras.Model):
    def call(self, x: keras.Tensor) -> keras.Tensor:
        return Scale(2.0)(Scale(2.0)(x))


class Counting(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[keras.metrics.Mean]:
        return [self.tracker]


class FromItsSettings(keras.Model):
    @classmethod
    def from_config(cls, config):
        return cls(**config)


class FromItsTypedSettings(keras.Model):
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FromItsTypedSettings":
        return cls(**config)


class Doubled(layers.Layer):
    def compute_mask(self, inputs: keras.Tensor, mask: Any = None) -> Any:
        return None if mask is None else ops.repeat(mask, 2, axis=1)


class Handed(layers.Layer):
    def compute_mask(self, inputs: keras.Tensor, previous_mask: Any) -> Any:
        return previous_mask


layers.Masking().compute_mask(ops.ones((1, 2, 3)))
keras.Sequential([layers.Embedding(5, 4, mask_zero=True), Doubled()]).layers[0].compute_mask(ops.ones((1, 2)))
reveal_type(Scale(2.0)(ops.ones(3)))  # type: Tensor
reveal_type(Twice()(ops.ones(3)))  # type: Tensor
reveal_type(Counting().metrics[0].result())  # type: Tensor
Scale("two")  # error: str
