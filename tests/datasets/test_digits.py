"""The digits are the published ones, whole, and split fairly."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from eagerflow import datasets
from eagerflow.datasets import digits


@pytest.fixture(scope="module")
def data():
    return digits.load_data()


def test_shapes_and_dtypes_are_those_of_keras_image_data_sets(data):
    (x_train, y_train), (x_test, y_test) = data
    assert (x_train.shape, y_train.shape) == ((1442, 8, 8), (1442,))
    assert (x_test.shape, y_test.shape) == ((355, 8, 8), (355,))
    assert {array.dtype for part in data for array in part} == {np.dtype("uint8")}


def test_the_values_never_change(data):
    checksums = [zlib.crc32(array.tobytes()) for part in data for array in part]
    assert checksums == [0x6A3FE28E, 0x18B7D263, 0x018AC68C, 0xDF7B2090]


def test_every_call_gives_arrays_of_its_own():
    (first, _), _ = digits.load_data()
    first[:] = 0
    (second, _), _ = digits.load_data()
    assert second.sum() == 450566


def test_an_unknown_data_set_is_named_with_those_that_exist():
    with pytest.raises(AttributeError, match=r"'digitz'. Did you mean 'digits'"):
        _ = datasets.digitz
    assert "digits" in dir(datasets)
