"""Arguments that other libraries refuse, or take, in the same way."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ops.reshape(np.zeros(20), (-2, 5)), ValueError, "only -1 is allowed"),
        (lambda: ops.reshape(np.zeros(20), (-1, -1, 5)), ValueError, "one unknown"),
        (lambda: ops.eye(3.0), TypeError, "float"),
        (lambda: ops.eye(3, 2.0), TypeError, "float"),
        (lambda: ops.histogram(np.zeros((2, 3))), ValueError, "expected one axis"),
        (lambda: ops.istft((np.ones((1, 2)), np.ones((1, 2))), 2, 1.5, 4), ValueError, "sequence_stride=1.5"),
        (lambda: ops.stft(np.ones(8), 2, 0, 4), ValueError, "sequence_stride=0"),
        (lambda: ops.rfft(1.0), ValueError, "at least one axis"),
        (lambda: ops.fft2((np.ones(3), np.ones(3))), ValueError, "at least 2 axes"),
        (lambda: ops.image.extract_patches(np.ones((4, 4, 1)), "5"), TypeError, "expected an integer"),
        (lambda: ops.image.extract_patches_3d(np.ones((4, 4, 4, 1)), (2, 2)), TypeError, "tuple of 3"),
        (lambda: ops.depth_to_space(np.ones((1, 2, 2, 4)), 1), ValueError, "at least 2"),
    ],
)
def test_what_can_not_be_meant_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_class_numbers_may_be_floats_without_fractions():
    assert ops.one_hot([0.0, 2.0], 3).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert ops.multi_hot([0.0, 2.0], 3).tolist() == [1, 0, 1]


def test_one_vector_for_each_matrix():
    a = np.array([[[2.0, 1.0], [0.0, 4.0]], [[1.0, 3.0], [0.0, 2.0]]])
    b = np.array([[4.0, 8.0], [7.0, 4.0]])
    expected = np.stack([np.linalg.solve(m, v) for m, v in zip(a, b)])
    np.testing.assert_allclose(ops.solve(a, b), expected)
    np.testing.assert_allclose(ops.solve_triangular(a, b), expected)


def test_the_gradient_of_a_product_over_nothing_is_empty():
    for shape, axis in (((2, 0, 3), 1), ((0,), None), ((2, 3, 0), (1, 2))):
        v = ef.Variable(np.ones(shape, "float32"))
        with ef.GradientTape() as tape:
            y = ops.sum(ops.prod(v, axis=axis))
        assert tape.gradient(y, v).shape == shape


def test_types_of_python_take_the_width_of_what_they_meet():
    types = ["int8", "uint16", "float16", "complex64"]
    assert [ef.backend.result_type(t, int) for t in types] == types
    assert [ef.backend.result_type(t, float) for t in types] == ["float32", "float32", "float16", "complex64"]
    for t in types:
        assert (ef.Tensor([1], dtype=t) + 1).dtype == ef.backend.result_type(t, int)
