"""Bias and relu done on the way of a convolution's outputs give the bits of those done afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.kernels.convolution import choice
from eagerflow.kernels.convolution.epilogue import epilogue
from eagerflow.ops.neural.convolution import planned


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype("float32")


def finished(a, bias, relu):
    found = a + bias
    return np.maximum(found, 0) if relu else found


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(0, 5), (1, 7), (3, 64), (130, 64), (9000, 33), (5, 9000)])
def test_an_array_is_finished_in_place_or_elsewhere(shape, relu):
    a, bias = numbers(*shape), numbers(shape[1], seed=1)
    expected = finished(a, bias, relu)
    finish = epilogue(bias, relu, rows=shape[0])
    into = np.full_like(a, 7)
    finish(a.copy(), into)
    finish(a)
    np.testing.assert_array_equal(into, expected)
    np.testing.assert_array_equal(a, expected)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize(
    ("shape", "padding"),
    [
        ((7, 26, 26, 16), "valid"),  # whole tiles, several blocks of images
        ((3, 15, 17, 16), "same"),  # the last tiles reach over the edge
        ((1, 90, 90, 16), "same"),  # bands of one image
    ],
)
def test_outputs_of_tiles_are_finished_on_the_way_to_their_place(shape, padding, uneven, relu):
    x, kernel, bias = numbers(*shape), numbers(3, 3, 16, 32, seed=1), numbers(32, seed=2)
    if uneven:  # so that outputs must be looked at before they are finished
        x[0] *= 40
        x[:, ::2] = 0
    plan = planned(x, kernel, 1, padding, 1)
    plain = choice.forward(x, kernel, *plan)
    found = choice.forward(x, kernel, *plan, epilogue=(bias, relu))
    np.testing.assert_array_equal(found, finished(plain, bias, relu))


def test_gradients_of_overlapping_tiles_agree_with_float64():
    x, kernel = numbers(5, 26, 26, 32), numbers(3, 3, 32, 64, seed=1)
    plan = planned(x, kernel, 1, "valid", 1)
    g = numbers(5, 24, 24, 64, seed=2)
    found = choice.gradients(x, g, kernel, (True, True), *plan)
    exact = choice.gradients(*(a.astype("float64") for a in (x, g, kernel)), (True, True), *plan)
    for ours, theirs in zip(found, exact, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=4e-6 * np.abs(theirs).max())
