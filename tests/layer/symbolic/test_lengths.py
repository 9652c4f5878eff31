"""Unknown lengths of symbolic tensors that only fit the rest of a call, and calls whose samples must be special."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.layers import Input, KerasTensor


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: Input((None, 3)) + Input((5, 3)), (None, 5, 3)),
        (lambda: KerasTensor((None, 3)) * KerasTensor((2, 3)), (2, 3)),
        (lambda: ops.matmul(KerasTensor((None, 3, 4)), KerasTensor((3, None, 4, 5))), (3, None, 3, 5)),
        (lambda: ops.where(KerasTensor((2, None, 1)), KerasTensor((None, 1)), KerasTensor((None, 3))), (2, None, 3)),
        (lambda: ops.split(KerasTensor((None, 3)), 2)[0], (None, 3)),
        (lambda: ops.split(Input((None, 3)), 3, axis=1)[0], (None, None, 3)),
        (lambda: ops.unstack(KerasTensor((2, None, None)), num=3, axis=1)[0], (2, None)),
        (lambda: KerasTensor((None, 5))[7], (5,)),
        (lambda: layers.Concatenate(axis=-1)([Input((None, 3)), Input((5, 2))]), (None, 5, 5)),
        (lambda: ops.image.pad_images(Input((None, 9, 3)), 2, 3, target_height=20, target_width=30), (None, 20, 30, 3)),
    ],
)
def test_an_unknown_length_is_what_the_rest_of_the_call_allows(call, shape):
    assert call().shape == shape


@pytest.mark.parametrize("n", [5, 7])
def test_a_sum_with_a_known_length_runs_on_what_fits(n):
    x, y = Input((None, 3)), Input((5, 3))
    model = ef.Model([x, y], x + y)
    ones = np.ones((2, n, 3), "float32")
    if n == 5:
        assert model([ones, ones]).shape == (2, 5, 3)
    else:
        with pytest.raises(ValueError, match="broadcast"):
            model([ones, np.ones((2, 5, 3), "float32")])


@pytest.mark.parametrize("function", [ops.linalg.inv, ops.linalg.cholesky, ops.linalg.eigh])
def test_matrices_that_ones_are_not_are_found_symbolically(function):
    found = function(Input((3, 3)))
    assert ef.tree.flatten(found)[-1].shape == (None, 3, 3)


def test_lengths_that_kernels_settle():
    assert ops.linalg.solve(Input((3, 3)), Input((3, 2))).shape == (None, 3, 2)
    assert ops.linalg.solve_triangular(Input((3, 3)), Input((3,))).shape == (None, 3)
    assert ops.conv(KerasTensor((None, 10, None)), KerasTensor((3, 5, 4))).shape == (None, 8, 4)
    assert ops.segment_sum(KerasTensor((None, 4)), KerasTensor((10,), "int32"), num_segments=3).shape == (3, 4)


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: ops.unique(KerasTensor((None, 3))), (None,)),
        (lambda: ops.unique(KerasTensor((4,))), (None,)),
        (lambda: ops.nonzero(KerasTensor((4,)))[0], (None,)),
        (lambda: ops.segment_sum(KerasTensor((6, 4)), KerasTensor((6,), "int32")), (None, 4)),
        (lambda: ops.segment_sum(KerasTensor((6, 4)), KerasTensor((6,), "int32"), num_segments=3), (3, 4)),
    ],
)
def test_lengths_that_depend_on_values_are_unknown(call, shape):
    assert call().shape == shape


def test_loops_over_symbolic_tensors():
    turns = ops.while_loop(lambda x: ops.sum(x) < 100, lambda x: x * 2, Input((3,)))
    assert turns.shape == (None, 3)
    assert ops.while_loop(lambda i, x: i < 9, lambda i, x: (i + 1, x), (0, Input((3,))))[1].shape == (None, 3)
    x = Input((2,))
    model = ef.Model(x, ops.while_loop(lambda x: ops.sum(x) < 100, lambda x: x * 2, x))
    assert model(np.array([[3.0, 10.0]], "float32")).tolist() == [[24.0, 80.0]]


def test_both_branches_on_a_symbolic_condition_must_have_one_shape():
    flag = KerasTensor((), "bool")
    assert ops.cond(flag, lambda: ops.ones((3,)), lambda: ops.zeros((3,))).shape == (3,)
    with pytest.raises(ValueError, match="both branches must give the same shapes"):
        ops.cond(flag, lambda: ops.ones((3,)), lambda: ops.zeros((4,)))


def test_an_input_with_a_batch_size_takes_the_last_batch_too():
    x = Input((4,), batch_size=32)
    model = ef.Model(x, layers.Dense(2)(x))
    assert model.predict(np.ones((40, 4)), batch_size=32, verbose=0).shape == (40, 2)


def test_a_function_begins_at_any_symbolic_tensor():
    x = KerasTensor((2, 3))
    y = x + 1
    function = ef.Function(x, y * 3)
    np.testing.assert_array_equal(function(np.ones((2, 3))), np.full((2, 3), 6.0))
    after = ef.Function(y, y * 3)
    assert len(after.operations) == 1
    np.testing.assert_array_equal(after(np.ones((2, 3))), np.full((2, 3), 3.0))


def test_every_step_has_the_type_that_its_layer_gives():
    steps = layers.TimeDistributed(layers.Dense(2), dtype="mixed_float16")
    assert steps(Input((4, 3))).dtype == steps(np.ones((1, 4, 3))).dtype == "float32"


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        (lambda x: ops.array_split(x, 2), [(None, 4)] * 2),
        (lambda x: ops.array_split(x, 5), [(None, 4)] * 5),
        (lambda x: ops.array_split(x, [1]), [(1, 4), (None, 4)]),
        (lambda x: ops.vsplit(x, [3]), [(None, 4)] * 2),
        (lambda x: ops.split(x, 3), [(None, 4)] * 3),
        (lambda x: [x[3:], x[3:7], x[:-3], x[-1:]], [(None, 4), (None, 4), (None, 4), (1, 4)]),
    ],
)
def test_parts_of_an_unknown_length_claim_no_length(call, shapes):
    """Far cuts, too: at the sizes tried otherwise all parts behind the third row would be empty."""
    assert [tuple(part.shape) for part in call(Input((4,)))] == shapes
