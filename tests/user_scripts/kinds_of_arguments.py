"""Numbers and others where a name, a path or a shape is meant; and what is right, in the ways in which people write it.

A misspelt name of an activation, a loss or an optimizer isn't found: such names may be registered.
"""

import io
from pathlib import Path
from typing import Literal, reveal_type

import numpy as np

import eagerflow as keras
from eagerflow import layers, ops

model = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Dense(1)])
model.compile(optimizer=3)  # error: "compile"
model.compile("adam", loss=3)  # error: "compile"
model.compile(ops.mean, "mse")  # error: "compile"
layers.LSTM(8, activation=3)  # error: "LSTM"
layers.Dense(8, kernel_regularizer=0.01)  # error: "Dense"
layers.Dense(8, kernel_constraint=2)  # error: "Dense"
layers.Reshape(3.5)  # error: "Reshape"
layers.Reshape((3.5, 2))  # error: tuple
layers.Permute(2)  # error: "Permute"
keras.models.load_model(3)  # error: "load_model"
keras.saving.save_model(model, 3)  # error: "save_model"
model.save(3)  # error: PathLike
model.load_weights(["first.weights.h5"])  # error: PathLike

layers.Reshape([-1, 2])
layers.Reshape(keras.Input((4, 2)).shape[1:])
layers.Permute((2, 1))
layers.Dense(8, kernel_regularizer=keras.regularizers.L2(0.1), bias_constraint=keras.constraints.NonNeg)
layers.Dense(8, kernel_regularizer=lambda w: ops.sum(w * w), activation=ops.sin)
layers.Dense(8, activation={"class_name": "ReLU", "config": {"max_value": 6.0}}, kernel_regularizer=None)
model.compile(loss={"first": "mse", "second": keras.losses.Huber()})
model.compile(keras.optimizers.Adam, ["mse", None])
model.compile({"class_name": "SGD", "config": {"learning_rate": 0.1}}, keras.losses.MeanSquaredError)
model.compile(optimizer=None)

reveal_type(model.optimizer)  # type: AnyOptimizer
model.optimizer.learning_rate.assign(0.2)
model.optimizer.learning_rate = 0.1
print(model.optimizer.learning_rate.numpy(), keras.optimizers.SGD().learning_rate * 2)
named = keras.optimizers.get("adam")
named.learning_rate = 0.01
print(named.learning_rate.numpy(), named.beta_1)
print(keras.applications.vgg16.preprocess_input, keras.applications.resnet_v2.ResNet50V2)
print(keras.applications.vgg61)  # error: vgg61
print(model.optimizer.beta_1, model.optimizer.get_config()["name"])  # of which class it is, is known to a run alone
model.optimizer = "sgd"
model.optimizer = keras.optimizers.SGD(0.1)
model.optimizer = 3  # error: Incompatible types in assignment

keras.models.load_model(Path("model.keras"))
model.save(io.BytesIO())
with open("model.keras", "rb") as file:
    keras.models.load_model(file)


class Steps(keras.optimizers.Optimizer):
    def update_step(self, gradient: keras.Tensor, variable: keras.Variable, learning_rate: float) -> None:
        variable.assign_sub(learning_rate * gradient)


class Net(keras.Model):
    def __init__(self, activation: str = "relu", padding: Literal["same", "valid"] = "same") -> None:
        super().__init__()
        self.conv = layers.Conv2D(8, 3, padding=padding, activation=activation)

    def train_step(self, data: tuple[keras.Tensor, keras.Tensor]) -> dict[str, keras.Tensor]:
        x, y = data
        with keras.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


Net().compile(optimizer=Steps(learning_rate=0.1), loss=lambda y, p: ops.mean(y - p))

layers.Dense(np.int64(3))
layers.Dense("four")  # error: "Dense"
layers.Dense(2.5)  # error: "Dense"
layers.Conv2D(np.int32(3), 3)
layers.Embedding(np.max(np.arange(5)) + 1, 2)
layers.LSTM(np.int64(3), dropout=np.float32(0.1))
layers.Dropout(np.float32(0.1))
layers.Dropout(np.linspace(0, 1, 5)[2])
layers.Dropout("half")  # error: "Dropout"
model.compile(keras.optimizers.Adam(np.float32(0.1)), "mse")
model.fit(np.ones((4, 3)), np.ones((4, 1)), batch_size=np.int64(2), epochs=np.int64(2))
model.fit(np.ones((4, 3)), np.ones((4, 1)), epochs=2.5)  # error: "fit"
