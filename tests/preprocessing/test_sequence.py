"""`pad_sequences` gives what Keras 3.15 gives."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import utils
from eagerflow.preprocessing.sequence import pad_sequences

RAGGED = [[1], [2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5]]),
        ({"padding": "post", "value": 9}, [[1, 9, 9], [2, 3, 9], [4, 5, 6]]),
        ({"maxlen": 4, "padding": "post"}, [[1, 0, 0, 0], [2, 3, 0, 0], [4, 5, 6, 0]]),
        ({"maxlen": 0}, [[], [], []]),
        ({"maxlen": 0, "truncating": "post"}, [[], [], []]),
    ],
)
def test_rows(settings, expected):
    padded = pad_sequences(RAGGED, **settings)
    assert padded.tolist() == expected
    assert padded.dtype == "int32"


def test_types():
    assert pad_sequences([[1.5, 2.5]]).tolist() == [[1, 2]]
    assert pad_sequences([[1.5], []], dtype="float32").tolist() == [[1.5], [0.0]]
    assert pad_sequences([["a"], ["b", "cc"]], dtype=object, value="").tolist() == [["", "a"], ["b", "cc"]]


def test_elements_may_be_arrays():
    padded = pad_sequences([np.ones((1, 2)), np.full((2, 2), 3)])
    assert padded.tolist() == [[[0, 0], [1, 1]], [[3, 3], [3, 3]]]


def test_nothing_to_pad():
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([[], []]).shape == (2, 0)


@pytest.mark.parametrize(
    ("sequences", "settings", "error", "message"),
    [
        (3, {}, TypeError, "list of sequences; got int"),
        ("text", {}, TypeError, "list of sequences; got str"),
        ([[1], 2], {}, TypeError, r"sequences\[1\] is an int"),
        (RAGGED, {"padding": "Post"}, ValueError, "Did you mean 'post'"),
        (RAGGED, {"truncating": 1}, ValueError, r"truncating=1\): expected 'pre' or 'post'"),
        (RAGGED, {"maxlen": -1}, ValueError, "maxlen=-1"),
        (RAGGED, {"maxlen": 2.0}, ValueError, "maxlen=2.0"),
        ([["a"]], {"value": "x"}, ValueError, "dtype=object"),
        ([[[1, 2]], [[1]]], {}, ValueError, r"one shape; it is \(2,\) before and \(1,\) in sequences\[1\]"),
    ],
)
def test_mistakes(sequences, settings, error, message):
    with pytest.raises(error, match=message):
        pad_sequences(sequences, **settings)


def test_it_has_several_homes():
    assert utils.pad_sequences is pad_sequences
