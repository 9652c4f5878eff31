"""Captured steps whose operations compiled kernels compute."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from tests.compiled.comparing import forget, numbers

pytestmark = pytest.mark.slow  # the kernels are compiled: some seconds


def gradient_of(op, x):
    def step():
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(op(x))
        return tape.gradient(loss, x)

    return step


@pytest.mark.parametrize("name", ["tanh", "softmax", "gelu"])
def test_a_gradient_that_is_the_same_everywhere_is_computed_as_in_the_eager_step(name):
    """The gradient of a sum is broadcast, and the kernel that takes it another one than for an array of its own."""
    step = gradient_of(getattr(ef.activations, name), ef.Variable(numbers(16, 38, 38, 8)))
    captured, eager = ef.function(step), step()
    for _ in range(4):
        assert np.array_equal(captured().numpy(), eager.numpy())
    assert captured.replays >= 2


def test_machine_code_that_is_read_in_a_step_does_not_end_its_capture():
    captured = ef.function(gradient_of(ef.activations.gelu, ef.Variable(numbers(16, 38, 38, 8))))
    for _ in range(2):
        forget()  # as in a program that has just begun
        captured()
    captured(), captured()
    assert captured.replays >= 1
