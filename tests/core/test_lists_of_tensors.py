"""Where a list of numbers may stand, a list with tensors may, and gradients reach each of them.

`tests/test_gradients.py` goes through all ops; here are the ways in which lists are nested and mixed.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import losses, ops
from eagerflow.core.tensor import holds_tensors


@pytest.fixture
def v():
    return ef.Variable([1.0, 2.0])


@pytest.fixture
def w():
    return ef.Variable([3.0, 4.0])


def slopes(function, *sources):
    with ef.GradientTape() as tape:
        out = function()
    return [None if g is None else g.tolist() for g in tape.gradient(out, list(sources))]


MIXTURES = {
    "tuple": lambda v, w: (v, w),
    "list of lists": lambda v, w: [[v[0], v[1]], [w[0], w[1]]],
    "numbers beside": lambda v, w: [[v[0], 7.0], v * 0, w, [0, v[1]]],
    "an array beside": lambda v, w: [v, np.zeros(2), w],
    "deque": lambda v, w: deque([v, w]),
    "deep": lambda v, w: [[[v], [w]], [[[0, 0]], [[1, 2.5]]]],
}


@pytest.mark.parametrize("mix", MIXTURES.values(), ids=MIXTURES)
def test_gradients_reach_tensors_in_lists(mix, v, w):
    assert slopes(lambda: ops.sum(mix(v, w)), v, w) == [[1.0, 1.0], [1.0, 1.0]]
    assert slopes(lambda: ops.convert_to_tensor(mix(v, w)), v, w) == [[1.0, 1.0], [1.0, 1.0]]
    assert slopes(lambda: ef.Tensor(mix(v, w)), v, w) == [[1.0, 1.0], [1.0, 1.0]]


def test_gradients_reach_tensors_in_operands(v, w):
    assert slopes(lambda: v * [w, w], v, w) == [[6.0, 8.0], [2.0, 4.0]]
    assert slopes(lambda: [w, w] * v, v, w) == [[6.0, 8.0], [2.0, 4.0]]
    assert slopes(lambda: v * ops.array([1.0, w[0]]), v, w) == [[1.0, 3.0], [2.0, 0.0]]
    assert slopes(lambda: np.multiply(v, [w, w]), v, w) == [[6.0, 8.0], [2.0, 4.0]]
    assert slopes(lambda: np.concatenate([v, w]), v, w) == [[1.0, 1.0], [1.0, 1.0]]
    assert slopes(lambda: ops.concatenate([[v], [w, w]]), v, w) == [[1.0, 1.0], [2.0, 2.0]]
    assert slopes(lambda: ops.where([[True, False]], [v, w], 0), v, w) == [[1.0, 0.0], [1.0, 0.0]]


def test_gradients_of_second_order_pass_through_lists():
    x = ef.Variable(2.0)
    with ef.GradientTape() as outer:
        with ef.GradientTape() as tape:
            y = ops.prod([x, [x * x, 3.0][0], 5.0])
        first = tape.gradient(y, x)
    assert float(first) == 60.0
    assert float(outer.gradient(first, x)) == 60.0


def test_a_tensor_of_a_tensor_carries_the_gradient(v):
    assert slopes(lambda: ef.Tensor(v) * 3.0, v) == [[3.0, 3.0]]
    assert slopes(lambda: ef.Tensor(v, "float64") * 3.0, v) == [[3.0, 3.0]]
    copied = ef.Tensor(v)
    v.assign([9.0, 9.0])
    assert copied.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (lambda f, d: [f, 1], "float32"),
        (lambda f, d: [f, 1.5, np.float64(2.0)], "float32"),
        (lambda f, d: [d, 1.0], "float64"),
        (lambda f, d: [f, d], "float64"),
        (lambda f, d: [ef.Tensor(1), 2], "int32"),
        (lambda f, d: [ef.Tensor(1), 2.5], "float32"),
        (lambda f, d: [ef.Tensor(1), f], "float32"),
        (lambda f, d: [ef.Tensor(1, "float16"), 2.5], "float16"),
    ],
)
def test_numbers_take_the_type_of_the_tensors_beside_them(parts, expected):
    given = parts(ef.Tensor(1.0), ef.Tensor(1.0, "float64"))
    assert ops.convert_to_tensor(given).dtype == expected
    assert ops.convert_to_tensor(given, "float64").dtype == "float64"


def test_tensors_of_different_lengths_make_no_tensor(v):
    with pytest.raises(ValueError, match=r"stack\(\[float32\[2\], float32\[3\]\]\)"):
        ops.sum([v, ef.Tensor([1.0, 2.0, 3.0])])


def test_lists_without_tensors_are_known_by_their_types():
    assert not holds_tensors([[1.0, 2], (True, [np.zeros(3)])])
    assert not holds_tensors("text")
    assert not holds_tensors(range(3))
    assert holds_tensors([[1.0], [[2.0, [ef.Tensor(1.0)]]]])


def test_lists_of_tensors_on_another_device_stay_there(device):
    with ef.device(device):
        t = ops.ones(2)
    assert ops.sum([t, [1.0, 2.0]]).device == device


LOSSES = [
    name for name in losses.__all__ if isinstance(getattr(losses, name), type) and name not in ("Loss", "CTC", "Circle")
]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_carry_the_gradient_of_lists_targets_and_weights(name):
    rng = np.random.default_rng(0)
    loss = getattr(losses, name)()
    predicted = rng.dirichlet(np.ones(3), 4)
    labels = [0, 1, 2, 1]
    sparse = name.startswith("Sparse") or name == "CategoricalGeneralizedCrossEntropy"
    true = np.array(labels) if sparse else np.eye(3)[labels]
    whole, rows = ef.Variable(predicted), [ef.Variable(row) for row in predicted]
    one = slopes(lambda: loss(true, whole), whole)
    np.testing.assert_allclose(slopes(lambda: loss(true, rows), *rows), one[0], rtol=1e-9)
    if not sparse:
        whole, rows = ef.Variable(true), [ef.Variable(row) for row in true]
        one = slopes(lambda: loss(whole, predicted), whole)
        assert one[0] is not None
        np.testing.assert_allclose(slopes(lambda: loss(rows, predicted), *rows), one[0], rtol=1e-9)
    if name not in ("Dice", "Tversky"):  # one number for all samples
        weights = ef.Variable(np.ones(4))
        assert slopes(lambda: loss(true, predicted, sample_weight=weights), weights)[0] is not None


# What a rule needs later is the tape's own: the giver may change his arrays and lists.

KEPT = {
    "index": (lambda x, i: x[i], np.array([0, 1, 1])),
    "mask": (lambda x, i: x[i], np.array([True, False, True])),
    "index in a tuple": (lambda x, i: x[..., i], np.array([0, 1, 1])),
    "list": (lambda x, i: x[i], [0, 1, 1]),
    "take": (lambda x, i: ops.take(x, i, axis=1), np.array([0, 1, 1])),
    "take_along_axis": (lambda x, i: ops.take_along_axis(x, i, axis=1), np.array([[0], [1], [1]])),
    "segment_sum": (lambda x, i: ops.segment_sum(x, i, 2) * [[1.0], [2.0]], np.array([0, 1, 1])),
    "scatter": (lambda x, i: ops.scatter_update(x, i, np.zeros((2, 3))), np.array([[0], [2]])),
    "where": (lambda x, i: ops.where(i, x, 0), np.array([True, False, True])),
    "sum": (lambda x, i: ops.sum(x, axis=i) * [1.0, 2.0, 3.0], [0]),
    "transpose": (lambda x, i: ops.transpose(x, i) * np.arange(9.0).reshape(3, 3), [1, 0]),
    "roll": (lambda x, i: ops.roll(x, i, axis=[0, 1]) * np.arange(9.0).reshape(3, 3), [1, 2]),
    "multiply": (lambda x, i: x * i, np.arange(9.0).reshape(3, 3)),
    "pad": (lambda x, i: ops.pad(x, i) * np.arange(20.0).reshape(4, 5), [[1, 0], [0, 2]]),
}


@pytest.mark.parametrize(("function", "given"), KEPT.values(), ids=KEPT)
def test_what_is_given_may_be_changed_between_forward_and_backward(function, given):
    x = ef.Variable(np.arange(1.0, 10.0).reshape(3, 3))

    def found(change):
        own = given.copy() if isinstance(given, np.ndarray) else [*given]
        with ef.GradientTape() as tape:
            y = function(x, own)
        if change:
            own[:] = own[::-1] if isinstance(own, list) else np.ones_like(own) * own.reshape(-1)[-1]
        return tape.gradient(y, x).numpy()

    np.testing.assert_array_equal(found(True), found(False))
