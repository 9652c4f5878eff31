"""Callbacks, metrics, losses, layers, optimizers and schedules of one's own, and models that are saved and read."""

import math
from pathlib import Path
from typing import Any, reveal_type

import numpy as np

import eagerflow as keras
from eagerflow import layers, ops


class StopAt(keras.callbacks.Callback):
    def __init__(self, monitor="loss", value=0.01, verbose=0):
        super().__init__()
        self.monitor, self.value, self.verbose = monitor, value, verbose
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.losses = []
        self.best = np.inf

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        current = logs.get(self.monitor)
        self.losses.append(current)
        if current is not None and np.less(current, self.best):
            self.best = current
            self.best_weights = self.model.get_weights()
        if current is not None and current < self.value:
            self.model.stop_training = True
            self.model.set_weights(self.best_weights)

    def on_train_batch_end(self, batch, logs=None):
        if logs["loss"] > 100:
            print(f"batch {batch}: {logs['loss']:7.2f}, rate {float(self.model.optimizer.learning_rate):.5f}")


class Recorder(keras.callbacks.Callback):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.rows.append({"epoch": epoch, **(logs or {})})
        self.model.optimizer.learning_rate = 0.5 * float(self.model.optimizer.learning_rate)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.path.write_text("\n".join(str(row) for row in self.rows))


class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak: float, steps: int) -> None:
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        return self.peak * ops.minimum(step / self.steps, 0.5 * (1 + ops.cos(math.pi * step / 1000)))

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps}


class Weighted(keras.losses.Loss):
    def __init__(self, weight: float = 2.0, name: str = "weighted") -> None:
        super().__init__(name=name)
        self.weight = weight

    def call(self, y_true: keras.Tensor, y_pred: keras.Tensor) -> keras.Tensor:
        return ops.mean(ops.where(y_true > y_pred, self.weight, 1.0) * ops.square(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable(package="mine")
class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs, scale=1.0):
        return ops.matmul(inputs, self.w) * scale + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


print(Linear(4)(ops.ones((2, 3)), scale=2.0).shape, Linear(4)(np.ones((2, 3)), 3.0).shape)


class Scaled(layers.Dense):
    def call(self, inputs: keras.Tensor, training: bool | None = None, scale: float = 1.0) -> keras.Tensor:
        return super().call(inputs) * scale

    def __call__(self, *args: Any, **kwargs: Any) -> keras.Tensor:
        return super().__call__(*args, **kwargs)


class Centred(layers.Conv2D):
    def call(self, inputs):
        return super().call(inputs - ops.mean(inputs))


print(Scaled(2)(ops.ones((2, 3)), scale=2.0).shape, Centred(2, 3)(ops.ones((1, 4, 4, 1)), training=True).shape)
inputs = keras.Input((3,))
model = keras.Model(inputs, layers.Dense(1)(Linear(4)(inputs)))
model.compile(keras.optimizers.SGD(Warmup(0.1, 10), momentum=0.9), Weighted(3.0), metrics=["mae"])
stop = StopAt("loss", 0.001)
history = model.fit(
    np.ones((8, 3)),
    np.ones((8, 1)),
    epochs=2,
    verbose=0,
    callbacks=[
        stop,
        Recorder(Path("numbers.txt")),
        keras.callbacks.EarlyStopping(monitor="loss", patience=3, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint("best.keras", monitor="loss", save_best_only=True, save_freq="epoch"),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs["loss"])),
    ],
)
keras.callbacks.EarlyStopping(patience="long")  # error: patience
keras.callbacks.EarlyStopping(patence=3)  # error: patence
keras.callbacks.ModelCheckpoint("best.keras", save_freq="batch")  # error: save_freq
model.fit(np.ones((8, 3)), np.ones((8, 1)), callbacks=["early"])  # error: Callback
stop.set_modle(model)  # error: set_modle
print(stop.losses, history.params, history.history.get("mae"))

model.save("whole.keras")
again = keras.models.load_model("whole.keras", custom_objects={"Weighted": Weighted, "Warmup": Warmup})
reveal_type(again)  # type: AnyModel | Any
reveal_type(keras.saving.load_model("whole.keras"))  # type: AnyModel | Any
print(again.encoder, again.predict(np.ones((2, 3)))[0])  # of which class it is, is known to a run alone
keras.saving.load_model("whole.keras", compil=False)  # error: compil
reveal_type(keras.models.clone_model(model))  # type: Model
reveal_type(keras.models.clone_model(keras.Sequential([layers.Dense(2)])))  # type: Sequential
reveal_type(model.predict(np.ones((2, 3))))  # type: Predicted | Any
print(again.layers[1].units, [w.shape for w in again.get_weights()])
for layer in again.layers[:-1]:
    layer.trainable = False
model.load_weights("whole.weights.h5", skip_mismach=True)  # error: skip_mismach
keras.regularizers.get("l2")
keras.initializers.get("he_normal")((3, 4))
layers.Dense(4, lora_rank="two")  # error: lora_rank
layers.Dense(4, lora_rank=2, lora_alpha=0.5)


def begun(path: Path) -> keras.Model:
    if path.exists():
        found = keras.models.load_model(path)
    else:
        found = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        found.compile("adam", "mse")
    return found


fresh = keras.Sequential([layers.Dense(1)])
if Path("whole.keras").exists():
    fresh = keras.models.load_model("whole.keras")
