"""Losses and metrics of the user's own that count positions themselves, of answers with a mask."""

from __future__ import annotations

import numpy as np

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
