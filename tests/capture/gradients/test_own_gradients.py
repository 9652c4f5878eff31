"""Steps with a gradient that the user wrote (`custom_gradient`) run eagerly, and say so."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.capture.steps import batches, bits

W = ef.Variable(np.linspace(-1, 1, 3, dtype="float32"))
REVERSED = ef.custom_gradient(lambda x: (x, lambda g: -0.5 * g))
SQUARE = ef.custom_gradient(lambda x: (x * x, lambda g: g * 2.5 * x))


@ef.custom_gradient
def of_variables(x):
    return x * W, lambda g, variables: (g * W, [ops.sum(g * x, axis=0) for _ in variables])


def once(x):
    with ef.GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(REVERSED(ops.tanh(x)) * of_variables(x))
    return tape.gradient(y, [x, W])


def nested(x):
    with ef.GradientTape() as outer:
        outer.watch(x)
        with ef.GradientTape() as inner:
            inner.watch(x)
            y = ops.sum(SQUARE(x) * x)
        z = ops.sum(inner.gradient(y, x) ** 2)
    return outer.gradient(z, x)


@pytest.mark.parametrize("step", [once, nested])
def test_a_gradient_that_the_user_wrote_runs_eagerly(step):
    run, given = ef.function(step), [x for (x,) in batches(6, (2, 3))]
    with pytest.warns(UserWarning, match=r"a gradient that you wrote.*test_own_gradients.py:\d+"):
        found = [bits(run(x)) for x in given]
    assert found == [bits(step(x)) for x in given]
    assert not run.replays
