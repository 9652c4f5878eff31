"""What layers and models have, what they haven't, and hooks as people write them."""

from typing import Literal, reveal_type

import eagerflow as keras
from eagerflow import layers, ops

model = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="hidden"), layers.Dense(1)])
model.fitt(ops.ones((2, 3)))  # error: fitt
print(model.input_shap)  # error: input_shap
dense = layers.Dense(4)
print(dense.kernle)  # error: kernle
print(dense.kernel, dense.bias, dense.units, dense.use_bias, dense.activation.__name__, dense.built)
reveal_type(dense.use_bias)  # type: bool
reveal_type(dense.kernel)  # type: Variable
dense.kernel.asign(dense.kernel * 2)  # error: asign
dense.kernel.assign(dense.kernel * 2)
print(layers.Conv1D(2, 3).kernel.shape, dense.bias.shape, dense.bias is None)
print(layers.LSTM(3).recurrent_activation, layers.Conv2D(2, 3).padding, layers.BatchNormalization().moving_mean)

dense.trainabel = False  # error: trainabel
dense.trainable, dense.units = False, 5
model.stop_trainin = True  # error: stop_trainin
model.stop_training = True
print(model.history.history["loss"], model.history.epoch)
keras.optimizers.SGD().zero_grad()  # error: zero_grad

print(model.layers[0].kernle)  # of which class it is, is known to a run alone
reveal_type(model.layers)  # type: list[AnyLayer]
reveal_type(model.get_layer("hidden"))  # type: AnyLayer
model.get_layer("hidden").units += 1
for layer in model.layers:
    layer.trainable = False
    layer.remembered = 3  # as reading it is
    if isinstance(layer, layers.Dense):
        layer.units += 1
bigger = keras.Sequential(model.layers[:-1] + [layers.Dense(2)])  # noqa: RUF005
reveal_type(layers.TimeDistributed(dense).layer.units)  # type: Any


class Pair(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(2)
        self.second: layers.Dense | None = None

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.scale = self.add_weight(shape=(1,))

    def call(self, x: keras.Tensor, training: bool = False) -> keras.Tensor:
        return self.first(x) * self.scale


pair = Pair()
print(pair.first.kernel)
pair.scale.assign([2.0])
print(pair.third)  # error: third
pair.predct(ops.ones((2, 3)))  # error: predct
functional = keras.Model(pair.input, pair.output)
functional.fitt()  # error: fitt


class Hooks(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(epoch, logs["loss"], self.model.optimizer.learning_rate, self.model.made_by_user, self.params["epochs"])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        print(batch, (logs or {}).get("loss"))

    def on_test_end(self, logs: dict | None = None) -> None:
        self.model.stop_training = True


scores = model.evaluate(ops.ones((2, 3)), ops.ones((2, 1)), return_dict=True)
reveal_type(scores)  # type: dict[str, Any]
loss, accuracy = model.evaluate(ops.ones((2, 3)), ops.ones((2, 1)))
best: float = min(0.5, model.evaluate(ops.ones((2, 3)), ops.ones((2, 1))))  # without metrics it is a number
print(f"{model.evaluate(ops.ones((2, 3)), ops.ones((2, 1)))[1]:.3f}")
reveal_type(model.train_on_batch(ops.ones((2, 3)), ops.ones((2, 1)), return_dict=True))  # type: dict[str, Any]
reveal_type(model.fit(ops.ones((2, 3)), callbacks=[Hooks()]).history["loss"])  # type: list[Any]
reveal_type(model.output)  # type: SymbolicTensor

borders: list[Literal["same", "valid"]] = ["same", "valid"]  # names that aren't written where they are used
for padding in borders:
    layers.Conv2D(8, 3, padding=padding)
for name in ("adam", "sgd"):
    model.compile(optimizer=name, loss="mse")
model.compile(optimizer=keras.optimizers.Adam, loss=lambda y, p: ops.mean(y - p), metrics=["mae", ops.mean])
layers.Dense(2, kernel_initializer=lambda shape, dtype=None: ops.ones(shape), activation=layers.LeakyReLU())


@keras.function
def step(x: keras.Tensor, scale: float) -> keras.Tensor:
    return x * scale


reveal_type(step(ops.ones(3), 2.0))  # type: Tensor
step(ops.ones(3))  # error: argument


@keras.function(verify_every=10)
def other(x: keras.Tensor) -> tuple[keras.Tensor, keras.Tensor]:
    return x, x


reveal_type(other(ops.ones(3)))  # type: tuple[Tensor, Tensor]
