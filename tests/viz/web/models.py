"""Small models, and pages of them, that several tests look at."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import eagerflow as ef
from eagerflow import layers as L

HOSTILE = "</script><img src=x onerror=\"wrong.push('label')\">\u2028'\"&<!--"


class Example(NamedTuple):
    """A model, and what `export` is given beside it."""

    model: ef.Model
    options: dict[str, Any]


def _uneven(model: ef.Model) -> ef.Model:
    """The same weights each time, neither 0 nor 1, so that wrong numbers are seen."""
    rng = np.random.default_rng(1)
    for variable in model.weights:
        if variable.dtype == "float32":
            low = 0.5 if "variance" in variable.path else -0.4
            variable.assign(rng.uniform(low, low + 1, variable.shape).astype("float32"))
    return model


def mlp() -> Example:
    model = ef.Sequential(
        [L.Input((4,)), L.Dense(16, activation="relu", name="hidden"), L.Dense(3, activation="softmax", name="answer")],
        name="mlp",
    )
    samples = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    options = {"labels": ["ash", HOSTILE, "oak"], "features": ["a", HOSTILE, "c", "d"], "title": HOSTILE}
    return Example(_uneven(model), {"samples": samples, **options})


def digits() -> Example:
    """The layers of examples/digits_cnn.py, fewer channels."""
    model = ef.Sequential(
        [
            L.Input((8, 8, 1)),
            L.Conv2D(6, 3, padding="same", activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling2D(2),
            L.Conv2D(8, 3, padding="same", activation="relu"),
            L.Flatten(),
            L.Dropout(0.4),
            L.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    (images, _), _ = ef.datasets.digits.load_data()
    return Example(_uneven(model), {"samples": images[:40, ..., None] / 16, "labels": list("0123456789")})


WORDS = ["film", "good", "bad", "not", "the", "</script>", "a-b", "naïve", "日本"]


def text() -> Example:
    vectorizer = L.TextVectorization(vocabulary=WORDS)
    model = ef.Sequential(
        [
            L.Input((None,), dtype="int64"),
            L.Embedding(len(WORDS) + 2, 6, mask_zero=True),
            L.LSTM(5),
            L.Dense(1, activation="sigmoid"),
        ],
        name="text",
    )
    samples = ["The film: not BAD!", "good", HOSTILE]
    return Example(_uneven(model), {"samples": samples, "text": vectorizer, "labels": ["bad", "good"]})


def decoder() -> Example:
    model = ef.Sequential(
        [L.Input((2,)), L.Dense(32, activation="relu"), L.Dense(64, activation="sigmoid")], name="decoder"
    )
    return Example(_uneven(model), {"value_range": (-2, 2)})


def mobilenet() -> Example:
    """In full size; moving averages are as in training, so that numbers neither vanish nor grow."""
    ef.utils.set_random_seed(2)
    model = ef.applications.MobileNetV2(weights=None)
    at = np.linspace(-1, 1, 224, dtype="float32")
    image = np.stack([np.sin(9 * at[:, None] + at), np.cos(7 * at)[:, None] + 0 * at, np.sin(5 * at * at[:, None])], -1)
    return Example(model, {"samples": image[None]})


def several() -> Example:
    """Two inputs and two outputs; a layer that is called twice."""
    left, right = ef.Input((6, 6, 1), name="left"), ef.Input((3,), name="right")
    shared = L.Dense(4, activation="tanh", name="shared")
    x = shared(L.Dense(3, name="first")(L.Flatten(name="flat")(left)))
    y = shared(right)
    both = L.Concatenate(name="both")([x, y])
    model = ef.Model([left, right], [L.Dense(2, name="pair")(both), L.Dense(1, name="one")(both)], name="several")
    rng = np.random.default_rng(3)
    samples = {"right": rng.normal(size=(30, 3)).astype("float32"), "left": rng.random((30, 6, 6, 1), dtype="float32")}
    return Example(_uneven(model), {"samples": samples, "labels": {"pair": ["here", "there"]}})


EXAMPLES = {each.__name__: each for each in (mlp, digits, text, decoder, mobilenet)}
