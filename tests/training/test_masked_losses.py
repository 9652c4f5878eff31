"""Losses and metrics of the user's own that count positions themselves, of answers with a mask."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops


def counted(labels):
    return ops.cast(ops.not_equal(labels, 0), "float32")


def masked_loss(labels, answers):
    each = ops.sparse_categorical_crossentropy(labels, answers, from_logits=True)
    return ops.sum(each * counted(labels)) / ops.sum(counted(labels))


def masked_accuracy(labels, answers):
    right = ops.cast(ops.equal(ops.cast(labels, "int64"), ops.cast(ops.argmax(answers, -1), "int64")), "float32")
    return ops.sum(right * counted(labels)) / ops.sum(counted(labels))


def test_one_number_for_a_batch_is_taken_as_it_is():
    ef.utils.set_random_seed(0)
    model = ef.Sequential([layers.Embedding(6, 4, mask_zero=True), layers.Dense(6)])
    model.compile("sgd", masked_loss, metrics=[masked_accuracy])
    tokens = np.array([[1, 2, 0, 0], [3, 4, 5, 0]])
    answers = model(tokens)
    assert answers.mask is not None
    expected = [float(of(ops.convert_to_tensor(tokens), answers)) for of in (masked_loss, masked_accuracy)]
    np.testing.assert_allclose(model.evaluate(tokens, tokens, verbose=0), expected, rtol=1e-6)
    history = model.fit(tokens, tokens, verbose=0)
    np.testing.assert_allclose(history.history["loss"], expected[:1], rtol=1e-6)


REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight"]
ZEROS, ONES = np.zeros((4, 3, 2), "float32"), np.ones((4, 3, 1), "float32")


def of_rows(loss, units=3):
    return [layers.Dense(units, activation="softmax")], loss, np.ones((4, 2))


def left_out(how):
    """A model, its loss, x, y and further arguments of `fit`, in which nothing counts."""
    if how in REDUCTIONS:
        stack = [layers.Masking(0.0), layers.LSTM(2, return_sequences=True), layers.Dense(1)]
        return stack, ef.losses.MeanSquaredError(reduction=how), ZEROS, ONES, {}
    sparse = "sparse_categorical_crossentropy"
    if how == "padding":
        stack = [layers.Embedding(5, 2, mask_zero=True), layers.Dense(3, activation="softmax")]
        return stack, sparse, np.zeros((2, 3), "int32"), np.zeros((2, 3), "int32"), {}
    if how == "weights":
        return *of_rows(sparse), np.zeros(4, "int32"), {"sample_weight": np.zeros(4)}
    if how == "class weights":
        return *of_rows(sparse), np.zeros(4, "int32"), {"class_weight": {0: 0.0}}
    ignoring = ef.losses.SparseCategoricalCrossentropy(ignore_class=how)
    return *of_rows(ignoring), np.full(4, how), {}


@pytest.mark.parametrize("how", [*REDUCTIONS, "padding", "weights", "class weights", 0, -1, 255])
def test_where_every_label_is_left_out_the_loss_is_0_as_in_keras(how):
    stack, loss, x, y, given = left_out(how)
    model = ef.Sequential(stack)
    model.compile("adam", loss, weighted_metrics=["accuracy"])
    model.predict(x, verbose=0)
    before = model.get_weights()
    history = model.fit(x, y, epochs=2, verbose=0, **given).history
    assert history["loss"] == [0.0, 0.0]
    assert np.isfinite(history["accuracy"]).all()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
