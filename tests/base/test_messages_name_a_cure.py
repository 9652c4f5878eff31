"""Mistakes of newcomers whose messages once named no cure, or spoke in words that the user hadn't written."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

X, Y = np.ones((32, 8), "float32"), np.ones((32, 1), "float32")


def said(call, *kinds):
    with pytest.raises(kinds or (TypeError, ValueError)) as caught:
        call()
    return str(caught.value)


def net(loss="mse", **settings):
    model = ef.Sequential([ef.Input((8,)), layers.Dense(1)])
    model.compile("adam", loss, **settings)
    return model


A = ops.ones((2, 3))
INPUT = ef.Input((4,))
CURES = {
    "a layer that wasn't called": (lambda: ef.Model(INPUT, layers.Dense(4)), r"call it .*Dense\(\.\.\.\)\(x\)"),
    "an array as a model's input": (lambda: ef.Model(X, INPUT), r"Input\(x\.shape\[1:\]\)"),
    "concatenate one by one": (lambda: ops.concatenate(A, A), r"concatenate\(\[a, b\]\)"),
    "stack one by one": (lambda: ops.stack(A, A), r"stack\(\[a, b\]\)"),
    "symbolic tensors one by one": (lambda: ops.concatenate(INPUT, INPUT), r"concatenate\(\[a, b\]\)"),
    "a merging layer's call one by one": (lambda: layers.Add()(A, A), r"layer\(\[a, b\]\)"),
    "a product that wants a transposition": (lambda: ops.ones((3, 4)) @ ops.ones((3, 4)), r"x1 @ x2\.T is \(3, 3\)"),
    "text to pad": (lambda: ef.utils.pad_sequences([["a", "b"], ["c"]]), "got text, 'a'.*StringLookup"),
    "None to pad": (lambda: ef.utils.pad_sequences([[1, None]]), "expected numbers; got None"),
    "branches of other widths": (
        lambda: layers.Add()([ef.Input((10,)), ef.Input((12,))]),
        r"10 features needs 12 as well: Dense\(12\)\(x\)",
    ),
    "sequences of other lengths and features": (
        lambda: layers.Add()([ef.Input((10, 4)), ef.Input((12, 6))]),
        r"\(None, 12, 6\)\]\.$",  # nothing that one line would cure
    ),
    "sequences of other lengths": (
        lambda: layers.Concatenate()([ef.Input((10, 4)), ef.Input((12, 4))]),
        r"Concatenate\(axis=1\)",
    ),
    "pictures of another size": (
        lambda: ef.losses.mean_squared_error(np.ones((8, 28, 28, 1)), np.ones((8, 27, 27, 1))),
        "padding='same'.*Cropping2D",
    ),
    "class numbers for two sigmoids": (
        lambda: ef.losses.binary_crossentropy(np.zeros(64), np.ones((64, 2))),
        r"Dense\(1, activation='sigmoid'\)",
    ),
    "one-hot targets for one sigmoid": (
        lambda: ef.losses.binary_crossentropy(np.eye(2), np.ones((2, 1))),
        r"y\[:, 1\].*argmax",
    ),
    "one-hot targets for one output": (
        lambda: ef.losses.categorical_crossentropy(np.eye(3), np.ones((3, 1))),
        r"Dense\(3, activation='softmax'\)",
    ),
    "windows that no longer fit": (
        lambda: layers.Conv2D(4, 5)(layers.MaxPooling2D()(ef.Input((8, 8, 1)))),
        "fewer pooling layers",
    ),
    "a file's name to predict": (lambda: net().predict("data.csv"), r"read_csv\('data\.csv'\)"),
    "lists of text to fit": (lambda: net().fit([["a"] * 8] * 32, Y), "TextVectorization.*encode text"),
    "a transposed kernel": (lambda: net().layers[0].set_weights([np.zeros((1, 8)), np.zeros(1)]), r"value\.T"),
    "gradients and variables one by one": (
        lambda: ef.optimizers.SGD().apply_gradients([A], [ef.Variable(A)]),
        r"apply_gradients\(zip\(gradients, weights\)\)",
    ),
}


@pytest.mark.parametrize("mistake", CURES)
def test_the_message_names_the_cure(mistake):
    call, cure = CURES[mistake]
    assert re.search(cure, said(call)), said(call)


def test_a_mask_of_sources_is_sent_to_its_argument():
    q = np.ones((2, 5, 8), "float32")
    message = said(lambda: layers.MultiHeadAttention(2, 4)(q, q, attention_mask=np.ones((2, 5))))
    assert "(batch, targets, sources) = (2, 5, 5); got (2, 5)" in message
    assert "key_mask" in message


@pytest.mark.parametrize("shape", [(2, 5, 5), (1, 5, 5), (5, 5), (1, 5), (2, 1, 5), (2, 2, 5, 5)])
def test_masks_that_broadcast_are_taken(shape):
    q = np.ones((2, 5, 8), "float32")
    assert layers.MultiHeadAttention(2, 4)(q, q, attention_mask=np.ones(shape)).shape == (2, 5, 8)


def test_a_metric_by_its_other_name_is_looked_for_in_the_history():
    model = ef.Sequential([ef.Input((8,)), layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    history = model.fit(X, Y, verbose=0).history
    message = said(lambda: history["accuracy"], KeyError)
    assert message == "history has no 'accuracy'; it has acc, loss. A metric is named as compile was given it: 'acc'."


def through_numpy(y_true, y_pred):
    return np.mean(np.square(np.array(y_true) - np.array(y_pred)))


@pytest.mark.filterwarnings("ignore:gradient. a source has none")  # which names the place, too
def test_a_loss_function_that_leaves_the_tape_is_named_with_its_line():
    message = said(lambda: net(through_numpy).fit(X, Y, verbose=0))
    line = through_numpy.__code__.co_firstlineno
    assert f"through_numpy() ({os.path.basename(__file__)}:{line}) returned" in message
    assert "ops.mean" in message


class Numbers(ef.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x):
        return ops.convert_to_tensor(self.dense(x).numpy())


def test_a_model_that_leaves_the_tape_is_named_instead_of_its_loss():
    model = Numbers()
    model.compile("adam", "mse")
    message = said(lambda: model.fit(X, Y, verbose=0))
    assert "the outputs of Numbers.call" in message
    assert f"{os.path.basename(__file__)}:{Numbers.call.__code__.co_firstlineno}" in message


def test_pictures_without_channel_are_told_of_as_they_came():
    model = ef.Sequential([ef.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1)])
    message = said(lambda: model(np.ones((32, 8, 7), "float32")))
    assert "got float32[32, 8, 7]." in message
    assert "ops.image.resize(x[..., None], (8, 8))" in message


def test_weights_of_another_width_can_be_skipped(tmp_path):
    file = str(tmp_path / "w.weights.h5")
    net().save_weights(file)
    other = ef.Sequential([ef.Input((8,)), layers.Dense(2)])
    assert "skip_mismatch=True" in said(lambda: other.load_weights(file))


class Own(ef.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


def test_saving_a_model_that_was_never_called_warns(tmp_path):
    with pytest.warns(UserWarning, match="never called or built"):
        Own().save(tmp_path / "own.keras")


class Bare(ef.Model):
    def __init__(self):
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


def test_a_class_without_our_init_is_named_with_its_line():
    message = said(lambda: Bare()(X), RuntimeError)
    assert message.startswith("Bare.__init__ must call super().__init__() before its layers are used")
    assert f"{os.path.basename(__file__)}:{Bare.__init__.__code__.co_firstlineno})" in message
