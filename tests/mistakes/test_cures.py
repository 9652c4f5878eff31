"""Messages name the cure, or the cell that is at fault, and not only what doesn't fit."""

from __future__ import annotations

import copy
import re
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.base import config
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


class TwoNumbers(layers.Layer):
    """Gives the lengths of a weight one by one."""

    def build(self, input_shape):
        self.w = self.add_weight(input_shape[-1], 4)

    def call(self, x):
        return x @ self.w


def of_labels(loss):
    made = ef.Sequential([ef.Input((4,)), layers.Dense(1, "sigmoid")])
    made.compile("sgd", loss)
    return made.fit(np.ones((4, 4)), np.array([0, 1, 1, 0]), verbose=0)


def pooled(size, data_format):
    return ef.Sequential([ef.Input(size), layers.GlobalAveragePooling2D(data_format), layers.Dense(2)])


CURES = {
    "images without channels": (
        lambda: ef.Sequential([ef.Input((28, 28)), layers.Conv2D(8, 3)]),
        "Input((28, 28, 1)).",
    ),
    "channels in front": (
        lambda: layers.Conv2D(8, 3, data_format="channels_first")(ef.Input((28, 28))),
        "Input((1, 28, 28)).",
    ),
    "a row for a sequence": (
        lambda: ef.Sequential([ef.Input((20,)), layers.LSTM(8)]),
        "Input((20, 1)), or Input((None, 20)) for",
    ),
    "features for a sequence": (lambda: layers.LSTM(3)(layers.Dense(5)(ef.Input((20,)))), "layers.Reshape((5, 1))"),
    "one output and two classes": (lambda: of_labels("sparse_categorical_crossentropy"), "use binary_crossentropy."),
    "channels first for channels last": (
        lambda: pooled((8, 8, 3), "channels_last")(np.zeros((2, 3, 8, 8))),
        "x.transpose(0, 2, 3, 1).",
    ),
    "channels last for channels first": (
        lambda: pooled((3, 8, 9), "channels_first")(np.zeros((2, 8, 9, 3))),
        "x.transpose(0, 3, 1, 2).",
    ),
    "lengths of a weight": (lambda: TwoNumbers()(np.ones((2, 3))), ".add_weight(shape=(3,), initializer=4): "),
    "a flattened image of any size": (
        lambda: layers.Dense(3)(layers.Flatten()(ef.Input((None, None, 3)))),
        "take GlobalAveragePooling2D",
    ),
    "a length that is unknown": (
        lambda: ef.ops.reshape(x := ef.Input((3,)), (x.shape[0], 1, 3)),
        "reshape(newshape=(None, 1, 3)): A None from",
    ),
    "attention to itself": (lambda: layers.Attention()(np.ones((1, 2, 3))), "at itself: [x, x]."),
    "groups": (lambda: layers.Conv2D(6, 3, groups=4), "6 filters don't divide into 4 groups; 4 or 8 would."),
    "rows without labels": (lambda: model().fit(np.ones((8, 4)), np.ones(6)), "x has 8, y has 6. Row i of each"),
    "outputs in one array": (
        lambda: model().fit(np.ones((8, 4)), np.ones((2, 8, 1))),
        "with the samples along its second axis. For a model with 2 outputs pass a list, [y[0], y[1]]; otherwise",
    ),
    "samples in columns": (lambda: model().fit(np.ones((8, 4)), np.ones((1, 8))), "axis. Pass y.swapaxes(0, 1)."),
    "as many labels as features": (lambda: model().fit(np.ones((8, 4)), np.ones(4)), "y has 4. Row i of each"),
    "a norm that isn't there": (
        lambda: layers.Dense(3, kernel_regularizer="L3"),
        "There are 'L1', 'L1L2', 'L2', 'OrthogonalRegularizer'.",
    ),
    "numbers of a training": (
        lambda: model().fit(np.ones((8, 4)), np.ones(8), verbose=0)["loss"],
        "Use `history.history['loss']`.",
    ),
}


@pytest.mark.parametrize("name", CURES)
def test_a_message_says_what_to_write(name):
    call, cure = CURES[name]
    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    assert cure in str(raised.value)


def _with_missing_labels():
    made = ef.Sequential([ef.Input((4,)), layers.Dense(3, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    made.fit(np.ones((6, 4)), [0, 1, np.nan, 2, np.nan, 1], verbose=0)


@pytest.mark.parametrize(
    ("call", "error", "cure"),
    [
        (_with_missing_labels, ValueError, r"got nan. 2 of 6 labels are missing: leave these rows out"),
        (lambda: ef.layer.Dense(3), AttributeError, r"Use `ef.layers.Dense`"),
        (lambda: model().fit([np.ones(4)] * 6, np.ones(6)), ValueError, r"x seems to be a list of samples: np.stack"),
        (lambda: layers.Dense(3, kernel_regularizer=0.01), TypeError, r"Use regularizers.L2\(0.01\)"),
        (lambda: layers.Dense(3, bias_initializer=1), TypeError, r"Use initializers.Constant\(1\)"),
        (lambda: ef.metrics.get("f1"), UnknownNameError, r"Did you mean 'F1Score'"),
        (
            lambda: layers.LSTM(4)(np.ones((2, 3, 5)), initial_state=np.ones((2, 4))),
            ValueError,
            r"expected 2 .*; got 1. .* such as \[h, c\]",
        ),
        (
            lambda: layers.Dropout(0.5)(np.ones(2), trainning=True),
            TypeError,
            r"^Dropout.call\(\) got .* mean 'training'",
        ),
        (lambda: model()(np.ones((3, 4)), np.ones(3)), TypeError, r"training: expected True, False or None; .*\[3\]"),
        (
            lambda: ef.Input((3,)) + np.ones((5, 8), "float32"),
            ValueError,
            r"float32\[None, 3\].* shapes \(None, 3\) and",
        ),
    ],
)
def test_a_mistake_of_the_first_hours_is_answered_with_its_cure(call, error, cure):
    with pytest.raises(error, match=cure):
        call()


def test_the_number_of_samples_is_no_part_of_an_input():
    made = ef.Sequential([ef.Input((64, 20)), layers.Dense(3)])
    with pytest.raises(
        ValueError, match=r"Input takes the shape of one example, without the batch axis: Input\(\(20,\)\)"
    ):
        made(np.ones((32, 20)))


def test_a_symbolic_reshape_that_forgets_the_batch_says_so():
    with pytest.raises(ValueError, match="newshape=") as raised:
        ef.ops.reshape(ef.Input((20,)), (4, 5))
    assert any("write -1 for it: (-1, 4, 5)" in note for note in raised.value.__notes__)


def test_an_argument_of_fit_is_named_as_one_of_fit():
    config.enable_traceback_filtering()
    try:
        with pytest.raises(TypeError, match=r"^fit\(\) got .* Did you mean 'verbose'"):
            model().fit(np.ones((2, 4)), np.ones(2), verbos=0)
    finally:
        config.disable_traceback_filtering()


@pytest.mark.parametrize(
    ("thing", "name", "way"),
    [
        (model(), "score", "Use `model.evaluate(x, y, return_dict=True)`"),
        (model().fit(np.ones((8, 4)), np.ones(8), verbose=0), "loss", "Use `history.history['loss']`"),
    ],
)
def test_what_is_called_otherwise_is_named(thing, name, way):
    assert not hasattr(thing, name)
    with pytest.raises(AttributeError, match=re.escape(way)):
        getattr(thing, name)
    assert not hasattr(thing, "anything")


def test_a_history_is_no_list_of_losses():
    history = model().fit(np.ones((8, 4)), np.ones(8), verbose=0)
    with pytest.raises(TypeError, match="not iterable"):
        list(history)
    assert copy.deepcopy(history).history == history.history


def _weighed(weights):
    made = ef.Sequential([ef.Input((4,)), layers.Dense(3, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    made.fit(np.ones((6, 4)), np.arange(6) % 3, class_weight=weights, verbose=0)


def test_weights_for_some_of_the_classes_are_noted():
    with pytest.warns(UserWarning, match=r"y has the class 2, and there are weights for the classes 0 to 1 alone"):
        _weighed({0: 1.0, 1: 2.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for weights in ({0: 1.0, 1: 2.0, 2: 1.0}, {1: 2.0}, {0: 2.0}, {0: 1, 1: 1, 2: 1, 3: 1}):
            _weighed(weights)
