"""Layers take the bytes of pictures as they are, whether or not an `Input` before them makes them floats."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L

PICTURES = (8, 8, 3)
FIRST = {
    "Conv1D": (lambda: L.Conv1D(2, 3, padding="causal"), (8, 3)),
    "Conv2D": (lambda: L.Conv2D(2, 3), PICTURES),
    "Conv2D without bias": (lambda: L.Conv2D(2, 3, use_bias=False), PICTURES),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(2, 3), PICTURES),
    "Conv3D": (lambda: L.Conv3D(2, 3), (4, 8, 8, 3)),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(3), PICTURES),
    "GaussianDropout": (lambda: L.GaussianDropout(0.1, seed=1), PICTURES),
    "GaussianNoise": (lambda: L.GaussianNoise(0.1, seed=1), PICTURES),
    "SeparableConv2D": (lambda: L.SeparableConv2D(2, 3), PICTURES),
    "SpectralNormalization": (lambda: L.SpectralNormalization(L.Conv2D(2, 3)), PICTURES),
    "TimeDistributed": (lambda: L.TimeDistributed(L.Conv2D(2, 3)), (4, 8, 8, 3)),
}


def trained(kind, *before):
    make, shape = FIRST[kind]
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (6, *shape)).astype("uint8"), rng.integers(0, 2, 6)
    ef.utils.set_random_seed(3)
    model = ef.Sequential([*[kind(shape) for kind in before], make(), L.Flatten(), L.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    model.fit(x, y, verbose=0, shuffle=False)
    return model.predict(x, verbose=0)


@pytest.mark.parametrize("kind", FIRST)
def test_bytes_train_a_model_that_begins_without_an_input(kind):
    found = trained(kind)
    assert found.dtype == "float32"
    assert np.allclose(found, trained(kind, ef.Input), atol=1e-6)


def test_bytes_become_numbers_of_the_compute_type():
    layer = L.Conv2D(2, 3, dtype="mixed_float16")
    for dtype in ("uint8", "int64", "bool"):
        assert layer(np.ones((1, *PICTURES), dtype)).dtype == "float16"
    bytes_in = ef.Input(PICTURES, dtype="uint8")
    model = ef.Model(bytes_in, L.Conv2D(2, 3)(bytes_in))
    assert model(np.ones((1, *PICTURES), "uint8")).dtype == "float32"
