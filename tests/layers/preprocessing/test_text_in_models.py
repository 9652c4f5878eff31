"""Text from the user's lists through models to numbers."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.data import Dataset

TEXTS = np.array(["good movie", "bad movie", "very good", "very very bad"] * 8)
LABELS = np.array([1.0, 0.0, 1.0, 0.0] * 8)


def vectorization(**settings):
    layer = layers.TextVectorization(output_sequence_length=3, **settings)
    layer.adapt(TEXTS)
    return layer


def tail(size):
    return [layers.Embedding(size, 4), layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid")]


def functional():
    vectorize = vectorization()
    x = ef.Input((), dtype="string", name="texts")
    y = vectorize(x)
    for layer in tail(vectorize.vocabulary_size()):
        y = layer(y)
    return ef.Model(x, y)


def sequential():
    vectorize = vectorization()
    return ef.Sequential([ef.Input((), dtype="string"), vectorize, *tail(vectorize.vocabulary_size())])


def without_input():
    vectorize = vectorization()
    return ef.Sequential([vectorize, *tail(vectorize.vocabulary_size())])


MAKERS = [functional, sequential, without_input]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("text", [TEXTS, TEXTS.astype(object)], ids=["str", "object"])
def test_models_learn_from_text(make, text):
    ef.utils.set_random_seed(1)
    model = make()
    model.compile(ef.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    model.fit(text, LABELS, epochs=15, batch_size=8, verbose=0, validation_split=0.25)
    assert model.evaluate(text, LABELS, verbose=0)[1] == 1.0
    assert model.predict(text[:5], verbose=0).shape == (5, 1)


@pytest.mark.parametrize("make", MAKERS)
def test_models_are_called_on_text(make):
    model = make()
    assert model(TEXTS[:3]).shape == (3, 1)


@pytest.mark.parametrize("make", [functional, sequential])
def test_models_with_an_input_take_lists_and_columns(make):
    model = make()
    expected = model(TEXTS[:2]).numpy()
    np.testing.assert_array_equal(model(TEXTS[:2].tolist()).numpy(), expected)
    np.testing.assert_array_equal(model(TEXTS[:2, None]).numpy(), expected)


@pytest.mark.parametrize("make", MAKERS)
def test_models_learn_from_data_sets_of_text(make):
    model = make()
    model.compile("adam", "binary_crossentropy")
    pairs = Dataset.from_tensor_slices((TEXTS, LABELS)).batch(8)
    assert model.fit(pairs, verbose=0).history["loss"]
    assert model.predict(Dataset.from_tensor_slices(TEXTS).batch(8), verbose=0).shape == (32, 1)


@pytest.mark.parametrize("make", [functional, sequential])
def test_models_of_text_are_described(make):
    model = make()
    again = type(model).from_config(model.get_config())
    assert again.input_shape == (None,)
    assert again.inputs[0].dtype.name == "string"
    model.summary(print_fn=lambda line: None)


def test_text_beside_numbers():
    words = ef.Input((1,), dtype="string", name="words")
    numbers = ef.Input((2,), name="numbers")
    hot = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(words)
    model = ef.Model([words, numbers], layers.Concatenate()([ef.ops.cast(hot, "float32"), numbers]))
    assert model.output_shape == (None, 5)
    data = {"words": np.array([["b"], ["?"]]), "numbers": np.ones((2, 2), "float32")}
    expected = [[0, 0, 1, 1, 1], [1, 0, 0, 1, 1]]
    assert model(data).tolist() == expected
    assert model.predict(data, verbose=0).tolist() == expected


def test_hashes_of_crossed_text_in_a_model():
    first, second = ef.Input((1,), dtype="string"), ef.Input((1,), dtype="int64")
    model = ef.Model([first, second], layers.HashedCrossing(5, output_mode="one_hot")([first, second]))
    assert model.output_shape == (None, 5)
    assert model([np.array([["a"]]), np.array([[1]])]).numpy().sum() == 1


def test_numbers_where_text_is_expected_are_refused():
    with pytest.raises(TypeError, match="takes text"):
        functional()(np.ones(3))


def test_text_where_numbers_are_expected_is_refused():
    model = ef.Sequential([ef.Input((1,)), layers.Dense(1)])
    with pytest.raises(TypeError, match="text"):
        model(np.array([["a"]]))
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="text"):
        model.fit(np.array([["a"]]), np.zeros(1), verbose=0)
    with pytest.raises(TypeError, match=r"names, y = numpy\.unique"):
        model.fit(np.zeros((1, 1)), np.array(["a"]), verbose=0)
