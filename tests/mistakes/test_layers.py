"""Mistakes with layers: their arguments, their inputs, layers of one's own."""

from __future__ import annotations

import re
import traceback

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.base import config
from tests.mistakes.checking import Mistake, check

X = np.ones((4, 3), "float32")
IMAGES = np.ones((2, 8, 8, 3), "float32")
SERIES = np.ones((2, 5, 3), "float32")


class ForgotSuper(layers.Layer):
    def __init__(self):
        self.inner = layers.Dense(2)


class ReturnsNothing(layers.Layer):
    def call(self, x):
        x + 1


class WithoutCall(layers.Layer):
    pass


class WrongBuild(layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], -2))

    def call(self, x):
        return x


def built_for_three():
    layer = layers.Dense(2, name="hidden")
    layer(X)
    return layer


def cast_to_float(symbolic):
    return float(symbolic)


def listed(layer, shape=(3,)):
    """A layer that is given the list of one that a model's `outputs` is."""
    inputs = ef.Input(shape)
    return lambda: layer(ef.Model(inputs, layers.Dense(3)(inputs)).outputs)


class Misspelt(layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(3,), initialiser="zeros")

    def call(self, x):
        return x * self.w


ARGUMENTS: dict[str, Mistake] = {
    "the outputs of a model": (listed(layers.Dense(4)), ValueError, ("a list of one, [float32[None, 3]]", "x[0]")),
    "the outputs of a model, for a layer without weights": (listed(layers.ReLU()), ValueError, ("model.output",)),
    "a list of one array": (lambda: layers.Flatten()([X]), ValueError, ("Flatten", "a list of one", "x[0]")),
    "a misspelt argument of a weight": (
        lambda: Misspelt()(X),
        TypeError,
        ("add_weight() got an unexpected keyword argument 'initialiser'. Did you mean 'initializer'?",),
    ),
    "what is needed left out": (
        lambda: layers.AveragePooling2D(),
        TypeError,
        ("missing", "'pool_size'", "It takes AveragePooling2D(pool_size, strides=None, "),
    ),
    "no units": (lambda: layers.Dense(0), ValueError, ("units", "0")),
    "units as text": (lambda: layers.Dense("10"), ValueError, ("units", "'10'")),
    "units as a list": (lambda: layers.Dense([3]), ValueError, ("units", "[3]")),
    "an unknown initializer": (
        lambda: layers.Dense(2, kernel_initializer="glorot"),
        ValueError,
        ("Use 'glorot_uniform' (the default) or 'glorot_normal'.",),
    ),
    "an unknown constraint": (lambda: layers.Dense(2, kernel_constraint="maxnorm3"), ValueError, ("maxnorm3",)),
    "a misspelt shape of the input": (
        lambda: layers.Dense(2, input_shap=(3,)),
        TypeError,
        ("input_shap", "Did you mean 'input_shape'"),
    ),
    "an argument of another library": (lambda: layers.Dense(2, in_features=3), TypeError, ("in_features",)),
    "a name that is no text": (lambda: layers.Dense(2, name=3), ValueError, ("name", "3")),
    "a name with a slash": (lambda: layers.Dense(2, name="a/b"), ValueError, ("name", "a/b")),
    "an endless name": (lambda: layers.Dense(2, name="a/" * 9000), ValueError, ("name",)),
    "a fractional kernel": (lambda: layers.Conv2D(4, 2.5), ValueError, ("kernel_size", "2.5")),
    "a stride of 0": (lambda: layers.Conv2D(4, 3, strides=0), ValueError, ("strides", "0")),
    "a negative rate": (lambda: layers.Dropout(-0.1), ValueError, ("rate", "-0.1")),
    "a vocabulary of fractions": (lambda: layers.Embedding(2.5, 4), ValueError, ("input_dim", "2.5")),
    "key_dim of text": (lambda: layers.MultiHeadAttention(2, "4"), ValueError, ("key_dim", "'4'")),
    "a tensor as the first argument": (
        lambda: layers.BatchNormalization(ops.ones((4, 3))),
        TypeError,
        ("BatchNormalization(axis=float32[4, 3])", "BatchNormalization()(x)"),
    ),
    "a negative epsilon": (lambda: layers.BatchNormalization(epsilon=-1), ValueError, ("epsilon", "-1")),
    "a fractional repetition": (lambda: layers.RepeatVector(1.5), TypeError, ("n", "1.5")),
    "no layer to wrap": (lambda: layers.TimeDistributed(3), (TypeError, ValueError), ("TimeDistributed", "3")),
    "no layer to run both ways": (
        lambda: layers.Bidirectional(layers.Dense(2)),
        (TypeError, ValueError),
        ("Bidirectional",),
    ),
    "a misspelt argument beside required ones": (
        lambda: layers.Conv2D(filter=16, kernel_size=3),
        TypeError,
        ("Conv2D has no argument 'filter'", "Did you mean 'filters'"),
    ),
    "a required argument left out": (
        lambda: layers.Conv2D(16),
        TypeError,
        ("Conv2D is missing the argument 'kernel_size'", "Conv2D(filters, kernel_size, strides=1"),
    ),
    "channels in and out of a convolution": (
        lambda: layers.Conv2D(3, 16, kernel_size=3),
        TypeError,
        ("Conv2D got 'kernel_size' twice", "filters comes first: how many channels come in is found at the first call"),
    ),
    "features in and out of a dense layer": (
        lambda: layers.Dense(784, 10),
        TypeError,
        ("Dense(activation=10)", "that of its input is found at the first call"),
    ),
    "a number for an initializer": (
        lambda: layers.Dense(2, kernel_initializer=0.1),
        TypeError,
        ("Dense(kernel_initializer=0.1)", "a float"),
    ),
    "PyTorch's dim": (lambda: layers.Concatenate(dim=1), TypeError, ("Concatenate has no argument 'dim'", "Use axis=")),
    "inputs by name": (lambda: layers.Dense(2)({"a": X}), ValueError, ("{'a': float32[", "Input(name=...)")),
}


def attended(query, value):
    return layers.MultiHeadAttention(2, 4, name="heads")(np.ones(query), np.ones(value))


def symbolic_batches(layer, as_list=False):
    query, value = ef.Input((3, 4), batch_size=2), ef.Input((3, 4), batch_size=3)
    return layer([query, value]) if as_list else layer(query, value)


INPUTS: dict[str, Mistake] = {
    "a batch axis in the shape of an input": (
        lambda: layers.Conv2D(2, 3)(ef.Input((None, 28, 28, 1))),
        ValueError,
        ("Input's shape has no batch axis: Input((28, 28, 1)).",),
    ),
    "attention from one batch to another": (
        lambda: attended((2, 3, 4), (3, 3, 4)),
        ValueError,
        ("heads", "equal batches", "(2, 3, 4)", "(3, 3, 4)"),
    ),
    "attention of a batch to one sample": (
        lambda: attended((2, 3, 4), (1, 3, 4)),
        ValueError,
        ("heads", "equal batches", "(1, 3, 4)"),
    ),
    "symbolic attention from one batch to another": (
        lambda: symbolic_batches(layers.MultiHeadAttention(2, 4, name="heads")),
        ValueError,
        ("heads", "equal batches"),
    ),
    "symbolic attention of a list of batches": (
        lambda: symbolic_batches(layers.Attention(name="mixing"), as_list=True),
        ValueError,
        ("mixing", "equal batches"),
    ),
    "no second input": (
        lambda: layers.MultiHeadAttention(2, 4)(SERIES),
        TypeError,
        ("call(query, value, key=None", "'value'"),
    ),
    "a shortcut around a convolution without padding": (
        lambda: layers.Add()([ef.Input((14, 14, 8)), ef.Input((16, 16, 8))]),
        ValueError,
        ("(None, 14, 14, 8)", "padding='same'"),
    ),
    "halves of an odd size, doubled": (
        lambda: layers.Concatenate()([ef.Input((14, 14, 8)), ef.Input((15, 15, 8))]),
        ValueError,
        ("(None, 15, 15, 8)", "odd size", "Cropping2D"),
    ),
    "stacked LSTMs": (
        lambda: ef.Sequential([ef.Input((5, 8)), layers.LSTM(4, name="first"), layers.LSTM(4)], name="net"),
        ValueError,
        ('LSTM "net/first"', "return_sequences=True"),
    ),
    "two inputs for a layer of one": (
        lambda: layers.Dense(2)([X, X]),
        ValueError,
        ("1 input(s)", "got 2", "layers.concatenate", "once for each"),
    ),
    "pictures with channels first": (
        lambda: ef.Sequential([ef.Input((3, 32, 32)), layers.Conv2D(4, 3), layers.MaxPooling2D()]),
        ValueError,
        ("(None, 1, 30, 4)", "channels last", "data_format='channels_first'"),
    ),
    "a weight before there is one": (
        lambda: layers.Conv2D(2, 3).kernel,
        AttributeError,
        ("isn't built", "layer.build(input_shape)"),
    ),
    "numbers with fractions to look up": (
        lambda: layers.Embedding(5, 2, name="words")(np.array([[1.0, 1.5]])),
        ValueError,
        ("words", "1.5", "whole numbers", "round"),
    ),
    "a sequence without features": (lambda: layers.LSTM(3)(np.ones((2, 3))), ValueError, ("batch, time, features",)),
    "text": (lambda: layers.Dense(2)("text"), (TypeError, ValueError), ("Dense",)),
    "an array of text": (lambda: layers.Dense(2)(np.array([["a", "b"]])), TypeError, ("text",)),
    "an array of objects": (lambda: layers.Dense(2)(np.array([[{}]], object)), (TypeError, ValueError), ("object",)),
    "nothing": (lambda: layers.Dense(2)(), TypeError, ("inputs",)),
    "rows of several lengths": (lambda: layers.Dense(2)([[1, 2], [3]]), (TypeError, ValueError), ("length",)),
    "an index out of the vocabulary": (lambda: layers.Embedding(5, 2)(np.array([[1, 7]])), IndexError, ("7", "5")),
    "indices as text": (lambda: layers.Embedding(5, 2)(np.array([["a"]])), TypeError, ("text",)),
    "shapes that don't add": (lambda: layers.Add()([X, SERIES[:, :, :2]]), ValueError, ("Add",)),
    "shapes that don't join": (lambda: layers.Concatenate()([X, SERIES]), ValueError, ("Concatenate",)),
    "an unknown argument of call": (lambda: layers.Dense(2)(X, trainin=True), TypeError, ("trainin",)),
}

OWN: dict[str, Mistake] = {
    "super().__init__() forgotten": (lambda: ForgotSuper()(X), RuntimeError, ("ForgotSuper", "super().__init__()")),
    "a return forgotten": (lambda: ReturnsNothing()(X), TypeError, ("ReturnsNothing", "None", "return")),
    "no call": (lambda: WithoutCall()(X), NotImplementedError, ("WithoutCall", "call")),
    "a weight of a negative length": (lambda: WrongBuild()(X), ValueError, ("WrongBuild", "-2")),
    "a weight of an unknown initializer": (
        lambda: layers.Layer().add_weight(shape=(2,), initializer="ones_like"),
        ValueError,
        ("ones_like",),
    ),
    "a weight with a fractional length": (lambda: layers.Layer().add_weight(shape=(2.5,)), ValueError, ("2.5",)),
    "weights of another number": (lambda: built_for_three().set_weights([X]), ValueError, ("hidden", "2")),
    "weights of another shape": (
        lambda: built_for_three().set_weights([np.ones((9, 2)), np.ones(2)]),
        ValueError,
        ("(3, 2)", "[9, 2]"),
    ),
    "a number from a symbolic tensor": (lambda: cast_to_float(ef.Input((3,))), TypeError, ("float()", "later")),
    "numpy of a symbolic tensor": (lambda: np.asarray(ef.Input((3,))), TypeError, ("NumPy", "later")),
    "a condition on a symbolic tensor": (lambda: bool(ef.Input((3,)) > 0), TypeError, ("bool()", "later")),
    "a kernel before it is built": (lambda: layers.Dense(2).kernel, AttributeError, ("kernel",)),
    "a name from PyTorch": (lambda: ef.Sequential([]).state_dict(), AttributeError, ("state_dict", "get_weights")),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    check(ARGUMENTS[name])


@pytest.mark.parametrize("name", INPUTS)
def test_inputs(name):
    check(INPUTS[name])


@pytest.mark.parametrize("name", OWN)
def test_layers_of_ones_own(name):
    check(OWN[name])


@pytest.mark.parametrize(
    "ask", [lambda: layers.Dense(2).kernel, lambda: layers.Conv2D(2, 3).kernel, lambda: ef.Model().output]
)
def test_python_adds_no_suggestion_of_its_own_to_an_attribute_that_comes_later(ask):
    with pytest.raises(AttributeError) as told:
        ask()
    shown = "".join(traceback.format_exception(told.value))
    assert "Did you mean" not in shown, shown


def test_pictures_of_other_channels_are_told_nothing_about_their_size():
    with pytest.raises(ValueError, match="shapes that broadcast") as told:
        layers.Add()([np.ones((1, 4, 4, 2)), np.ones((1, 4, 4, 3))])
    assert "padding" not in str(told.value)


def test_what_a_layer_takes_is_told_without_its_collecting_arguments():
    with pytest.raises(TypeError) as raised:
        layers.AveragePooling2D()
    assert "kwargs" not in str(raised.value)


def test_self_attention_is_said_to_take_the_input_twice():
    with pytest.raises(TypeError, match=r"'value'\. For self-attention .*layer\(x, x\)"):
        layers.MultiHeadAttention(2, 8)(np.ones((2, 5, 4), "float32"))


def test_classes_of_a_pretrained_model_are_no_feature_maps():
    base = ef.applications.MobileNet(input_shape=(32, 32, 3), weights=None, alpha=0.25)
    with pytest.raises(ValueError, match=r"4 axes.*include_top=False"):
        ef.Sequential([base, layers.GlobalAveragePooling2D()])


@pytest.mark.parametrize("layer", [layers.TextVectorization(), layers.StringLookup()], ids=lambda layer: layer.name)
def test_words_need_a_vocabulary(layer):
    with pytest.raises(RuntimeError, match=rf'{type(layer).__name__} "{layer.name}" has no vocabulary yet: call adapt'):
        layer(np.array(["film"]))


class GivesNoStates(layers.Layer):
    state_size = 4

    def call(self, inputs, states):
        return inputs + states[0]


@pytest.mark.parametrize("rows", [2, 3])
def test_a_cell_gives_its_output_and_its_states(rows):
    with pytest.raises(TypeError, match=r"GivesNoStates: .* a list of its new states: return h, \[h\]"):
        layers.RNN(GivesNoStates())(np.ones((rows, 5, 4), "float32"))


def test_states_of_another_length_are_refused_when_the_graph_is_made():
    _, *states = layers.LSTM(8, return_state=True)(ef.Input((5, 3)))
    with pytest.raises(
        ValueError, match=r"initial_state: expected the shape \(batch, units\), \(None, 16\); got \(None, 8\)"
    ):
        layers.LSTM(16)(ef.Input((4, 3)), initial_state=states)
    assert layers.LSTM(8)(ef.Input((4, 3)), initial_state=states).shape == (None, 8)
    assert layers.GRU(8)(ef.Input((4, 3)), initial_state=states[0]).shape == (None, 8)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(8, 8, 16), (4, 4, 32)], r"strides=2 needs them, too: Conv2D\(32, 1, strides=2\)"),
        ([(4, 4, 4, 16), (8, 8, 8, 8)], r"Conv3D\(16, 1, strides=2\)"),
        ([(8, 8, 16), (8, 8, 32)], r"with 16 channels needs 32 as well: .*Conv2D\(32, 1\)"),
        ([(9, 9, 16), (10, 10, 16)], "odd size that was halved"),
    ],
)
def test_shortcuts_are_told_what_makes_them_fit(shapes, words):
    with pytest.raises(ValueError, match=words):
        layers.Add()([ef.Input(shape) for shape in shapes])


def test_a_class_in_place_of_a_layer_is_told_to_be_made_first():
    with pytest.raises(ValueError, match=r"is a class; make a layer of it: TimeDistributed\(Dense"):
        layers.TimeDistributed(layers.Dense)
    with pytest.raises(TypeError, match=re.escape("got the class Dense. Call that layer first: Dense(...)(x) gives")):
        layers.Dense(3)(layers.Dense)


def _of_two_widths(x):
    return ops.concatenate([x, x[:, :1]], -1) + ops.concatenate([x, x[:, :2]], -1)


class _TwoWidths(ef.Model):
    def call(self, x):
        return _of_two_widths(x)


@pytest.mark.parametrize("make", [lambda: layers.Lambda(_of_two_widths), _TwoWidths], ids=["Lambda", "Model"])
def test_the_batch_that_was_made_up_for_a_graph_is_told(make):
    with pytest.raises(ValueError, match=r"add\(float32\[2, 4\], float32\[2, 5\]\)") as told:
        make()(ef.Input((3,)))
    notes = " ".join(told.value.__notes__)
    assert "on float32[None, 3]" in notes
    assert "It was tried with 2 samples: the first length of its shapes, 2, stands for any batch." in notes


def test_a_batch_that_is_known_is_no_made_up_one():
    with pytest.raises(ValueError, match="add") as told:
        layers.Lambda(_of_two_widths)(ef.Input((3,), batch_size=2))
    assert "samples" not in " ".join(told.value.__notes__)


def test_targets_are_told_in_the_type_that_was_given():
    with pytest.raises(ValueError, match=r"y_true int64\[4\], y_pred float32\[4, 3\]"):
        ef.losses.CategoricalCrossentropy()(np.zeros(4, "int64"), np.ones((4, 3), "float32"))
    made = ef.Sequential([layers.Dense(3, activation="softmax")])
    made.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ValueError, match=r"y_true int64\[4\], y_pred float32\[4, 3\]"):
        made.fit(np.ones((4, 2)), np.zeros(4, "int64"), verbose=0)


def test_what_is_meant_is_said_once():
    config.enable_traceback_filtering()
    try:
        with pytest.raises(TypeError) as caught:
            Misspelt()(X)
    finally:
        config.disable_traceback_filtering()
    assert str(caught.value).count("Did you mean") == 1


@pytest.mark.parametrize("value", [np.zeros((3, 2)), ops.zeros((3, 2))])
def test_an_array_in_the_place_of_a_weight_is_told(value):
    layer = layers.Dense(2, name="head")
    layer(X)
    with pytest.warns(UserWarning, match=r'Dense "head": kernel was a weight.*layer\.kernel\.assign\(values\)'):
        layer.kernel = value
    layer.bias = layer.bias  # a weight, as before
    layer.note = np.zeros(2)  # never was one


def test_a_list_of_one_is_taken_where_layers_take_lists():
    x = ef.Input((3,))
    assert layers.Add()([x]).shape == layers.Concatenate()([x]).shape == layers.Lambda(lambda xs: xs[0])([x]).shape
    assert ef.Model(x, layers.Dense(2)(x))([X]).shape == (len(X), 2)
