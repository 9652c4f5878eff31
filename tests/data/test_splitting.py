"""`split_dataset` counts as Keras 3.15 does."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.utils import split_dataset

TEN = np.arange(10)


def values(dataset):
    return [int(x) for x in dataset]


@pytest.mark.parametrize(
    ("left", "right", "first", "last"),
    [
        (0.7, None, 7, 3),
        (0.75, None, 8, 2),
        (0.25, None, 2, 8),
        (None, 0.25, 8, 2),
        (3, None, 3, 7),
        (None, 3, 7, 3),
        (0.5, 0.25, 5, 2),
        (0.33, 0.33, 3, 3),
        (0.55, 0.45, 6, 4),
        (4, 0.3, 4, 3),
    ],
)
def test_sizes(left, right, first, last):
    a, b = split_dataset(TEN, left_size=left, right_size=right)
    assert (values(a), values(b)) == (list(range(first)), list(range(10 - last, 10)))
    assert (len(a), len(b)) == (first, last)


@pytest.mark.parametrize(
    "data",
    [
        (TEN, TEN * 2),
        [TEN, TEN * 2],
        (ef.ops.arange(10), TEN * 2),
        ef.data.Dataset.from_tensor_slices((TEN, TEN * 2)),
        [(i, 2 * i) for i in range(10)],
    ],
    ids=["tuple", "list", "tensors", "Dataset", "elements"],
)
def test_data_of_several_parts(data):
    left, right = split_dataset(data, left_size=2)
    assert [(int(a), int(b)) for a, b in left] == [(0, 0), (1, 2)]
    assert len(right) == 8


def test_named_parts():
    left, _ = split_dataset({"a": TEN}, left_size=1)
    assert [{name: int(x) for name, x in element.items()} for element in left] == [{"a": 0}]


def test_random_order():
    a, b = split_dataset(TEN, left_size=5, shuffle=True, seed=1)
    again, _ = split_dataset(TEN, left_size=5, shuffle=True, seed=1)
    assert values(a) == values(again) != list(range(5))
    assert sorted(values(a) + values(b)) == list(range(10))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({}, ValueError, "pass left_size, right_size, or both"),
        ({"left_size": 10}, ValueError, "integer from 1 to 9"),
        ({"left_size": 0}, ValueError, "integer from 1 to 9"),
        ({"left_size": 1.0}, ValueError, "fraction between"),
        ({"left_size": 0.01}, ValueError, "nothing of 10 elements is left for the left side"),
        ({"left_size": 0.5, "right_size": 0.6}, ValueError, "exceed 1"),
        ({"left_size": 8, "right_size": 5}, ValueError, "8 and 5 elements are more than 10"),
        ({"left_size": True}, TypeError, "left_size=True"),
        ({"right_size": "a"}, TypeError, "right_size='a'"),
    ],
)
def test_wrong_sizes(settings, error, message):
    with pytest.raises(error, match=message):
        split_dataset(TEN, **settings)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("text", TypeError, "got str"),
        (3, TypeError, "got int"),
        ((TEN, TEN[:3]), ValueError, "same number of samples"),
        (ef.data.Dataset.range(3).repeat(), ValueError, "has no end"),
    ],
)
def test_data_that_cannot_be_split(data, error, message):
    with pytest.raises(error, match=message):
        split_dataset(data, left_size=1)


def test_elements_by_number_are_split():
    class ByNumber:
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return np.full(2, i), np.full(1, -i)

    left, right = split_dataset(ByNumber(), left_size=0.5)
    assert [int(y[0]) for _, y in left] == [0, -1]
    assert [x.tolist() for x, _ in right] == [[2, 2], [3, 3]]
