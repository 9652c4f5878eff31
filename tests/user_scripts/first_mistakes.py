"""Slips of the first hours with a model; and what is right, in the ways in which people write it."""

from typing import Any, reveal_type

import eagerflow as keras
from eagerflow import layers, ops

x, y = ops.ones((4, 8)), ops.ones(4)
rows = [keras.Input((8,)), layers.Dense(3), layers.Dropout(0.5)]
more = [layers.Dense(2), layers.ReLU()]
model = keras.Sequential(rows)

keras.Sequential([layers.Flatten])  # error: Flatten
keras.Sequential(["dense"])  # error: str
model.add(layers.Flatten)  # error: add
keras.Sequential([keras.Input((8,))] + more)  # noqa: RUF005  (so it is written)
keras.Sequential([keras.Input((8,)), *more])
keras.Sequential([model, layers.Lambda(lambda a: a * 2), layers.Bidirectional(layers.LSTM(2))])
keras.Sequential(tuple(more)).add(keras.applications.VGG16(weights=None))
keras.Sequential(layers.Dense(2), name="one")
keras.Sequential(model.layers[:-1])

keras.Input(shape="20")  # error: str
keras.Input(x.shape[1:])
keras.Input(shape=[None, 3])
keras.Input(shape=ops.ones((2, 3)).shape[-1])  # error: int
keras.Input((x.shape[-1],))
keras.Input((3, 2), dtype="int32")

keras.random.normal(3, 4, 5, 6, 7)  # error: int
keras.random.normal((2, 3), 0.0, 1.0, "float32", 7)
keras.random.uniform(x.shape, dtype=x.dtype, seed=keras.random.SeedGenerator(3))
keras.random.randint((2,), 0, 5, dtype=int)

model.train()  # error: train
model.score(x, y)  # error: score
model.fit(x, y)["loss"]  # error: index
model.evaluate(x, y)["loss"]  # error: __getitem__
print(model.evaluate(x, y, return_dict=True)["loss"], model.evaluate(x, y, return_dict=bool(x.size))["loss"])
model.train_on_batch(x, y)["loss"]  # error: __getitem__
model.test_on_batch(x, y).keys()  # error: keys
first: float = model.train_on_batch(x, y)
numbers: list[float] = model.test_on_batch(x, y)
print(model.train_on_batch(x, y)[0], model.train_on_batch(x, y, return_dict=True)["loss"], numbers[0] < first)
loss, accuracy = model.evaluate(x, y)
print(f"{loss:.3f}", accuracy.mean())
score = model.evaluate(x, y, verbose=0)
print(score[0], score < 0.5, f"{score:.2f}", dict(zip(model.metrics_names, score, strict=True)))
least: float = model.evaluate(x, y)
all_of_them: list[float] = model.evaluate(x, y)
reveal_type(score[0])  # type: Any


class Machine(keras.Model):
    def train(self, x: Any) -> float:
        return self.score(x)

    def score(self, x: Any) -> float:
        return self.evaluate(x)


print(Machine().train(x))
