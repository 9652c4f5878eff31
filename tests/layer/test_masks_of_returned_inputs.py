"""The mask that a layer tells counts, also where it returns its own input."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.layers import Add, Average, Embedding, Maximum, Multiply

IDS = np.array([[1, 2, 0]])


class Turned(ef.layers.Layer):
    """Returns what it gets, with another mask."""

    def __init__(self, change):
        super().__init__()
        self.change = change
        self.supports_masking = True

    def call(self, x):
        return x

    def compute_mask(self, x, mask=None):
        return None if mask is None else self.change(mask)


class Seen(ef.layers.Layer):
    """Gives its mask as numbers, twos for none."""

    def call(self, x, mask=None):
        return 2 + 0 * x[..., 0] if mask is None else ef.ops.cast(mask, "float32")


@pytest.mark.parametrize(("change", "expected"), [(lambda m: None, [2, 2, 2]), (ef.ops.logical_not, [0, 0, 1])])
def test_a_layer_that_returns_its_input_may_change_the_mask(change, expected):
    embedded = Embedding(5, 2, mask_zero=True)(ids := ef.Input((3,), dtype="int32"))
    model = ef.Model(ids, [Seen()(Turned(change)(embedded)), Seen()(embedded)])
    assert [found.tolist() for found in model(IDS)] == [[expected], [[1, 1, 0]]]
    chain = ef.Sequential([Embedding(5, 2, mask_zero=True), Turned(change), Seen()])
    assert chain(IDS).tolist() == [expected]


def test_gradients_pass_through_it():
    layer = Turned(lambda m: None)
    x = ef.Variable([[[1.0], [2.0]]])
    with ef.GradientTape() as tape:
        y = 3 * x
        y.mask = ef.Tensor([[True, False]])
        loss = ef.ops.sum(layer(y) ** 2)
    assert tape.gradient(loss, x).tolist() == [[[18.0], [36.0]]]


@pytest.mark.parametrize("kind", [Add, Average, Maximum, Multiply])
def test_merged_masks_are_those_of_the_keras_that_is_meant(kind, request):
    def masks():
        one, other = (Embedding(5, 2, mask_zero=True)(ids) for ids in (IDS, np.array([[1, 0, 0]])))
        return [Seen()(kind()([one, x])).tolist()[0] for x in (Embedding(5, 2)(IDS), other)]

    assert masks() == [[2, 2, 2], [1, 1, 0]]
    request.getfixturevalue("keras_2")
    assert masks() == [[1, 1, 0], [1, 0, 0]]
