"""Data: arrays, data sets, preprocessing layers and pictures, up to `fit`."""

import math
from collections.abc import Iterator
from typing import Any, reveal_type

import numpy as np

import eagerflow as ef
from eagerflow import layers, ops

(x_train, y_train), (x_test, y_test) = ef.datasets.digits.load_data()
x_train = x_train.astype("float32") / 16
y_one_hot = ef.utils.to_categorical(y_train, num_classes=10)
train = ef.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(100, seed=1).batch(32)
train = train.map(lambda x, y: (x * 2, y)).prefetch(2)
for x, y in train.take(1):
    print(x.shape, y.shape)
print(len(train), next(iter(train))[0].shape)
train.shufle(10)  # error: shufle
ef.data.Dataset.from_tensor_slices(x_train).batch(32, drop_remaindr=True)  # error: drop_remaindr


def rows() -> Iterator[tuple[np.ndarray, int]]:
    for i in range(10):
        yield np.full(3, i, "float32"), i % 2


made = ef.data.Dataset.from_generator(rows)
print(next(iter(made.batch(5))))


class Batches(ef.utils.PyDataset):
    def __init__(self, x: np.ndarray, y: np.ndarray, batch_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx: int) -> tuple[np.ndarray, np.ndarray]:
        low = idx * self.batch_size
        return self.x[low : low + self.batch_size], self.y[low : low + self.batch_size]


augment = ef.Sequential(
    [
        layers.RandomFlip("horizontal"),
        layers.RandomRotation(0.1),
        layers.RandomZoom((-0.1, 0.1)),
        layers.RandomContrast([0.1, 0.2]),
        layers.Rescaling(1.0 / 255, offset=-1),
    ]
)
pictures = ops.ones((2, 8, 8, 3))
print(augment(pictures, training=True).shape)
reveal_type(layers.RandomFlip()(pictures, training=True))  # type: Tensor
labelled = {"images": pictures, "labels": ops.ones((2, 1))}
reveal_type(layers.RandomFlip()(labelled))  # type: dict[str, Any]
for name, value in layers.RandomBrightness(0.1)(labelled).items():
    print(name, value.shape)
layers.RandomFlip()(pictures, trainin=True)  # error: __call__
layers.RandomRotation("half")  # error: str
layers.RandomRotation(factor=0.1, fil_mode="nearest")  # error: fil_mode
layers.Resizing(8, 8)(x_train[:2, :, :, None])
print(layers.CenterCrop(4, 4)(pictures).shap)  # error: shap
layers.Rescaling(scale=[0.5, 0.5, 0.5])(pictures)
layers.Normalization(axis=-1).adapt(x_train)
layers.Normalization(mean=0.5, variance=[2.0])(x_train)
layers.Normalization(axis="last")  # error: axis

lookup = layers.StringLookup(vocabulary=["red", "green"], output_mode="one_hot")
print(lookup(["red", "blue"]).shape)
layers.StringLookup(max_tokens="many")  # error: max_tokens
layers.StringLookup(vocabulary=["a"], oov_token=3)  # error: oov_token
words = layers.TextVectorization(max_tokens=100, output_sequence_length=5, standardize="lower", split="character")
words.adapt(["a text", "another text"])
reveal_type(words(["a text"]))  # type: Tensor
words(["a text"], mask=None)  # error: mask
layers.TextVectorization(standardize=3)  # error: standardize
layers.TextVectorization(standardize=lambda text: text.lower(), ngrams=(1, 2))
layers.Discretization(bin_boundaries=np.array([0.0, 1.0]))(x_train)
layers.CategoryEncoding(num_tokens=4, output_mode="multi_hot")([[0, 1], [2, 3]])
layers.Hashing(num_bins=8, salt=[1, 2])(["a", "b"])

model = ef.Sequential([ef.Input((8, 8)), layers.Flatten(), layers.Dense(10, activation="softmax")])
model.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["acc", ef.metrics.SparseTopKCategoricalAccuracy(k=3), ef.metrics.sparse_categorical_accuracy],
    steps_per_execution=2,
    jit_compile=True,
)
model.compile("adam", "mse", steps_per_execution="many")  # error: steps_per_execution
model.compile("adam", "mse", jit_compile=2.5)  # error: jit_compile
history = model.fit(train, epochs=1, validation_data=(x_test, y_test), verbose=0)
model.fit(Batches(x_train, y_train, 64, workers=1), epochs=1, verbose=0)
loss, acc, top = model.evaluate(x_test, y_test, verbose=0)
print(f"{acc:.2%}")
chances = model.predict(x_test[:4], verbose=0)
print(np.argmax(chances, axis=1), chances.round(2).tolist())
sequences = ef.utils.pad_sequences([[1, 2], [3]], maxlen=4, padding="post", value=0)
print(sequences.shape)
ef.utils.to_categorical(y_train, classes=10)  # error: classes
ops.cast(x_train, "float16")
ef.metrics.Precision(thresholds=[0.3, 0.5], name="p")
ef.metrics.Precision(thresholds="high")  # error: thresholds
ef.metrics.AUC(thresholds=np.linspace(0, 1, 5))
model.fit(x_train, y_train, class_weight={0: 1.0, 1: 2.0}, shuffle="batch", validation_freq=[1, 2], verbose=0)
model.fit(x_train, y_train, class_weight="balanced")  # error: class_weight
model.fit(x_train, y_train, shuffle="rows")  # error: shuffle
