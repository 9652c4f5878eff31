"""Messages name the cure, or the cell that is at fault, and not only what doesn't fit."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.base.errors import UnknownNameError


def model():
    made = ef.Sequential([ef.Input((4,)), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


@pytest.mark.parametrize("name", ["cross_entropy", "CrossEntropyLoss", "xent"])
def test_a_cross_entropy_is_one_of_three(name):
    with pytest.raises(UnknownNameError) as raised:
        model().compile("adam", name)
    for meant in ("sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"):
        assert f"{meant!r} for" in str(raised.value)


@pytest.mark.parametrize("channels", [(4, 8), (8, 4)])
def test_branches_of_unlike_channels_meet_in_the_larger_number(channels):
    x, y = (ef.Input((6, 6, n)) for n in channels)
    with pytest.raises(ValueError, match=r"The branch with 4 channels needs 8 as well: .*Conv2D\(8, 1\)"):
        layers.Add()([x, y])
    few, many = (x, y) if channels == (4, 8) else (y, x)
    assert layers.Add()([layers.Conv2D(8, 1)(few), many]).shape == (None, 6, 6, 8)


@pytest.mark.parametrize(
    ("call", "error", "cure"),
    [
        (lambda: layers.Reshape((3, 4))(ef.Input((10,))), ValueError, r"must multiply to 10; one may be -1"),
        (lambda: layers.Embedding(10, 2)(np.array([[3, 12]])), IndexError, r"needs input_dim=13"),
        (lambda: layers.Embedding(10, 2)(np.array([[-1, 2]])), IndexError, r"Negative numbers are no indices"),
        (lambda: model()(np.ones((32, 10))), ValueError, r"Pass examples of shape \(4,\), or .* Input\(\(10,\)\)"),
        (lambda: layers.Dense(1)(layers.Dense(3)), TypeError, r"Call that layer first: Dense\(...\)\(x\)"),
    ],
)
def test_what_does_not_fit_comes_with_a_cure(call, error, cure):
    with pytest.raises(error, match=cure):
        call()


QUESTION = np.array([[1, 2.5, True, np.float32(4)]] * 3 + [[1, 2, "?", 4]], object)


@pytest.mark.parametrize("use", [lambda x: model().fit(x, np.ones(4)), lambda x: model().predict(x), ef.Tensor])
def test_the_first_cell_that_is_no_number_is_named(use):
    with pytest.raises(TypeError, match=r"object elements: '\?' at \[3, 2\]"):
        use(QUESTION)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"object elements: 'red' in column 'b', row 1"):
        use(pandas.DataFrame({"a": [1, 2, 3, 4], "b": [1, "red", 2, 3], "c": [1, 2, 3, 4]}))


def test_a_missing_value_among_objects_is_named():
    with pytest.raises(TypeError, match=r"None at \[1\]"):
        ef.Tensor(np.array([1, None], object))
