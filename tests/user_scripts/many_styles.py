"""Scripts in many styles: annotated subclasses of everything, tutorials without annotations, loops, recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, reveal_type

import numpy as np
import numpy.typing as npt

import eagerflow as ef
import eagerflow as keras
import viz
from eagerflow import callbacks, layers, losses, ops, optimizers
from eagerflow.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D

Floats = npt.NDArray[np.float32]


class Block(layers.Layer):
    def __init__(self, units: int, activation: str = "relu", rate: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.dense = Dense(units, activation=activation)
        self.norm = layers.LayerNormalization()
        self.drop = layers.Dropout(rate)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
        super().build(input_shape)

    def call(self, inputs: ef.Tensor, training: bool | None = None) -> ef.Tensor:
        return self.drop(self.norm(self.dense(inputs)), training=training) * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Net(ef.Model):
    def __init__(self, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        self.blocks = [Block(w) for w in widths]
        self.head = Dense(classes)

    def call(self, x: ef.Tensor, training: bool = False) -> ef.Tensor:
        for block in self.blocks:
            x = block(x, training=training)
        return self.head(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        with ef.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        grads = tape.gradient(loss, self.trainable_variables)
        assert self.optimizer is not None
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


M = TypeVar("M", bound=ef.Model)


class Trainer(Generic[M]):
    def __init__(self, model: M, optimizer: optimizers.Optimizer, loss_fn: Callable[[Any, Any], ef.Tensor]) -> None:
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn

    def step(self, x: Floats, y: Floats) -> float:
        with ef.GradientTape() as tape:
            loss = self.loss_fn(y, self.model(x, training=True))
        weights = self.model.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return float(loss)


def batches(x: Floats, size: int) -> Iterator[Floats]:
    for begin in range(0, len(x), size):
        yield x[begin : begin + size]


def block(x, filters, padding="same", activation="relu", **kwargs):
    x = Conv2D(filters, 3, padding=padding, **kwargs)(x)
    return layers.Activation(activation)(x)


rng = np.random.default_rng(0)
x = rng.random((100, 8)).astype("float32")
y = rng.integers(0, 3, 100)
net = Net([8, 8], 3)
net.compile(optimizer=optimizers.AdamW(1e-3, weight_decay=1e-4), loss=losses.BinaryCrossentropy(), metrics=["accuracy"])
history = net.fit(
    x,
    y,
    batch_size=16,
    epochs=2,
    validation_split=0.2,
    verbose=0,
    callbacks=[callbacks.EarlyStopping(patience=2, restore_best_weights=True)],
)
best: float = min(history.history["loss"])
print(history.epoch, history.history.keys())
loss, acc = net.evaluate(x, y, verbose=0)
scores = net.evaluate(x, y, return_dict=True)
p = net.predict(x).argmax(axis=-1)
print((p == y).mean(), np.argmax(net.predict(x), axis=1))
net.save(Path("a.keras"))
again = keras.models.load_model("a.keras", custom_objects={"Block": Block})
again.summary()
again.predict(x)
net.save_weights("a.weights.h5")
net.load_weights("a.weights.h5")
kw: dict[str, Any] = {"kernel_regularizer": keras.regularizers.L2(1e-4)}
layers.Dense(3, **kw)
Dense(3, activation=ops.relu)
Dense(3, activation=lambda t: t * 2)
seq = keras.Sequential()
seq.add(Input(shape=(28, 28, 1)))
seq.add(Conv2D(32, (3, 3), activation="relu"))
seq.add(MaxPooling2D((2, 2)))
seq.add(Flatten())
for layer in seq.layers[:-1]:
    layer.trainable = False
for w in seq.get_weights():
    print(w.shape)
seq.set_weights([w * 0 for w in seq.get_weights()])
ds = ef.data.Dataset.from_tensor_slices((x, y)).shuffle(100).batch(16).map(lambda a, b: (a * 2, b)).prefetch(2)
for step, (xb, yb) in enumerate(ds):
    print(step, xb.shape[0], yb.dtype)
net.fit(ds, epochs=1, steps_per_epoch=3, validation_data=(x, y))
net.fit(x=x, y=y, class_weight={0: 1.0, 1: 2.0})
Trainer(net, optimizers.SGD(0.1, momentum=0.9), losses.SparseCategoricalCrossentropy(from_logits=True)).step(x, x)
lr = net.optimizer.learning_rate if net.optimizer else 0.0
callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9)
callbacks.LearningRateScheduler(lambda epoch: 0.1)
callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True, mode="min")
with viz.trace("run", stats="basic", steps=[1, 2]) as t:
    net.fit(x, y)
t.draw("a.svg", view="forward")
t.save("a.efz")
print(t.summary(), t.top(by="layer", n=3))
rec = viz.load("a.efz")
rec.to_html("a.html")
print(viz.diff(rec, t), rec.memory().peak)
print(viz.diagnose(net, x, y))
a = ops.ones((2, 3))
b = a @ ops.transpose(a)
c = (a + 1) * 2 / a - 3
print(
    b.shape[0],
    float(c[0, 0]),
    c.numpy().mean(),
    ops.sum(a, axis=(0, 1)),
    ops.softmax(a, axis=-1),
    a[..., None],
    a[:, 0] > 0,
)
v = ef.Variable(np.zeros(3, "float32"), name="v")
v.assign_add([1.0, 2.0, 3.0])
q, r = ops.qr(ops.ones((3, 3)))
vals, idx = ops.top_k(a, k=2)
left, right = ops.split(a, 3, axis=1)[:2]


@ef.function
def f(t: ef.Tensor) -> ef.Tensor:
    return ops.tanh(t)


reveal_type(f(a))  # type: Tensor
g = ef.grad(lambda t: ops.sum(t**2))(a)
val, g2 = ef.value_and_grad(lambda t: ops.sum(t**2))(a)
enc, state = layers.GRU(8, return_sequences=True, return_state=True)(ops.ones((2, 3, 4)))
out, h, cc = layers.LSTM(8, return_state=True)(ops.ones((2, 3, 4)))
out2, scores2 = layers.MultiHeadAttention(2, 4)(a, a, return_attention_scores=True)
multi = keras.Model(inputs=[Input((3,), name="a"), Input((4,), name="b")], outputs=[Input((3,))])
multi.compile("adam", loss={"o": "mse"}, loss_weights={"o": 1.0}, metrics={"o": ["mae"]})
multi.fit({"a": x, "b": x}, {"o": y})
keras.utils.set_random_seed(1)
oh = keras.utils.to_categorical(y, num_classes=3)
print(oh.shape, oh[0])
(xt, yt), (xv, yv) = keras.datasets.mnist.load_data()
xt = xt.astype("float32") / 255
xt = xt.reshape(-1, 784)


def schedule(epoch: int, rate: float) -> float:
    return rate * 0.5


callbacks.LearningRateScheduler(schedule, verbose=1)
opts: dict[str, type[optimizers.Optimizer]] = {"sgd": optimizers.SGD, "adam": optimizers.Adam}
opts["adam"](learning_rate=0.1)


def build(kind: type[layers.Layer]) -> layers.Layer:
    return kind()


# shapes as an integer, of lists, arrays, tensors and what shapes are made of
like = ops.ones((2, 3))
ops.zeros(3), ops.ones([2, 3]), ops.empty(np.int64(2)), ops.full(like.shape, 0.5), ops.zeros(ops.shape(like))
ops.zeros(np.array([2, 3])), ops.zeros((like.shape[0], 4)), ops.zeros(range(1, 3)), ops.zeros(())
ops.reshape(like, -1), ops.reshape(like, (ops.shape(like)[0], -1)), ops.broadcast_to(like, (4, 2, 3))
ops.reshape(like, [*like.shape[:-1], 3, 1]), ops.zeros(ops.convert_to_tensor([2, 3]))
for size in like.shape:
    ops.ones(size)
