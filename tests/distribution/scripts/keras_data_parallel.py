"""In the style of Keras' guide to distribution: a mesh of all devices, a data set, then a mesh with a model axis."""

import keras
import numpy as np
import tensorflow as tf
from keras import distribution, layers

keras.utils.set_random_seed(5)
devices = distribution.list_devices()
mesh = distribution.DeviceMesh(shape=(len(devices),), axis_names=["batch"], devices=devices)
print("devices:", len(devices) >= 1, mesh.axis_names)

data_parallel = distribution.DataParallel(device_mesh=mesh)
distribution.set_distribution(data_parallel)

inputs = layers.Input((12, 12, 1))
x = layers.Flatten()(inputs)
x = layers.Dense(24, activation="relu")(x)
x = layers.Dropout(0.25)(x)
model = keras.Model(inputs, layers.Dense(4, activation="softmax")(x))

rng = np.random.default_rng(0)
images = rng.normal(size=(96, 12, 12, 1)).astype("float32")
labels = rng.integers(0, 4, size=96)
dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)

model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(dataset, epochs=2, verbose=0)
print("loss", [f"{loss:.4f}" for loss in history.history["loss"]])
print("accuracy", [f"{part:.4f}" for part in history.history["accuracy"]])
print("evaluated", [f"{number:.4f}" for number in model.evaluate(dataset, verbose=0)])

# The same mesh with an axis for the model, of length 1: nothing is divided along it.
wide = distribution.DeviceMesh(shape=(len(devices), 1), axis_names=["batch", "model"], devices=devices)
layouts = distribution.LayoutMap(wide)
layouts[".*dense.*kernel"] = (None, "model")
layouts[".*dense.*bias"] = ("model",)
distribution.set_distribution(distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch"))
print("again", f"{model.fit(images, labels, batch_size=20, shuffle=False, verbose=0).history['loss'][0]:.4f}")
