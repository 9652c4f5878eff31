"""The same seed gives the same bits: in every run, and with every number of threads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_TRAINS = """
import hashlib, sys
import numpy as np
import eagerflow as ef
from eagerflow import layers

def images():
    return ef.Sequential([
        ef.Input((32, 32, 3)), layers.Conv2D(32, 3, activation="relu", padding="same"), layers.BatchNormalization(),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(), layers.DepthwiseConv2D(3, strides=2),
        layers.Conv2DTranspose(16, 3, strides=2), layers.GlobalAveragePooling2D(), layers.Dropout(0.3),
        layers.Dense(700, "gelu"), layers.LayerNormalization(), layers.Dense(10, "softmax"),
    ])

def words():
    return ef.Sequential([
        ef.Input((40,), dtype="int32"), layers.Embedding(500, 64, mask_zero=True),
        layers.Bidirectional(layers.LSTM(64, return_sequences=True)), layers.GRU(48), layers.Dense(10, "softmax"),
    ])

def wide():
    return ef.Sequential([
        ef.Input((784,)), layers.Dense(512, "relu"), layers.Dropout(0.2), layers.Dense(512, "relu"),
        layers.Dense(10, "softmax"),
    ])

def attention():
    x = given = ef.Input((48, 64))
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(4, 16, dropout=0.1)(x, x)]))
    return ef.Model(given, layers.Dense(10, "softmax")(layers.Flatten()(x)))

rng = np.random.default_rng(0)
data = {
    "images": rng.normal(size=(96, 32, 32, 3)).astype("float32"), "words": rng.integers(0, 500, (96, 40)),
    "wide": rng.normal(size=(256, 784)).astype("float32"),
    "attention": rng.normal(size=(96, 48, 64)).astype("float32"),
}
labels = rng.integers(0, 10, 256)
for make in (images, words, wide, attention):
    ef.utils.set_random_seed(7)
    model = make()
    model.compile(ef.optimizers.Adam(clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = data[make.__name__]
    history = model.fit(x, labels[:len(x)], batch_size=128 if len(x) > 128 else 32, epochs=2, verbose=0)
    digest = hashlib.sha256(repr(history.history).encode())
    for weight in [*model.get_weights(), model.predict(x, verbose=0)]:
        digest.update(weight.tobytes())
    print(make.__name__, digest.hexdigest())
"""


def trained(**environment):
    ran = subprocess.run(
        [sys.executable, "-c", _TRAINS],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert len(ran.stdout.splitlines()) == 4
    return ran.stdout


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads():
    alone = trained(EAGERFLOW_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    assert trained(EAGERFLOW_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1") == alone
    assert trained(EAGERFLOW_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2") == alone
    assert trained(EAGERFLOW_NUM_THREADS="5", OPENBLAS_NUM_THREADS="3") == alone
