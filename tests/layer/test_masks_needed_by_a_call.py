"""Layers whose `call` doesn't work without the mask of its input, in functional models."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

IDS = np.array([[1, 2, 0], [3, 0, 0]])


class OverTime(layers.Layer):
    """A softmax over the steps that count."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            raise RuntimeError("no mask")
        sizes = ops.exp(inputs) * ops.cast(mask, "float32")[..., None]
        return sizes / ops.sum(sizes, axis=1, keepdims=True)


def _with_mask():
    ids = ef.Input((None,), dtype="int32")
    x = layers.Dense(1)(layers.Embedding(9, 4, mask_zero=True)(ids))
    return ids, OverTime()(x)


def test_a_call_that_needs_a_mask_gets_it_also_inside_of_another_model():
    ids, shares = _with_mask()
    assert shares.shape == (None, None, 1)
    found = ef.Model(ids, shares)(IDS).numpy()[..., 0]
    assert (found[IDS == 0] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    ids, shares = _with_mask()
    inner = ef.Model(ids, shares)
    outer = ef.Input((5,), dtype="int32")
    model = ef.Model(outer, ops.sum(inner(outer), axis=(1, 2)))
    np.testing.assert_allclose(model(np.array([[1, 2, 0, 0, 0]])).numpy(), [1], rtol=1e-6)
    with pytest.raises(RuntimeError, match="no mask"):
        OverTime()(ef.Input((3, 1)))
