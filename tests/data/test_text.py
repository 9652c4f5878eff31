"""Text in data sets: a tensor of its own kind."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import Tensor, layers, ops
from eagerflow.data import Dataset
from eagerflow.data.text import TextTensor, text_tensor

LINES = text_tensor([["a b", "c"], ["dä", b"e"]])


def test_text_has_the_interface_of_a_tensor():
    assert (LINES.shape, LINES.dtype, LINES.ndim, LINES.size) == ((2, 2), "string", 2, 4)
    assert LINES[0, 1].numpy() == b"c"
    assert LINES[1].numpy().tolist() == ["dä".encode(), b"e"]
    assert [row.shape for row in LINES] == [(2,), (2,)]
    assert LINES[Tensor([1, 0])][0, 1].numpy() == b"e"
    assert repr(LINES[0]) == "TextTensor(2 string, ['a b', 'c'])"
    assert "..." in repr(text_tensor([b"a"] * 21))


def test_comparisons_take_text_for_its_bytes():
    assert (LINES == "c").tolist() == [[False, True], [False, False]]
    assert (LINES[1] != np.array(["dä", "e"])).tolist() == [False, False]
    assert (b"b" > text_tensor("a")).tolist() is True
    assert (text_tensor(["a", "b"]) + "!").numpy().tolist() == [b"a!", b"b!"]


@pytest.mark.parametrize(
    "call", [lambda: LINES * 2, lambda: np.exp(LINES), lambda: np.add.reduce(LINES), lambda: ops.add(LINES, 1)]
)
def test_arithmetic_is_refused(call):
    with pytest.raises(TypeError, match=r"text|tensors hold numbers"):
        call()


@pytest.mark.parametrize(
    ("values", "error"), [(["a", 1], TypeError), ([["a"], ["b", "c"]], ValueError), (3.0, TypeError)]
)
def test_what_is_no_text_is_refused(values, error):
    with pytest.raises(error, match="text"):
        text_tensor(values)


def test_one_text_is_no_sequence_and_neither_true_nor_false():
    with pytest.raises(TypeError, match="numpy"):
        iter(LINES[0, 0])
    with pytest.raises(TypeError, match="compare it"):
        bool(LINES[0, 0])


def test_data_sets_give_text_tensors():
    """Also of columns of tables, and for layers that read text."""
    rows = Dataset.from_tensor_slices((np.array(["a b", "c"], object), [1, 2]))
    first, label = next(iter(rows))
    assert isinstance(first, TextTensor)
    assert first.numpy() == b"a b"
    assert int(label) == 1
    batch, _ = next(iter(rows.map(lambda x, y: (x + "!", y)).batch(2)))
    assert isinstance(batch, TextTensor)
    assert batch.numpy().tolist() == [b"a b!", b"c!"]
    layer = layers.TextVectorization()
    layer.adapt(rows.map(lambda x, y: x).batch(2))
    assert sorted(layer.get_vocabulary()[2:]) == ["a", "b", "c"]
    assert layer(batch).shape == (2, 2)
    numbers = Dataset.from_tensor_slices(np.array([1, 2], object))
    assert [int(x) for x in numbers] == [1, 2]


def test_methods_of_python_texts_are_told_of_functions_for_text():
    with pytest.raises(AttributeError, match=r"no attribute 'split': .*tf\.strings .*text\.item\(\)\.split"):
        text_tensor("a/b").split("/")
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        _ = text_tensor("a/b").nothing
