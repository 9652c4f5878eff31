"""`viz.underflow`: zeros and subnormal numbers of half precision, by layer."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from viz.maps.underflow import Small


def stack(policy: str) -> ef.Model:
    body = ef.layers.Dense(3, use_bias=False, kernel_initializer="ones", dtype=policy, name="body")
    head = ef.layers.Dense(1, use_bias=False, kernel_initializer="ones", dtype=policy, name="head")
    model = ef.Sequential([ef.Input((2,)), body, head], name="net")
    model.compile("sgd", "mse", auto_scale_loss=False)
    return model


def counts(layer: str, found: dict[str, Small]) -> tuple[int, int, int]:
    return (found[layer].elements, found[layer].zeros, found[layer].subnormal)


def test_what_ops_make_is_counted_by_layer_and_size():
    model = stack("float16")
    x = np.array([[1.0, 1.0], [1.5e-5, 1.5e-5], [0.0, 0.0]], "float16")
    found = viz.underflow(model, x)
    assert counts("net/body", found.outputs) == (9, 3, 3)
    assert counts("net/head", found.outputs) == (3, 1, 0)  # 9e-5 has all its digits
    assert found.gradients == {}


def test_gradients_are_counted_where_the_op_ran():
    found = viz.underflow(stack("mixed_float16").train_on_batch, np.full((4, 2), 1e-5), np.zeros((4, 1)))
    assert found.gradients["net/head"].subnormal > 0
    assert found.gradients["net/body"].zeros > 0
    assert "net/body" in repr(found)


@pytest.mark.parametrize("policy", ["float32", "float64"])
def test_other_precisions_are_left_out(policy):
    found = viz.underflow(stack(policy).train_on_batch, np.full((4, 2), 1e-20), np.zeros((4, 1)))
    assert repr(found) == "nothing was in half precision"
