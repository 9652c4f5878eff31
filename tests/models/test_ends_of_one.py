"""Lists and tuples of one input or output, and programs that ask how many outputs there are."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef

X = np.ones((2, 3), "float32")


def model(inputs=lambda x: x, outputs=lambda y: y):
    x = ef.Input((3,))
    return ef.Model(inputs(x), outputs(ef.layers.Dense(2)(x)))


@pytest.mark.parametrize("fixture", ["capsys", "keras_2"])
@pytest.mark.parametrize("inputs", [lambda x: x, lambda x: [x]])
def test_a_list_of_one_output_gives_the_array(fixture, inputs, request):
    request.getfixturevalue(fixture)
    made = model(inputs, lambda y: [y])
    for found in (made(X), made([X]), made.predict(X, verbose=0), made.predict_on_batch(X)):
        assert found.shape == (2, 2)
    assert made.output_shape == (None, 2)
    assert made.input_shape == (None, 3)
    made.compile("sgd", "mse")
    made.fit([X], [X[:, :2]], verbose=0)


def test_keras_2_knows_no_lists_of_one(keras_2):
    made = model(lambda x: [x], lambda y: [y])
    assert made.output.shape == (None, 2)
    assert ef.Model(made.input, ef.layers.Dense(1)(made(made.input))).output_shape == (None, 1)
    assert isinstance(model(outputs=lambda y: (y,))(X), tuple)


def test_one_output_has_no_length():
    assert not hasattr(model().output, "__len__")
    assert hasattr(model(outputs=lambda y: [y, y + 1]).output, "__len__")
    with pytest.raises(TypeError, match=r"can't answer len\(\): it stands for data"):
        len(model().output)
